"""Tells before a deployment that it would put new, empty servers in the place of those that run.

CloudFormation reads the newest image's id anew at each update, and a nested stack's change set does not show what that replaces.
"""

import deploy
from botocore.exceptions import ClientError


def replaced(found, stack: str, given: dict, env: dict) -> list[str]:
    """The running servers of the stack whose image is not the one that `ImageId` names now."""
    cloudformation = deploy.client("cloudformation", env)
    if not deploy.find(cloudformation, stack):
        return []
    ids = deploy.resources(cloudformation, stack, "AWS::EC2::Instance")
    parameters = deploy.parameters(stack, env) | given
    if not ids or "ImageId" not in parameters:
        return []
    newest = found.client("ssm").get_parameter(Name=parameters["ImageId"])["Parameter"]["Value"]
    try:
        reservations = found.client("ec2").describe_instances(InstanceIds=list(ids))["Reservations"]
    except ClientError as problem:
        if problem.response["Error"]["Code"] == "InvalidInstanceID.NotFound":
            return []
        raise
    return [f"{ids[one['InstanceId']]} ({one['InstanceId']}, {one['ImageId']}; the image is {newest} now)"
            for reservation in reservations for one in reservation["Instances"] if one["ImageId"] != newest]
