"""`make destroy`: deletes the stack. What is worth keeping stays, and it says by name what that is."""

from datetime import datetime, timezone

from aws import STACK, Failed, account, confirmed, environment, run, session

import deploy
from botocore.exceptions import BotoCoreError, ClientError


def main() -> None:
    found = session()
    cloudformation = deploy.client("cloudformation", environment(found))
    stack = deploy.find(cloudformation, STACK)
    if not stack:
        raise Failed(f"there is no stack {STACK} in {found.region_name}: set STACK and REGION")
    if stack["StackStatus"].endswith("_IN_PROGRESS") and stack["StackStatus"] != "REVIEW_IN_PROGRESS":
        raise Failed(f"stack {STACK} is {stack['StackStatus']}: wait for its end and run this again")
    staying = stays(found, cloudformation, stack)
    print(f"{STACK} in {found.region_name}: the stack and all in it go, but these stay:")
    print("".join(f"  {line}\n" for line in staying), end="")
    if not confirmed("Delete the stack?"):
        raise Failed("not confirmed; nothing was deleted")
    started = datetime.now(timezone.utc)
    cloudformation.delete_stack(StackName=stack["StackId"])
    deploy.wait(cloudformation, stack["StackId"], ("DELETE_COMPLETE",), started)
    print("Deleted. What stayed costs what it holds. To be rid of a bucket: empty it in the S3 console, then delete it; "
          "of a snapshot: `aws ec2 delete-snapshot --snapshot-id ID`.")


def stays(found, cloudformation, stack: dict) -> list[str]:
    name = f"{STACK}-artifacts-{account(found)}-{found.region_name}".lower()
    kept = [f"bucket {one}" for one in buckets(cloudformation, stack["StackId"])] + [f"bucket {name} (templates and zips)"]
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    regions = [one for one in (given.get("Regions") or found.region_name).split(",") if one]
    return kept + [snapshots(found, region, given.get("BackupStack") or STACK) for region in regions]


def buckets(cloudformation, stack: str) -> list[str]:
    """Every bucket of a stack and of those nested in it: none of this project's is deleted with its stack."""
    names = []
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack):
        for one in page["StackResourceSummaries"]:
            inner = one["ResourceStatus"] != "DELETE_COMPLETE" and one.get("PhysicalResourceId")
            if inner and one["ResourceType"] == "AWS::S3::Bucket":
                names.append(inner)
            elif inner and one["ResourceType"] == "AWS::CloudFormation::Stack":
                names += buckets(cloudformation, inner)
    return names


def snapshots(found, region: str, tag: str) -> str:
    pages = found.client("ec2", region_name=region).get_paginator("describe_snapshots").paginate(
        OwnerIds=["self"], Filters=[{"Name": "tag:BackupStack", "Values": [tag]}], PaginationConfig={"PageSize": 1000})
    try:
        count = sum(len(page["Snapshots"]) for page in pages)
    except (BotoCoreError, ClientError):
        # To be told the number is not worth a stack that cannot be deleted.
        return f"every snapshot in {region} whose tag BackupStack is {tag} (they could not be counted)"
    return f"{count} snapshot{'' if count == 1 else 's'} in {region} whose tag BackupStack is {tag}"


if __name__ == "__main__":
    run("destroy", main)
