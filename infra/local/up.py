"""`make up`: starts the local cloud, deploys both templates to it, and writes `env`. Again, it does only what is missing."""

import os
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "infra"))

import deploy  # noqa: E402
import package  # noqa: E402
from botocore.exceptions import BotoCoreError, ClientError  # noqa: E402
from cloud import Cloud  # noqa: E402

ARTIFACTS = "artifacts"
ENVIRONMENT = "nightly-environment"
BACKUP = "nightly-backup"
EXPORTED = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY")


def here() -> Cloud:
    """The local cloud that the variables LOCAL_DIR and PORT name."""
    port = os.environ.get("PORT") or "4566"
    if not port.isdigit() or not 1024 <= int(port) <= 65534:
        raise deploy.Failed(f"PORT={port} is not a port from 1024 to 65534")
    return Cloud(Path(os.environ.get("LOCAL_DIR") or ROOT / "target/local").resolve(), int(port))


def stage(directory: Path, binaries: Path) -> Path:
    """A tree beside which the templates find this machine's zips where they expect the release's: `../target/package`."""
    tree = directory / "tree"
    package.package(binaries, tree / "target/package")
    for name in ("infra", "statemachine"):
        if not (tree / name).exists():
            (tree / name).symlink_to(ROOT / name)
    return tree / "infra"


def up(cloud: Cloud, parameters: dict) -> None:
    cloud.start()
    templates = stage(cloud.directory, ROOT / (os.environ.get("NIGHTLY_FUNCTIONS") or "target/debug"))
    # The environment has servers, which ministack's CloudFormation does not know and moto's does.
    servers = cloud.env() | {"AWS_ENDPOINT_URL": cloud.moto_url(), "AWS_ENDPOINT_URL_EC2": cloud.moto_url()}
    bring(templates / "environment.yaml", ENVIRONMENT, {}, servers, cloud)
    # The local Scheduler does not fill in the scheduled time; an empty input makes the night take its own start.
    parameters = {"ScheduleInput": "{}"} | parameters
    if drill_would_change(templates / "backup.yaml", parameters, cloud.env()):
        # ministack 1.5 loses the attributes of a nested stack's resources as it updates that: it is made anew.
        bring(templates / "backup.yaml", BACKUP, parameters | {"RestoreDrill": "false"}, cloud.env(), cloud)
        parameters = {"RestoreDrill": "true"} | parameters
    bring(templates / "backup.yaml", BACKUP, parameters, cloud.env(), cloud)
    write_env(cloud, deploy.outputs(BACKUP, cloud.env()))


def drill_would_change(template: Path, parameters: dict, env: dict) -> bool:
    """Whether there is a stack with a drill, which this deployment would change."""
    stack = deploy.find(deploy.client("cloudformation", env), BACKUP)
    deployed = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    wanted = deployed | parameters | deploy.digest.release(template, parameters, stack)
    return deployed.get("RestoreDrill") == "true" and wanted != deployed


def bring(template: Path, stack: str, parameters: dict, env: dict, cloud: Cloud) -> None:
    deploy.client("s3", env).create_bucket(Bucket=ARTIFACTS)
    packaged = cloud.directory / "packaged" / template.name
    changed = deploy.deploy(template, stack, ARTIFACTS, parameters, packaged, env)
    print(f"  {stack:<20} {'deployed' if changed else 'unchanged'}  ({template.name})")


def write_env(cloud: Cloud, outputs: dict) -> None:
    env = cloud.env()
    lines = {name: env[name] for name in EXPORTED} | {
        "STATE_MACHINE_ARN": outputs["StateMachineArn"],
        "TOPIC_ARN": outputs["TopicArn"],
        "LEDGER_BUCKET": outputs["LedgerBucket"],
        "BACKUP_STACK": outputs["BackupStack"],
        "DRILL_STATE_MACHINE_ARN": outputs["DrillStateMachineArn"],
    }
    text = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in lines.items())
    # For `nightly`; and the caller's own account must not come between.
    path = f"export PATH={shlex.quote(str(ROOT / 'target/debug'))}:$PATH\nunset AWS_PROFILE AWS_SESSION_TOKEN\n"
    (cloud.directory / "env").write_text(text + path)


def main() -> None:
    cloud = here()
    print(f"Local cloud on 127.0.0.1:{cloud.port} (EC2: {cloud.env()['AWS_ENDPOINT_URL_EC2']})")
    up(cloud, dict(argument.split("=", 1) for argument in sys.argv[1:]))


if __name__ == "__main__":
    try:
        main()
    except (deploy.Failed, BotoCoreError, ClientError, OSError) as problem:
        sys.exit(f"up: {problem}")
