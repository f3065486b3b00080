"""`make deploy`: shows what would change in the stack, asks, and deploys it with the caller's credentials.

TEMPLATE chooses the template of infra/, or the first argument does: a test deploys the same template beside its own zips.
"""

import os
import sys
from pathlib import Path

from aws import STACK, Failed, artifacts, confirmed, environment, run, session

import deploy
import problems
import servers

ROOT = Path(__file__).parents[2]
TEMPLATES = ("template", "backup", "environment")


def template() -> Path:
    if sys.argv[1:]:
        return Path(sys.argv[1])
    name = os.environ.get("TEMPLATE") or TEMPLATES[0]
    if name not in TEMPLATES:
        raise Failed(f"TEMPLATE={name} is none of {', '.join(TEMPLATES)}")
    return ROOT / "infra" / f"{name}.yaml"


def parameters(chosen: Path) -> dict:
    """Returns what EMAIL and PARAMETERS say."""
    given = deploy.given_parameters(chosen, os.environ.get("PARAMETERS") or "")
    return given | ({"Email": os.environ["EMAIL"]} if os.environ.get("EMAIL") else {})


def left(now: dict, given: dict, region: str) -> list[str]:
    """Returns the Regions that a deployment takes out of `Regions`."""
    before, after = ((values.get("Regions") or region).split(",") for values in (now, now | given))
    return [one for one in before if now and one not in after]


def approve(changes: list[dict], replaced: list[str], regions: list[str]) -> bool:
    print(f"\nChanges to {STACK}:")
    for change in (one["ResourceChange"] for one in changes):
        print(f"  {change['Action']:<8} {change['LogicalResourceId']:<24} {change['ResourceType']}{fate(change)}")
    for server in replaced:
        print(f"  A NEW, EMPTY SERVER TAKES THE PLACE OF {server}. The old one goes on, with its data, outside the stack.")
    for region in regions:
        print(f"  {region} IS NO LONGER BACKED UP. Its snapshots stay, and no run deletes them: nightly list --regions {region}")
    return confirmed("Make these changes?")


def fate(change: dict) -> str:
    """What a change does to the resource that is there, where it does not stay."""
    return {"True": "  REPLACED BY A NEW ONE", "Conditional": "  MAY BE REPLACED BY A NEW ONE"}.get(change.get("Replacement"), "")


def ready(found, env: dict) -> None:
    """`Failed` where the stack is in no state to be deployed to."""
    status = deploy.find(deploy.client("cloudformation", env), STACK).get("StackStatus")
    problems.check(status, STACK, found.region_name)


def deployed(chosen: Path, given: dict, found, env: dict) -> bool:
    ready(found, env)
    try:
        replaced = servers.replaced(found, STACK, given, env)
        now = deploy.find(deploy.client("cloudformation", env), STACK).get("Parameters", [])
        regions = left({one["ParameterKey"]: one["ParameterValue"] for one in now}, given, found.region_name)
        return deploy.deploy(chosen, STACK, artifacts(found), given, env,
                             lambda changes: approve(changes, replaced, regions))
    except Failed as problem:
        # The reason that the stack gave, and then what to do about the state that it is left in.
        if "is ROLLBACK_" in str(problem):
            raise Failed(f"{problem}. Mend that, run `make destroy STACK={STACK} REGION={found.region_name}`, "
                         "then deploy again; nothing is lost") from None
        raise


def main() -> None:
    chosen = template()
    given = parameters(chosen)
    found = session()
    env = environment(found)
    changed = deployed(chosen, given, found, env)
    print(f"\n{STACK} in {found.region_name}: {'deployed' if changed else 'unchanged'}")
    for key, value in deploy.outputs(STACK, env).items():
        print(f"  {key:<18} {value}")
    if "Email" in deploy.declared(chosen):
        remind(deploy.parameters(STACK, env).get("Email"), changed)


def remind(email: str | None, changed: bool) -> None:
    if not email:
        print("\nNobody is told when a night fails: deploy again with EMAIL=you@example.com, or subscribe to the topic.")
    elif changed:
        print(f"\nAWS has written to {email}: confirm the subscription, or no failed night will reach you.")


if __name__ == "__main__":
    run("deploy", main)
