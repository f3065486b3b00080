"""`make destroy`: deletes the stack. Its snapshots and the ledger bucket stay, and it says so."""

import sys
from datetime import datetime, timezone

from aws import STACK, Failed, confirmed, environment, session

import deploy
from botocore.exceptions import BotoCoreError, ClientError


def main() -> None:
    found = session()
    cloudformation = deploy.client("cloudformation", environment(found))
    try:
        stack = deploy.describe(cloudformation, STACK)
    except ClientError:
        raise Failed(f"there is no stack {STACK} in {found.region_name}: set STACK and REGION") from None
    print(f"{STACK} in {found.region_name}: the servers and the nightly backup go. "
          "Every snapshot, the ledger bucket and the bucket of the deployment's artifacts stay; delete them by hand if you want.")
    if not confirmed("Delete the stack?"):
        raise Failed("not confirmed; nothing was deleted")
    started = datetime.now(timezone.utc)
    cloudformation.delete_stack(StackName=stack["StackId"])
    deploy.wait(cloudformation, stack["StackId"], ("DELETE_COMPLETE",), started)
    print("Deleted.")


if __name__ == "__main__":
    try:
        main()
    except (Failed, BotoCoreError, ClientError) as problem:
        sys.exit(f"destroy: {problem}")
