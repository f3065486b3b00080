"""`make deploy`: shows what would change in the stack, asks, and deploys it with the caller's credentials.

The template is infra/template.yaml, or the first argument: a test deploys the same template beside its own zips.
"""

import os
import shlex
import sys
from pathlib import Path

from aws import STACK, Failed, artifacts, confirmed, environment, session

import deploy
from botocore.exceptions import BotoCoreError, ClientError

ROOT = Path(__file__).parents[2]


def parameters() -> dict:
    """EMAIL, and PARAMETERS as `Key=Value` words, quoted as in a shell where a value has spaces."""
    words = shlex.split(os.environ.get("PARAMETERS") or "")
    if wrong := [word for word in words if "=" not in word]:
        raise Failed(f"PARAMETERS: {wrong[0]!r} is not of the form Key=Value")
    given = dict(word.split("=", 1) for word in words)
    return given | ({"Email": os.environ["EMAIL"]} if os.environ.get("EMAIL") else {})


def approve(changes: list[dict]) -> bool:
    print(f"\nChanges to {STACK}:")
    for change in (one["ResourceChange"] for one in changes):
        print(f"  {change['Action']:<8} {change['LogicalResourceId']:<24} {change['ResourceType']}")
    return confirmed("Make these changes?")


def main() -> None:
    given = parameters()
    found = session()
    env = environment(found)
    template = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "infra/template.yaml"
    changed = deploy.deploy(template, STACK, artifacts(found), given, ROOT / "target/release/packaged.yaml", env, approve)
    print(f"\n{STACK} in {found.region_name}: {'deployed' if changed else 'unchanged'}")
    for key, value in deploy.outputs(STACK, env).items():
        print(f"  {key:<18} {value}")
    email = deploy.parameters(STACK, env).get("Email")
    if not email:
        print("\nNobody is told when a night fails: deploy again with EMAIL=you@example.com, or subscribe to the topic.")
    elif changed:
        print(f"\nAWS has written to {email}: confirm the subscription, or no failed night will reach you.")


if __name__ == "__main__":
    try:
        main()
    except (Failed, BotoCoreError, ClientError) as problem:
        sys.exit(f"deploy: {problem}")
