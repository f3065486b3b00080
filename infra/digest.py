"""Works out the `Releases` of a deployment: one digest for each function, of its code and of the settings in its environment.

CloudFormation publishes a version of a function when a property of the version changes. It sees neither the content of a zip nor the
value of a parameter there, so each version's description is its function's digest.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from template import expand, local_path, read

# The order of `Releases` is the order of the functions in these templates.
TEMPLATES = ("backup.yaml", "restore-drill.yaml")
PARAMETER = "Releases"


def releases(template: Path, given: dict, stack: dict) -> dict:
    """Returns the parameter `Releases` for a deployment of `template` over `stack` (as described) with the parameters `given`.

    Returns nothing for a template without functions.
    """
    if PARAMETER not in read(template)["Parameters"]:
        return {}
    deployed = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    wanted = digests(template.parent, deployed | given)
    if stack.get("StackStatus") == "UPDATE_ROLLBACK_COMPLETE":
        # The update that was rolled back may have left versions with these digests, and Lambda publishes none twice.
        return {PARAMETER: ",".join(f"{one}-{stack['LastUpdatedTime']:%Y%m%d%H%M%S}" for one in wanted)}
    now = deployed.get(PARAMETER, "").split(",")
    if len(now) == len(wanted):
        wanted = [old if old.partition("-")[0] == new else new for old, new in zip(now, wanted)]
    return {PARAMETER: ",".join(wanted)}


def digests(infra: Path, values: dict) -> list[str]:
    defaults = {name: one.get("Default") for name, one in read(infra / TEMPLATES[0])["Parameters"].items()}
    settings = {name: str(value) for name, value in (defaults | values).items() if name in defaults and name != PARAMETER}
    return [digest(template, function, settings) for template, function in functions(infra)]


def functions(infra: Path) -> Iterator[tuple[Path, dict]]:
    """Yields the properties of each function, with the template that has it."""
    for template in (infra / name for name in TEMPLATES):
        for resource in expand(read(template))["Resources"].values():
            if resource["Type"] == "AWS::Lambda::Function":
                yield template, resource["Properties"]


def digest(template: Path, function: dict, settings: dict) -> str:
    code = local_path(template, function["Code"]["S3Key"]).read_bytes()
    hashed = hashlib.sha256(code + json.dumps(function, sort_keys=True).encode())
    used = names(function, read(template).get("Conditions", {}))
    for name in sorted(used & settings.keys()):
        hashed.update(f"{name}={settings[name]}\n".encode())
    return hashed.hexdigest()[:16]


def names(value, conditions: dict) -> set[str]:
    """Returns the names that a part of a template refers to, directly or through conditions."""
    match value:
        case {"Ref": name} | {"Condition": name} if isinstance(name, str):
            return {name} | names(conditions.get(name, ""), conditions)
        case {"Fn::Sub": str(text)}:
            return set(re.findall(r"\$\{(\w+)", text))
        case {"Fn::If": [condition, *branches]}:
            return names(conditions.get(condition, ""), conditions) | names(branches, conditions)
        case dict():
            return set().union(*(names(one, conditions) for one in value.values()))
        case list() | tuple():
            return set().union(*(names(one, conditions) for one in value))
    return set()
