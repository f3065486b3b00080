"""Reads the templates of `infra` and expands their loops like CloudFormation's transform, which moto lacks.

`python infra/local/template.py TEMPLATE` prints a template as JSON, with its loops expanded.
"""

import json
import re
import sys
from functools import cache
from pathlib import Path

import yaml
from failed import Failed

FOR_EACH = "Fn::ForEach::"


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
    """Reads a template or a state machine."""
    try:
        return yaml.load(path.read_text(), Loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        raise Failed(f"{path.parent.name}/{path.name}, line {mark.line + 1}: {problem.problem}; fix it, then run this again") from None


def expand(template: dict) -> dict:
    """Returns a template with its loops expanded, as the transform AWS::LanguageExtensions does.

    It only supports the features of our templates: loops of resources over a list of names, with functions of literals in them.
    """
    resources = {}
    for name, body in template["Resources"].items():
        resources |= turns(body, template.get("Mappings", {})) if name.startswith(FOR_EACH) else {name: body}
    return template | {"Resources": resources}


def turns(loop: list, mappings: dict) -> dict:
    identifier, values, body = loop
    return {key.replace(f"${{{identifier}}}", value): turn(one, identifier, value, mappings)
            for value in values for key, one in body.items()}


def turn(part, identifier: str, value: str, mappings: dict):
    """Returns a part of a loop's body for one value of its identifier."""
    def here(inner):
        return turn(inner, identifier, value, mappings)

    match part:
        case {"Ref": name} if name == identifier:
            return value
        case {"Fn::Sub": str(text)}:
            text = text.replace(f"${{{identifier}}}", value)
            return {"Fn::Sub": text} if re.search(r"\$\{", text) else text
        case {"Fn::FindInMap": [name, *keys]} if all(isinstance(key, str) for key in here(keys)):
            found = mappings[name]
            for key in here(keys):
                found = found[key]
            return found
        case dict():
            return {key: here(inner) for key, inner in part.items()}
        case list() | tuple():
            return [here(inner) for inner in part]
    return part


if __name__ == "__main__":
    json.dump(expand(read(Path(sys.argv[1]))), sys.stdout)
