"""Deploys a template with `aws cloudformation package` and `deploy`: to AWS, or to whatever the endpoint variables name.

`deploy` makes a change set; executing and awaiting it are this script's, because the CLI's own wait asks every 30 seconds.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import boto3
import digest
from botocore.exceptions import ClientError

AWS = str(Path(sys.executable).with_name("aws"))
FINISHED = re.compile("(COMPLETE|FAILED)$")
SECONDS_TO_FINISH = 3600
# What CloudFormation takes in the request itself; a longer template comes from a bucket.
BYTES_WITHOUT_BUCKET = 51_200


class Failed(Exception):
    """What went wrong, in one line that says what to do."""


def aws(*arguments: str, env: dict) -> str:
    run = subprocess.run([AWS, *arguments], env=env, capture_output=True, text=True)
    if run.returncode:
        said = (run.stderr.strip() or run.stdout.strip()).splitlines()
        raise Failed(f"aws {' '.join(arguments[:2])}: {said[-1] if said else 'no message'}")
    return run.stdout


def deploy(template: Path, stack: str, bucket: str, parameters: dict, packaged: Path, env: dict,
           approve: Callable[[list[dict]], bool] = lambda changes: True) -> bool:
    """Deploys `template` as `stack`; says whether anything changed. Artifacts go to `bucket`.

    `approve` is shown the change set's changes; where it says no, nothing is changed and `Failed` is raised.
    """
    packaged.parent.mkdir(parents=True, exist_ok=True)
    aws("cloudformation", "package", "--template-file", str(template), "--s3-bucket", bucket,
        "--output-template-file", str(packaged), env=env)
    cloudformation = client("cloudformation", env)
    release = digest.release(template, parameters, find(cloudformation, stack))
    change_set = make_change_set(packaged, stack, bucket, parameters | release, env)
    if not change_set:
        return False
    try:
        if not approve(cloudformation.describe_change_set(ChangeSetName=change_set)["Changes"]):
            raise Failed("not approved; nothing was changed")
    except BaseException:
        forget(cloudformation, stack, change_set)
        raise
    started = datetime.now(timezone.utc)
    aws("cloudformation", "execute-change-set", "--change-set-name", change_set, env=env)
    wait(cloudformation, stack, ("CREATE_COMPLETE", "UPDATE_COMPLETE"), started)
    return True


def forget(cloudformation, stack: str, change_set: str) -> None:
    """Leaves nothing of a change set that was not wanted: neither itself nor the empty stack that a first one makes."""
    cloudformation.delete_change_set(ChangeSetName=change_set)
    if describe(cloudformation, stack)["StackStatus"] == "REVIEW_IN_PROGRESS":
        cloudformation.delete_stack(StackName=stack)


def make_change_set(packaged: Path, stack: str, bucket: str, parameters: dict, env: dict) -> str | None:
    overrides = ["--parameter-overrides", *(f"{key}={value}" for key, value in parameters.items())] if parameters else []
    # Not for the others: moto reads a template from no bucket by its address.
    stored = ["--s3-bucket", bucket] if packaged.stat().st_size > BYTES_WITHOUT_BUCKET else []
    try:
        said = aws("cloudformation", "deploy", "--template-file", str(packaged), "--stack-name", stack,
                   "--capabilities", "CAPABILITY_IAM", "--no-execute-changeset", "--no-fail-on-empty-changeset",
                   *stored, *overrides, env=env)
    except Failed as problem:
        # moto's way to say what AWS says by an empty change set.
        if "No updates are to be performed" in str(problem):
            return None
        raise
    found = re.search(r"arn:\S+:changeSet/\S+", said)
    return found and found.group()


def client(service: str, env: dict):
    """A client of boto3's that sees `env`, not this process's environment."""
    return boto3.session.Session(
        aws_access_key_id=env.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=env.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=env.get("AWS_SESSION_TOKEN"),
        region_name=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION"),
    ).client(service, endpoint_url=env.get("AWS_ENDPOINT_URL"))


def wait(cloudformation, stack: str, wanted: tuple[str, ...], started: datetime) -> None:
    """Awaits the end of what began at `started`; `Failed` with the first resource's own reason unless it ends as wanted."""
    status = finished(cloudformation, stack)
    if status not in wanted:
        raise Failed(f"stack {stack} is {status}: {first_failure(cloudformation, stack, started)}")


def finished(cloudformation, stack: str) -> str:
    for _ in range(SECONDS_TO_FINISH):
        status = describe(cloudformation, stack)["StackStatus"]
        if FINISHED.search(status):
            return status
        time.sleep(1)
    raise Failed(f"stack {stack} is still {status} after {SECONDS_TO_FINISH} s; look at its events")


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
