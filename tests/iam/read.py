"""Prints the roles, the managed policies and the resource policies of a deployed stack as JSON, as a local cloud returns them.

read.py <endpoint> <stack>
"""

import ast
import contextlib
import json
import re
import sys

import boto3
from botocore.exceptions import ClientError

ENDPOINT, STACK = sys.argv[1:]


def client(service: str):
    return boto3.client(service, endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id="test",
                        aws_secret_access_key="test")


iam = client("iam")


def managed(arn: str) -> dict:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return document(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])


def role(name: str) -> dict:
    found = iam.get_role(RoleName=name)["Role"]
    inline = {policy: document(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
              for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]}
    attached = {one["PolicyName"]: managed(one["PolicyArn"])
                for one in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]}
    return {"arn": found["Arn"], "trust": found["AssumeRolePolicyDocument"], "policies": inline | attached}


def document(policy: str | dict) -> dict:
    """Returns a policy in the form of AWS. moto returns an inline policy as Python text, and the `Arn` of a log group without its `:*`."""
    if isinstance(policy, str):
        policy = ast.literal_eval(policy)
    text = re.sub(r'("arn:[\w-]+:logs:[^:"]*:[^:"]*:log-group:[^:"*]+)"', r'\1:*"', json.dumps(policy))
    return json.loads(text)


def parsed(policy: str | dict) -> dict:
    return json.loads(policy) if isinstance(policy, str) else policy


READ = {
    "AWS::S3::Bucket": lambda name: client("s3").get_bucket_policy(Bucket=name)["Policy"],
    "AWS::SNS::Topic": lambda arn: client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"],
    "AWS::SQS::Queue": lambda url: client("sqs").get_queue_attributes(
        QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"],
    "AWS::KMS::Key": lambda key: client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"],
}


def resources_of(stack: str) -> list:
    """Returns the resources of a stack and of its nested stacks."""
    pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    own = [one for page in pages for one in page["StackResourceSummaries"] if one.get("LogicalResourceId")]
    nested = [one["PhysicalResourceId"] for one in own if one["ResourceType"] == "AWS::CloudFormation::Stack"]
    return own + [one for stack in nested for one in resources_of(stack)]


read = {"ids": {}, "roles": {}, "managed": {}, "resources": {}}
for one in resources_of(STACK):
    logical, kind, physical = one["LogicalResourceId"], one["ResourceType"], one["PhysicalResourceId"]
    # Uses the last part of an ARN or a URL. The `1` of a version is too short to search for in ARNs.
    if kind == "AWS::Lambda::Version":
        continue
    read["ids"][logical] = re.split("[:/]", physical)[-1] if physical.startswith(("arn:", "http:")) else physical
    if kind == "AWS::IAM::Role":
        read["roles"][logical] = role(physical)
    elif kind == "AWS::IAM::ManagedPolicy":
        # Also lists the policy by itself, because moto's CloudFormation has no groups.
        read["managed"][logical] = managed(physical)
    elif kind in READ:
        # moto's CloudFormation has no bucket policies.
        with contextlib.suppress(ClientError):
            read["resources"][logical] = parsed(READ[kind](physical))
read["account"] = next(iter(read["roles"].values()))["arn"].split(":")[4]
json.dump(read, sys.stdout)
