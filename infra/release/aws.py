"""The account, the Region and the stack that `make deploy` and `make destroy` work on, from the caller's own credentials."""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import boto3  # noqa: E402
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError  # noqa: E402
from botocore.parsers import ResponseParserError  # noqa: E402
from failed import Failed  # noqa: E402
from problems import explain  # noqa: E402

STACK = os.environ.get("STACK") or "nightly-backup"
LONGEST_BUCKET = 63
# Regions of partitions in which services and principals differ.
UNTRIED = ("cn-", "us-gov-", "us-iso", "eu-isoe-", "eusc-")


def session() -> boto3.session.Session:
    """A session in REGION, or in the Region that the caller's own configuration names."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", STACK):
        raise Failed(f"STACK={STACK} is no name of a stack: a letter, then letters, digits and hyphens")
    found = boto3.session.Session(region_name=os.environ.get("REGION") or None)
    if not found.region_name:
        raise NoRegionError()
    if found.region_name.startswith(UNTRIED):
        raise Failed(f"REGION={found.region_name}: nothing of this was ever tried in AWS's China, GovCloud and other separate partitions; "
                     "deploy to a Region of the partition aws")
    found.client("sts").get_caller_identity()
    return found


def environment(found: boto3.session.Session) -> dict:
    """The environment in which the AWS CLI works in the session's Region."""
    return dict(os.environ) | {"AWS_REGION": found.region_name, "AWS_DEFAULT_REGION": found.region_name}


def account(found: boto3.session.Session) -> str:
    return found.client("sts").get_caller_identity()["Account"]


def artifacts_name(found: boto3.session.Session) -> str:
    """Never cut short: it is the account in it that makes the name ours."""
    ending = f"-artifacts-{account(found)}-{found.region_name}"
    if len(STACK) + len(ending) > LONGEST_BUCKET:
        raise Failed(f"STACK={STACK} is too long: at most {LONGEST_BUCKET - len(ending)} characters in {found.region_name}")
    return (STACK + ending).lower()


def artifacts(found: boto3.session.Session) -> str:
    """The bucket of this account and Region that the zips and the nested templates go to; made where it is missing.

    Nothing in it expires: a rollback reads the templates and zips of the deployment before.
    """
    bucket, s3 = artifacts_name(found), found.client("s3")
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account(found))
        return bucket
    except ClientError as problem:
        if problem.response["Error"]["Code"] != "404":
            raise Failed(f"the bucket {bucket} is not this account's to use ({problem}): choose another STACK name") from None
    where = {} if found.region_name == "us-east-1" else {
        "CreateBucketConfiguration": {"LocationConstraint": found.region_name}}
    s3.create_bucket(Bucket=bucket, **where)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True))
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]})
    # A local cloud is reached without TLS, and the policy would shut this very deployment out.
    if s3.meta.endpoint_url.startswith("https:"):
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(tls_only(bucket, found)))
    return bucket


def tls_only(bucket: str, found: boto3.session.Session) -> dict:
    arn = f"arn:{found.get_partition_for_region(found.region_name)}:s3:::{bucket}"
    return {"Version": "2012-10-17", "Statement": [{
        "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}


def confirmed(question: str) -> bool:
    """Whether the person at the terminal says yes; YES=1 says it for a script, and without a terminal the answer is no."""
    if os.environ.get("YES") == "1":
        return True
    if not sys.stdin.isatty():
        raise Failed(f"{question} Nobody is there to answer: set YES=1")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def run(command: str, main: Callable[[], None]) -> None:
    """Runs a command's `main`; whatever goes wrong ends it in one line."""
    try:
        main()
    except (Failed, BotoCoreError, ClientError, ResponseParserError, OSError, ValueError) as problem:
        sys.exit(f"{command}: {explain(problem)}")
    except (KeyboardInterrupt, EOFError):
        sys.exit(f"\n{command}: no longer followed; what CloudFormation has begun goes on without you. Look with "
                 f"`aws cloudformation describe-stacks --stack-name {STACK}`")
