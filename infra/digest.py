"""Which release of the functions a deployment is: a digest of all that a published version freezes, which is code and settings.

CloudFormation publishes a version when a property of its resource changes, and sees neither a zip's content nor a parameter there.
"""

import hashlib
from pathlib import Path

from awscli.customizations.cloudformation.yamlhelper import yaml_parse

BACKUP = "backup.yaml"
DRILL = "restore-drill.yaml"


def release(template: Path, given: dict, stack: dict) -> dict:
    """The parameter `Release` of a deployment of `template` with the parameters `given` over those of `stack` as described;
    nothing for a template that has no functions."""
    if "Release" not in yaml_parse(template.read_text())["Parameters"]:
        return {}
    deployed = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    wanted = digest(template.parent, deployed | given)
    if stack.get("StackStatus") == "UPDATE_ROLLBACK_COMPLETE":
        # The update that was rolled back may have left versions under this name, and Lambda publishes none twice.
        return {"Release": f"{wanted}-{stack['LastUpdatedTime']:%Y%m%d%H%M%S}"}
    now = deployed.get("Release", "")
    return {"Release": now if now.partition("-")[0] == wanted else wanted}


def digest(infra: Path, values: dict) -> str:
    backup = (infra / BACKUP).read_text()
    hashed = hashlib.sha256(backup.encode() + (infra / DRILL).read_bytes())
    for zipped in sorted((infra / "../target/package").glob("*.zip")):
        hashed.update(zipped.name.encode() + zipped.read_bytes())
    for name, parameter in sorted(yaml_parse(backup)["Parameters"].items()):
        if name != "Release":
            hashed.update(f"{name}={values.get(name, parameter.get('Default'))}\n".encode())
    return hashed.hexdigest()[:16]
