"""CloudFormation."""

from added.core import replace

from ministack.services.cloudformation import _stacks, changesets, engine, language_extensions, provisioners


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
