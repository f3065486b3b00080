"""Deploys a template with `aws cloudformation package` and `deploy`: to AWS, or to whatever the endpoint variables name.

`deploy` makes a change set; executing and awaiting it are this script's, because the CLI's own wait asks every 30 seconds.
"""

import re
import subprocess
import sys
import time
from pathlib import Path

import boto3

AWS = [str(Path(sys.executable).with_name("aws"))]
FINISHED = re.compile("(COMPLETE|FAILED)$")


class Failed(Exception):
    """A deployment that did not succeed, in one line that says what to do."""


def aws(*arguments: str, env: dict) -> str:
    run = subprocess.run(AWS + list(arguments), env=env, capture_output=True, text=True)
    if run.returncode:
        said = (run.stderr.strip() or run.stdout.strip()).splitlines()
        raise Failed(f"aws {' '.join(arguments[:2])}: {said[-1] if said else 'no message'}")
    return run.stdout


def deploy(template: Path, stack: str, bucket: str, parameters: dict, packaged: Path, env: dict) -> bool:
    """Deploys `template` as `stack`; says whether anything changed. Artifacts go to `bucket`."""
    packaged.parent.mkdir(parents=True, exist_ok=True)
    aws("cloudformation", "package", "--template-file", str(template), "--s3-bucket", bucket,
        "--output-template-file", str(packaged), env=env)
    overrides = [f"{key}={value}" for key, value in parameters.items()]
    try:
        said = aws("cloudformation", "deploy", "--template-file", str(packaged), "--stack-name", stack,
                   "--capabilities", "CAPABILITY_IAM", "--no-execute-changeset", "--no-fail-on-empty-changeset",
                   *(["--parameter-overrides", *overrides] if overrides else []), env=env)
    except Failed as problem:
        if "No updates are to be performed" not in str(problem):
            raise
        return False
    change_set = re.search(r"arn:\S+:changeSet/\S+", said)
    if not change_set:
        return False
    aws("cloudformation", "execute-change-set", "--change-set-name", change_set.group(), env=env)
    wait(stack, env)
    return True


def client(service: str, env: dict):
    """A client of boto3's that sees `env`, not this process's environment."""
    return boto3.session.Session(
        aws_access_key_id=env.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=env.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=env.get("AWS_SESSION_TOKEN"),
        region_name=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION"),
    ).client(service, endpoint_url=env.get("AWS_ENDPOINT_URL"))


def wait(stack: str, env: dict) -> None:
    cloudformation = client("cloudformation", env)
    while not FINISHED.search(status := describe(cloudformation, stack)["StackStatus"]):
        time.sleep(1)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        first = failed[-1] if failed else {"LogicalResourceId": stack, "ResourceStatusReason": "no reason given"}
        raise Failed(f"stack {stack} is {status}: {first['LogicalResourceId']}: "
                     f"{first.get('ResourceStatusReason', 'no reason given')}")


def describe(cloudformation, stack: str) -> dict:
    return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]


def outputs(stack: str, env: dict) -> dict:
    return {one["OutputKey"]: one["OutputValue"] for one in describe(client("cloudformation", env), stack)["Outputs"]}
