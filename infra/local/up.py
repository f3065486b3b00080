"""`make up`: starts the local cloud, deploys the environment and the backup to it, and writes `env`. Running it again completes what is
missing.

`PARAMETERS="Key=Value ..."`, and arguments of that form, set parameters of backup.yaml. A parameter that is not set keeps its value.
STACK and REGION deploy another backup to the same cloud. Its `env` is `env-STACK`. WITHOUT_SERVERS=1 leaves out the environment and moto,
for a test that creates its own volumes in ministack's EC2.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import cloud as local
import zips
from cloud import ANY_NIGHT, OWN_EC2, ROOT, Cloud, Failed

NIGHTLY = ROOT / "target/debug/nightly"
ENVIRONMENT = "nightly-environment"
BACKUP = "nightly-backup"
PROFILE = "nightly-local"
STACK = os.environ.get("STACK") or BACKUP
WITH_SERVERS = not os.environ.get("WITHOUT_SERVERS")
EXPORTED = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY", ANY_NIGHT)


def stage(directory: Path) -> Path:
    """Returns a copy of the templates and the state machines, with this machine's zips beside them."""
    tree = directory / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    for name, pattern in (("infra", "*.yaml"), ("statemachine", "*.yaml")):
        (tree / name).mkdir(parents=True)
        for file in (ROOT / name).glob(pattern):
            shutil.copy(file, tree / name)
    zips.link(ROOT / (os.environ.get("NIGHTLY_FUNCTIONS") or "target/debug"), tree / "target/package")
    return tree


def up(cloud: Cloud, words: list[str]) -> None:
    words = shlex.split(os.environ.get("PARAMETERS") or "") + words
    cloud.start(WITH_SERVERS)
    tree = stage(cloud.directory)
    if WITH_SERVERS:
        # moto's CloudFormation supports the servers of the environment, and ministack's does not.
        servers = cloud.env() | {"AWS_ENDPOINT_URL": cloud.moto_url(), "AWS_ENDPOINT_URL_EC2": cloud.moto_url()}
        deploy(tree, "environment", ENVIRONMENT, [], servers)
    write_env(cloud, deploy(tree, "backup", STACK, words, cloud.env()))


def deploy(tree: Path, template: str, stack: str, words: list[str], env: dict) -> dict:
    """Deploys a template with `nightly deploy`, and returns the stack's outputs."""
    command = [NIGHTLY, "deploy", "--json", "--yes", "--allow-endpoint", "--from", tree, "--template", template, "--stack", stack]
    command += ["--parameters", *words] if words else []
    deployed = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if deployed.returncode:
        raise Failed(deployed.stderr.strip().splitlines()[-1].removeprefix("nightly: "))
    answer = json.loads(deployed.stdout)
    print(f"  {stack:<20} {'deployed' if answer['isChanged'] else 'unchanged'}  ({template}.yaml)", flush=True)
    return answer["outputs"]


def write_env(cloud: Cloud, outputs: dict) -> None:
    env = cloud.env()
    lines = {name: env[name] for name in EXPORTED} | {
        OWN_EC2: cloud.moto_url(),
        # moto has the keys of its volumes and the quotas of EBS.
        "AWS_ENDPOINT_URL_KMS": cloud.moto_url(),
        "AWS_ENDPOINT_URL_SERVICE_QUOTAS": cloud.moto_url(),
        "STATE_MACHINE_ARN": outputs["StateMachineArn"],
        "TOPIC_ARN": outputs["TopicArn"],
        "LEDGER_BUCKET": outputs["LedgerBucket"],
        "BACKUP_STACK": STACK,
        "DRILL_STATE_MACHINE_ARN": outputs["DrillStateMachineArn"],
    }
    text = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in lines.items())
    # Puts `nightly` on the path, and removes the caller's own AWS account.
    path = f"export PATH={shlex.quote(str(ROOT / 'target/debug'))}:$PATH\nunset AWS_PROFILE AWS_SESSION_TOKEN\n"
    (cloud.directory / ("env" if STACK == BACKUP else f"env-{STACK}")).write_text(text + path)
    (cloud.directory / "config").write_text(f"""# For AWS_CONFIG_FILE: nightly and the AWS CLI then reach this cloud with `--profile {PROFILE}`, and nothing else does.
[profile {PROFILE}]
region = {env["AWS_REGION"]}
aws_access_key_id = {env["AWS_ACCESS_KEY_ID"]}
aws_secret_access_key = {env["AWS_SECRET_ACCESS_KEY"]}
endpoint_url = {env["AWS_ENDPOINT_URL"]}
services = {PROFILE}

[services {PROFILE}]
ec2 =
  endpoint_url = {env["AWS_ENDPOINT_URL_EC2"]}
kms =
  endpoint_url = {cloud.moto_url()}
service_quotas =
  endpoint_url = {cloud.moto_url()}
""")


def main() -> None:
    cloud = local.here()
    with cloud.locked():
        print(f"Local cloud on 127.0.0.1:{cloud.port} (EC2: {cloud.env()['AWS_ENDPOINT_URL_EC2']})", flush=True)
        up(cloud, sys.argv[1:])


if __name__ == "__main__":
    try:
        main()
    except OSError as problem:
        sys.exit(f"up: {problem}" if problem.filename else f"up: {problem}, in {local.here().directory}")
    except Failed as problem:
        sys.exit(f"up: {problem}")
    except KeyboardInterrupt:
        sys.exit("\nup: interrupted; `make down` stops what was started, `make up` continues")
