"""Starts moto with additions to its CloudFormation: AWS::LanguageExtensions, AWS::NoValue in lists, and change sets of nested stacks
(`moto_change_sets`). Adds the quota of snapshots to its Service Quotas.

Run this file instead of the `moto_server` command. AWS expands the loops of a template before it reads the resources (CloudFormation
template reference, "AWS::LanguageExtensions transform"). moto treats a loop as a resource and fails. It supports neither
Fn::ToJsonString nor alarms, which the dashboards refer to, so the bodies of the dashboards are left out. The test in tests/local_cloud
fails once moto expands loops itself. Then delete this file.
"""

import json

import moto_change_sets
from moto.cloudformation import parsing, responses
from moto.cloudformation.models import ChangeSet, Stack
from moto.servicequotas.models import ServiceQuotasBackend
from template import expand

TRANSFORM = "AWS::LanguageExtensions"
parse_template = Stack.parse_template
plain_apply = ChangeSet.apply
plain_clean = parsing.clean_json
plain_quota = ServiceQuotasBackend.get_service_quota
# "Snapshots per Region" (EBS endpoints and quotas).
SNAPSHOTS = {"ServiceCode": "ebs", "QuotaCode": "L-309BACF6", "QuotaName": "Snapshots per Region", "Value": 100_000.0}
summary = responses.get_template_summary_response_from_template


def parse(text: str) -> dict:
    template = parse_template(text)
    if template.get("Transform") != TRANSFORM:
        return template
    template = expand(template)
    for dashboard in [one for one in template["Resources"].values() if one["Type"] == "AWS::CloudWatch::Dashboard"]:
        dashboard["Properties"]["DashboardBody"] = "{}"
    return template


def clean(value, resources):
    """Removes the items of a list that are AWS::NoValue (CloudFormation template reference, "Pseudo parameters"). moto makes them null."""
    cleaned = plain_clean(value, resources)
    return [item for item in cleaned if item is not None] if isinstance(value, list) and isinstance(cleaned, list) else cleaned


def quota(backend, service_code: str, quota_code: str) -> dict:
    """Adds the quota of snapshots. moto only has those of VPC."""
    asked = (service_code, quota_code) == (SNAPSHOTS["ServiceCode"], SNAPSHOTS["QuotaCode"])
    return SNAPSHOTS if asked else plain_quota(backend, service_code, quota_code)


def parse_change_set(change_set: ChangeSet) -> None:
    change_set.template_dict = parse(change_set.template)


def apply_change_set(change_set: ChangeSet) -> None:
    """Sets the description of the stack to that of its template (CloudFormation API reference, Stack). moto leaves it empty."""
    plain_apply(change_set)
    stack = change_set.stack
    stack.template_dict = change_set.template_dict
    stack.parameters = stack.parameters | change_set.parameters
    stack.description = change_set.template_dict.get("Description")
    moto_change_sets.record(stack, f"{change_set.change_set_type}_COMPLETE")


def apply() -> None:
    moto_change_sets.apply()
    parsing.clean_json = clean
    ServiceQuotasBackend.get_service_quota = quota
    ChangeSet.apply = apply_change_set
    Stack.parse_template = staticmethod(parse)
    ChangeSet._parse_template = parse_change_set
    responses.get_template_summary_response_from_template = lambda text: summary(json.dumps(parse(text)))


if __name__ == "__main__":
    apply()
    from moto.server import main

    main()
