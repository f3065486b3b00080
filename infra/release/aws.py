"""The account, the Region and the stack that `make deploy` and `make destroy` work on, from the caller's own credentials."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import boto3  # noqa: E402
from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError, ProfileNotFound  # noqa: E402
from deploy import Failed  # noqa: E402

STACK = os.environ.get("STACK") or "nightly-backup"


def session() -> boto3.session.Session:
    """A session in REGION, or in the Region that the caller's own configuration names."""
    try:
        found = boto3.session.Session(region_name=os.environ.get("REGION") or None)
        if not found.region_name:
            raise NoRegionError()
        found.client("sts").get_caller_identity()
    except NoRegionError:
        raise Failed("no Region: set REGION=eu-west-1, or AWS_REGION") from None
    except (NoCredentialsError, ProfileNotFound) as problem:
        raise Failed(f"no AWS credentials ({problem}): run `aws configure`, or set AWS_PROFILE") from None
    except ClientError as problem:
        raise Failed(f"AWS does not accept the credentials: {problem}") from None
    return found


def environment(found: boto3.session.Session) -> dict:
    """The environment in which the AWS CLI works in the session's Region."""
    return dict(os.environ) | {"AWS_REGION": found.region_name, "AWS_DEFAULT_REGION": found.region_name}


def artifacts(found: boto3.session.Session) -> str:
    """The bucket of this account and Region that the zips and the nested templates go to; made where it is missing."""
    account = found.client("sts").get_caller_identity()["Account"]
    bucket = f"{STACK}-artifacts-{account}-{found.region_name}"[:63].lower()
    s3 = found.client("s3")
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
        return bucket
    except ClientError as problem:
        if problem.response["Error"]["Code"] != "404":
            raise Failed(f"the bucket {bucket} is not this account's to use ({problem}): choose another STACK name") from None
    where = {} if found.region_name == "us-east-1" else {
        "CreateBucketConfiguration": {"LocationConstraint": found.region_name}}
    s3.create_bucket(Bucket=bucket, **where)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True))
    return bucket


def confirmed(question: str) -> bool:
    """Whether the person at the terminal says yes; YES=1 says it for a script, and without a terminal the answer is no."""
    if os.environ.get("YES") == "1":
        return True
    if not sys.stdin.isatty():
        raise Failed(f"{question} Nobody is there to answer: set YES=1")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
