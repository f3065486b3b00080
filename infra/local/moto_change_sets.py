"""Adds to moto's CloudFormation, for `nightly deploy`: change sets of nested stacks, changes caused by a parameter, and an event for each
resource.

On AWS a change set with IncludeNestedStacks has another change set for each nested stack. It lists every nested stack, even an unchanged
one, because its template might have changed (API_ResourceChangeDetail, ChangeSource; change-sets-for-nested-stacks). AWS does not document
how the change set of an unchanged nested stack ends. Here it ends in FAILED, like that of an unchanged root stack.
"""

from moto.cloudformation.models import Change, ChangeSet, CloudFormationBackend, Event, Stack, generate_changeset_id
from moto.cloudformation.utils import get_stack_from_s3_url
from moto.utilities.utils import get_partition

NESTED = "AWS::CloudFormation::Stack"
# Properties whose change replaces a resource (CloudFormation template reference, "Update requires: Replacement").
CREATE_ONLY = {
    "AWS::EC2::Instance": {"BlockDeviceMappings", "ImageId", "KeyName", "NetworkInterfaces", "SubnetId"},
    "AWS::Lambda::Version": {"Description", "FunctionName"},
    "AWS::StepFunctions::StateMachine": {"StateMachineName"},
}
UNCHANGED = "The submitted information didn't contain changes. Submit different information to create a change set."
plain_create = CloudFormationBackend.create_change_set
plain_resources = Stack.create_resources


def resolve(part, values: dict):
    """Returns a part of a template with the values of its parameters."""
    match part:
        case {"Ref": str(name)} if name in values:
            return values[name]
        case {"Fn::Select": [index, {"Ref": str(name)}]} if name in values and str(index).isdigit():
            return values[name].split(",")[int(index)]
        case {"Fn::Join": [str(between), {"Ref": str(name)}]} if name in values:
            return between.join(values[name].split(","))
        case dict():
            return {key: resolve(one, values) for key, one in part.items()}
        case list():
            return [resolve(one, values) for one in part]
    return part


def resources(template: dict, given: dict) -> dict:
    """Returns the resources of a template, resolved. A condition is resolved where a resource uses it."""
    defaults = {name: one.get("Default") for name, one in template.get("Parameters", {}).items()}
    values = {name: str(value) for name, value in (defaults | given).items() if value is not None}
    conditions = resolve(template.get("Conditions", {}), values)

    def used(part):
        match part:
            case {"Fn::If": [name, *branches]}:
                return {"Fn::If": [conditions.get(name), *(used(one) for one in branches)]}
            case dict():
                return {key: used(one) for key, one in part.items()}
            case list():
                return [used(one) for one in part]
        return part

    return {name: used(resolve(one, values)) for name, one in template.get("Resources", {}).items()}


def changed(name: str, old: dict, new: dict, physical_id: str | None) -> Change:
    change = Change("Modify", name, new["Type"])
    before, after = old.get("Properties", {}), new.get("Properties", {})
    properties = {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}
    change.replacement = "True" if properties & CREATE_ONLY.get(new["Type"], set()) else "False"
    change.physical_resource_id = physical_id
    return change


def diff(self: ChangeSet) -> list[Change]:
    self.nested = []
    stack, changes = self.stack, []
    # moto modifies the parsed template.
    old = resources(Stack.parse_template(stack.template), stack.parameters) if self.change_set_type == "UPDATE" else {}
    new = resources(self.template_dict, stack.parameters | self.parameters)
    for name, one in new.items():
        existing = stack.resource_map._parsed_resources.get(name)
        if name not in old:
            changes.append(Change("Add", name, one["Type"]))
        elif one["Type"] == NESTED and isinstance(existing, Stack):
            change = changed(name, old[name], one, existing.stack_id)
            change.change_set_id = nested(self, existing, one["Properties"])
            changes.append(change)
        elif one != old[name]:
            changes.append(changed(name, old[name], one, getattr(existing, "physical_resource_id", None)))
    changes += [Change("Remove", name, one["Type"]) for name, one in old.items() if name not in new]
    return changes


def nested(parent: ChangeSet, stack: Stack, properties: dict) -> str:
    """Creates the change set of a nested stack, and returns its ID."""
    template = get_stack_from_s3_url(properties["TemplateURL"], account_id=stack.account_id, partition=get_partition(stack.region_name))
    parameters = {name: value for name, value in properties.get("Parameters", {}).items() if isinstance(value, str)}
    name = f"{parent.change_set_name}-{stack.name}"
    found = ChangeSet("UPDATE", generate_changeset_id(name, stack.region_name, stack.account_id), name, stack, template, parameters, "")
    found.parent_change_set_id = parent.change_set_id
    found.status = "CREATE_COMPLETE" if found.changes else "FAILED"
    found.execution_status = "AVAILABLE" if found.changes else "UNAVAILABLE"
    found.status_reason = None if found.changes else UNCHANGED
    parent.nested.append(found)
    return found.change_set_id


def create_change_set(self, *arguments, **named) -> tuple[str, str]:
    change_set_id, stack_id = plain_create(self, *arguments, **named)
    root = self.change_sets[change_set_id]
    if root.nested:
        root.status, root.execution_status, root.status_reason = "CREATE_COMPLETE", "AVAILABLE", None
    elif not root.changes:
        root.status, root.execution_status, root.status_reason = "FAILED", "UNAVAILABLE", UNCHANGED
    unread = list(root.nested)
    while unread:
        one = unread.pop()
        self.change_sets[one.change_set_id] = one
        unread += one.nested
    return change_set_id, stack_id


def create_resources(self: Stack) -> None:
    plain_resources(self)
    record(self, "CREATE_COMPLETE")


def record(stack: Stack, status: str) -> None:
    """Adds an event for each resource of a stack."""
    for name, one in stack.template_dict["Resources"].items():
        resource = stack.resource_map._parsed_resources.get(name)
        if resource is not None:
            physical_id = resource.stack_id if isinstance(resource, Stack) else getattr(resource, "physical_resource_id", "")
            stack.events.append(Event(stack.stack_id, stack.name, name, str(physical_id), one["Type"], status, None, None))


def apply() -> None:
    ChangeSet.diff = diff
    CloudFormationBackend.create_change_set = create_change_set
    Stack.create_resources = create_resources
