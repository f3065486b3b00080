"""`make destroy`: deletes the stack. What is worth keeping stays, and it says by name what that is."""

from datetime import datetime, timezone

from aws import STACK, Failed, artifacts_name, confirmed, environment, run, session

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
    # None of this project's buckets is deleted with its stack.
    kept = [f"bucket {one}" for one in deploy.resources(cloudformation, stack["StackId"], "AWS::S3::Bucket")]
    kept.append(f"bucket {artifacts_name(found)} (templates and zips)")
    given = deploy.parameters(STACK, environment(found))
    regions = [one for one in (given.get("Regions") or found.region_name).split(",") if one]
    return kept + [snapshots(found, region, given.get("BackupStack") or STACK) for region in regions]


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
