"""What a person can do about what AWS or the network answered, in one line."""

from botocore.exceptions import (ClientError, ConnectionError, EndpointConnectionError, HTTPClientError, InvalidRegionError,
                                 NoCredentialsError, NoRegionError, PartialCredentialsError, ProfileNotFound,
                                 SSOError, TokenRetrievalError)
from botocore.parsers import ResponseParserError
from failed import Failed

EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
REFUSED = ("AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException")
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")

# What to do about a stack that no deployment can start on. What is not here can be deployed to.
STUCK = {
    "ROLLBACK_COMPLETE": "its creation failed and was undone, so nothing is lost: run `make destroy {here}`, then deploy again",
    "ROLLBACK_FAILED": "its creation failed and could not be undone: run `make destroy {here}`; what will not go, its events name",
    "UPDATE_ROLLBACK_FAILED": "an update could not be undone: mend what its events name, then run `aws cloudformation "
                              "continue-update-rollback --stack-name {stack} --region {region}`",
    "DELETE_FAILED": "a deletion stopped half way: mend what its events name, then run `make destroy {here}` again",
}


def explain(problem: Exception) -> str:
    """The problem in one line."""
    return " ".join(told(problem).split())


def told(problem: Exception) -> str:
    match problem:
        case NoRegionError():
            return "no Region: set REGION=eu-west-1, or AWS_REGION"
        case InvalidRegionError():
            return "REGION is not the name of a Region, such as eu-west-1"
        case NoCredentialsError() | PartialCredentialsError() | ProfileNotFound() | SSOError() | TokenRetrievalError():
            return f"no AWS credentials ({problem}): run `aws configure` or `aws sso login`, or set AWS_PROFILE"
        case EndpointConnectionError() | ConnectionError() | HTTPClientError():
            return f"AWS does not answer ({problem}): is the network there, and is REGION the name of a Region?"
        case ClientError():
            return refused(problem)
        case ResponseParserError():
            return "the answer is not AWS's: a proxy or a sign-in page may stand between; look at what AWS_ENDPOINT_URL and HTTPS_PROXY name"
    text = str(problem)
    if isinstance(problem, FileNotFoundError) and ".zip" in text:
        return f"the release zips are missing: run `make package` first ({text})"
    return text


def refused(problem: ClientError) -> str:
    code = problem.response["Error"].get("Code")
    if code in EXPIRED:
        return "the AWS credentials have expired: sign in again, with `aws sso login` or as you got them"
    if code in REFUSED:
        return f"AWS does not accept the credentials, or the Region is not enabled for this account ({code}): " \
               "check `aws sts get-caller-identity` and REGION"
    if code in DENIED:
        return f"these credentials may not call {problem.operation_name}: {problem.response['Error'].get('Message')}"
    return str(problem)


def check(status: str | None, stack: str, region: str) -> None:
    """`Failed` where a stack of this status cannot be deployed to."""
    if not status or status == "REVIEW_IN_PROGRESS":
        return
    if status.endswith("_IN_PROGRESS"):
        raise Failed(f"stack {stack} is {status}: another deployment is at work; wait for its end and run this again")
    if advice := STUCK.get(status):
        here = f"STACK={stack} REGION={region}"
        raise Failed(f"stack {stack} is {status}: {advice.format(here=here, stack=stack, region=region)}")
