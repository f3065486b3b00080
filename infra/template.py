"""Reads the templates of `infra`, and uploads the files that they name by a local path, as `aws cloudformation package` does.

The command needs about four seconds of CPU for the two templates of a local cloud, and the tests start dozens of clouds.
"""

import hashlib
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import yaml

# Where a resource names a file, and what takes its place: the key is the file's content by its digest.
ARTIFACTS = {
    ("AWS::Lambda::Function", "Code"): lambda bucket, key: {"S3Bucket": bucket, "S3Key": key},
    ("AWS::StepFunctions::StateMachine", "DefinitionS3Location"): lambda bucket, key: {"Bucket": bucket, "Key": key},
}
NESTED = ("AWS::CloudFormation::Stack", "TemplateURL")


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Reads the short forms of CloudFormation's functions, such as `!Sub`, as their full forms."""


def full_form(loader: Loader, suffix: str, node: yaml.Node) -> dict:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode():
            value = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name: value}


Loader.add_multi_constructor("!", full_form)


@cache
def read(path: Path) -> dict:
    return yaml.load(path.read_text(), Loader)


def local_path(template: Path, named: str) -> Path:
    """Returns the file that a template names. By text: if the template's folder is a link, `..` is beside the link."""
    return Path(os.path.normpath(template.parent / named))


def package(template: Path, bucket: str, upload: Callable[[str, bytes], str]) -> str:
    """Returns a template as JSON, in which the keys of uploaded files stand for local paths.

    `upload` takes a key and content, and returns the URL.
    """
    packaged = json.loads(json.dumps(read(template)))
    for resource in packaged["Resources"].values():
        properties = resource.get("Properties", {})
        for (kind, name), stored in ARTIFACTS.items():
            if resource["Type"] == kind and isinstance(properties.get(name), str):
                content = local_path(template, properties[name]).read_bytes()
                key = hashlib.sha256(content).hexdigest()
                upload(key, content)
                properties[name] = stored(bucket, key)
        if resource["Type"] == NESTED[0]:
            nested = package(local_path(template, properties[NESTED[1]]), bucket, upload).encode()
            properties[NESTED[1]] = upload(f"{hashlib.sha256(nested).hexdigest()}.template", nested)
    return json.dumps(packaged)
