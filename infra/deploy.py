"""Deploys a template: uploads the files that it names, makes a change set, executes it and waits for the end.

It goes to AWS, or to whatever endpoint the environment names.
"""

import hashlib
import re
import shlex
import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import cache
from pathlib import Path

import boto3
import digest
import template
from botocore.exceptions import ClientError
from failed import Failed

FINISHED = re.compile("(COMPLETE|FAILED)$")
SECONDS_TO_FINISH = 3600
# CloudFormation takes this many bytes in the request itself; a longer template comes from a bucket (CloudFormation quotas).
BYTES_WITHOUT_BUCKET = 51_200
# What CloudFormation and moto answer if a change set has no changes.
UNCHANGED = ("didn't contain changes", "No updates are to be performed")
# The deployment works these out itself.
OURS = (digest.PARAMETER,)


def deploy(path: Path, stack: str, bucket: str, parameters: dict, env: dict,
           approve: Callable[[list[dict]], bool] = lambda changes: True) -> bool:
    """Deploys the template at `path` as `stack` and returns whether anything changed. Zips and nested templates go to `bucket`.

    `approve` sees the changes first. If it returns false, nothing is changed and `Failed` is raised.
    """
    cloudformation = client("cloudformation", env)
    found = find(cloudformation, stack)
    parameters = parameters | digest.releases(path, parameters, found)
    change_set = make_change_set(cloudformation, found, stack, package(path, bucket, env), parameters)
    if not change_set:
        return False
    try:
        if not approve(cloudformation.describe_change_set(ChangeSetName=change_set)["Changes"]):
            raise Failed("not approved; nothing was changed")
    except BaseException:
        forget(cloudformation, stack, change_set)
        raise
    started = datetime.now(timezone.utc)
    cloudformation.execute_change_set(ChangeSetName=change_set)
    wait(cloudformation, stack, ("CREATE_COMPLETE", "UPDATE_COMPLETE"), started)
    return True


def package(path: Path, bucket: str, env: dict) -> dict:
    """Uploads what the template names by a local path, and returns the template as arguments of CreateChangeSet."""
    s3 = client("s3", env)
    there = {one["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket) for one in page.get("Contents", [])}

    def upload(key: str, content: bytes) -> str:
        if key not in there:
            s3.put_object(Bucket=bucket, Key=key, Body=content)
        # The object's URL as this endpoint has it, without the signature.
        return s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}).partition("?")[0]

    text = template.package(path, bucket, upload)
    if len(text.encode()) <= BYTES_WITHOUT_BUCKET:
        return {"TemplateBody": text}
    return {"TemplateURL": upload(f"{hashlib.sha256(text.encode()).hexdigest()}.template", text.encode())}


def make_change_set(cloudformation, found: dict, stack: str, packaged: dict, parameters: dict) -> str | None:
    """Makes a change set and returns its id, or nothing if it has no changes. A parameter that is not given keeps its value."""
    is_new = found.get("StackStatus") in (None, "REVIEW_IN_PROGRESS")
    values = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    if not is_new:
        declared = {one["ParameterKey"] for one in cloudformation.get_template_summary(**packaged)["Parameters"]}
        kept = {one["ParameterKey"] for one in found.get("Parameters", [])} & declared - parameters.keys()
        values += [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept)]
    try:
        change_set = cloudformation.create_change_set(
            StackName=stack, ChangeSetName=f"deploy-{time.time_ns()}", ChangeSetType="CREATE" if is_new else "UPDATE",
            Parameters=values, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"], **packaged)["Id"]
        made = until_finished(lambda: cloudformation.describe_change_set(ChangeSetName=change_set), "Status", "the change set")
    except ClientError as problem:
        if any(words in str(problem) for words in UNCHANGED):
            return None
        raise
    if made["Status"] == "FAILED":
        forget(cloudformation, stack, change_set)
        if any(words in made.get("StatusReason", "") for words in UNCHANGED):
            return None
        raise Failed(f"stack {stack}: no change set could be made: {made.get('StatusReason', 'no reason given')}")
    return change_set


def until_finished(describe: Callable[[], dict], field: str, what: str) -> dict:
    """Describes something again and again until its status says that it is finished."""
    deadline, pause = time.monotonic() + SECONDS_TO_FINISH, 0.05
    while not FINISHED.search((now := describe())[field]):
        if time.monotonic() > deadline:
            raise Failed(f"{what} is still {now[field]} after {SECONDS_TO_FINISH} s; look at its events")
        time.sleep(pause)
        pause = min(2 * pause, 2)
    return now


def given_parameters(path: Path, words: str) -> dict:
    """Reads the parameters of a template from `Key=Value` words, quoted as in a shell if a value has spaces."""
    try:
        split = shlex.split(words)
    except ValueError as problem:
        raise Failed(f"PARAMETERS={words!r}: {problem}; quote a value with spaces as in a shell") from None
    if wrong := [word for word in split if "=" not in word]:
        raise Failed(f"PARAMETERS: {wrong[0]!r} is not of the form Key=Value")
    given = dict(word.split("=", 1) for word in split)
    known = declared(path)
    if unknown := [name for name in given if name not in known]:
        raise Failed(f"PARAMETERS: {path.name} has no parameter {unknown[0]}; it has {', '.join(known)}")
    return given


def declared(path: Path) -> list[str]:
    return [name for name in template.read(path).get("Parameters", {}) if name not in OURS]


def forget(cloudformation, stack: str, change_set: str) -> None:
    """Leaves nothing of a change set that was not wanted: neither itself nor the empty stack that a first one makes."""
    cloudformation.delete_change_set(ChangeSetName=change_set)
    if describe(cloudformation, stack)["StackStatus"] == "REVIEW_IN_PROGRESS":
        cloudformation.delete_stack(StackName=stack)


def client(service: str, env: dict):
    """Returns a client of boto3's that sees `env`, not this process's environment."""
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
    return session(*(env.get(key) for key in keys), region).client(service, endpoint_url=env.get("AWS_ENDPOINT_URL"))


@cache
def session(key: str | None, secret: str | None, token: str | None, region: str | None) -> boto3.session.Session:
    return boto3.session.Session(key, secret, token, region)


def wait(cloudformation, stack: str, wanted: tuple[str, ...], started: datetime) -> None:
    """Awaits the end of what began at `started`; `Failed` with the first resource's own reason unless it ends as wanted."""
    status = until_finished(lambda: describe(cloudformation, stack), "StackStatus", f"stack {stack}")["StackStatus"]
    if status not in wanted:
        raise Failed(f"stack {stack} is {status}: {first_failure(cloudformation, stack, started)}")


def first_failure(cloudformation, stack: str, started: datetime) -> str:
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
    events = [event for page in pages for event in page["StackEvents"]
              if event["ResourceStatus"].endswith("FAILED") and event["Timestamp"] >= started]
    if not events:
        return "no reason given"
    first = events[-1]
    # A nested stack's event says that it failed; its own events say why.
    nested = first.get("PhysicalResourceId")
    if first["ResourceType"] == "AWS::CloudFormation::Stack" and nested and nested != first["StackId"]:
        return f"{first['LogicalResourceId']}: {first_failure(cloudformation, nested, started)}"
    return f"{first['LogicalResourceId']}: {first.get('ResourceStatusReason', 'no reason given')}"


def find(cloudformation, stack: str) -> dict:
    """The stack as described; empty where there is none."""
    try:
        return describe(cloudformation, stack)
    except ClientError as problem:
        if problem.response["Error"]["Code"] == "ValidationError":
            return {}
        raise


def resources(cloudformation, stack: str, kind: str) -> dict:
    """The logical ids, by physical id, of a stack's resources of one type, and of those of the stacks nested in it."""
    found = {}
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack):
        for one in page["StackResourceSummaries"]:
            inner = one["ResourceStatus"] != "DELETE_COMPLETE" and one.get("PhysicalResourceId")
            if inner and one["ResourceType"] == kind:
                found[inner] = one["LogicalResourceId"]
            elif inner and one["ResourceType"] == "AWS::CloudFormation::Stack":
                found |= resources(cloudformation, inner, kind)
    return found


def describe(cloudformation, stack: str) -> dict:
    return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]


def parameters(stack: str, env: dict) -> dict:
    described = describe(client("cloudformation", env), stack)
    return {one["ParameterKey"]: one["ParameterValue"] for one in described.get("Parameters", [])}


def outputs(stack: str, env: dict) -> dict:
    described = describe(client("cloudformation", env), stack)
    return {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}
