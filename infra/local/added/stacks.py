"""CloudFormation."""

import re

from added.core import replace

from ministack.services.cloudformation import _stacks, changesets, engine, handlers, language_extensions, provisioners, stacks


def nested_stack_updates():
    """CloudFormation keeps the attributes of a resource that an update of its nested stack does not change, so Fn::GetAtt and the
    stack's outputs still resolve. Documented: using-cfn-nested-stacks.

    ministack passes the attributes on for the resources of a stack, but not for those of a nested stack."""

    def update_resource(plain, kind, physical_id, old, new, stack_name, logical_id=None, old_attributes=None):
        before = old_attributes or _stacks.get(stack_name, {}).get("_resources", {}).get(logical_id, {}).get("Attributes") or {}
        new_id, attributes = plain(kind, physical_id, old, new, stack_name, logical_id, before)
        return new_id, before | (attributes or {}) if new_id == physical_id else attributes

    replace(provisioners, "_update_resource", update_resource)


def nested_stack_transforms():
    """CloudFormation applies AWS::LanguageExtensions to the template of a nested stack as well. Documented: API_CreateStack
    (CAPABILITY_AUTO_EXPAND covers nested stacks with macros).

    ministack only applies it to the template of a request, and treats a loop in a nested stack as a resource."""

    def parse_template(plain, text):
        template = plain(text)
        if template.get("Transform") != language_extensions.TRANSFORM:
            return template
        return engine._without_transform(language_extensions.apply(template, {}), language_extensions.TRANSFORM)

    # The request handler has its own reference to the parser.
    replace(engine, "_parse_template", parse_template)


def stack_descriptions():
    """A stack has the description of its template. Documented: API_Stack.

    ministack leaves it empty if a change set creates the stack."""

    def deploy(plain, name, stack_id, template, *arguments, **named):
        _stacks[name]["Description"] = template.get("Description", "")
        return plain(name, stack_id, template, *arguments, **named)

    replace(changesets, "_deploy_stack_async", deploy)


def condition_functions():
    """A condition may compare the results of Fn::Join, Fn::Split and Fn::Sub. Documented: the rule E8003 of cfn-lint lists the functions that
    CloudFormation accepts in Fn::Equals.

    ministack compares the functions themselves."""

    def evaluate_conditions(plain, template, params):
        return plain(template | {"Conditions": evaluated(template.get("Conditions", {}), params)}, params)

    # Each of these modules has its own reference.
    for module in (engine, handlers, changesets, stacks):
        replace(module, "_evaluate_conditions", evaluate_conditions)


def evaluated(value, params: dict):
    """Replaces each function of a text with its result."""
    if isinstance(value, list):
        return [evaluated(item, params) for item in value]
    if not isinstance(value, dict):
        return value
    value = {name: evaluated(inner, params) for name, inner in value.items()}
    match list(value.items()):
        case [("Ref", name)] if name in params:
            return params[name]["Value"]
        case [("Fn::Sub", str(text))]:
            return re.sub(r"\$\{([\w:]+)\}", lambda found: str(params.get(found[1], {}).get("Value", found[0])), text)
        case [("Fn::Split", [by, text])]:
            return text.split(by)
        case [("Fn::Join", [by, items])]:
            return by.join(items)
    return value
