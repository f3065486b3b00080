"""Change sets of moto and stacks that a change set creates."""

import asyncio
import inspect
import json
import unittest

import boto3
from harness import LocalCloudTest, plain_ministack

import moto_additions
import moto_change_sets
from ministack.services.cloudformation import _stacks, changesets
from moto import mock_aws

REGION = "us-east-1"
BUCKET = "templates"
NESTED = {"Parameters": {"Name": {"Type": "String"}, "Image": {"Type": "String", "Default": "ami-1"}},
          "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Name"}}},
                        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {}}}}
ROOT = {"Description": "A root", "Parameters": {"Name": {"Type": "String"}, "Other": {"Type": "String", "Default": "x"}},
        "Resources": {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {
            "TemplateURL": f"https://{BUCKET}.s3.amazonaws.com/nested.json", "Parameters": {"Name": {"Ref": "Name"}}}}}}


class MotoChangeSets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        moto_additions.apply()

    def setUp(self):
        mock = mock_aws()
        mock.start()
        self.addCleanup(mock.stop)
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
        s3, self.cloudformation = boto3.client("s3", **keys), boto3.client("cloudformation", **keys)
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="nested.json", Body=json.dumps(NESTED).encode())
        self.cloudformation.execute_change_set(ChangeSetName=self.change_set("CREATE", "one", "first")["ChangeSetId"])

    def change_set(self, kind: str, change_set: str, name: str) -> dict:
        values = [{"ParameterKey": "Name", "ParameterValue": name}]
        made = self.cloudformation.create_change_set(StackName="root", ChangeSetName=change_set, ChangeSetType=kind, Parameters=values,
                                                     TemplateBody=json.dumps(ROOT), IncludeNestedStacks=True)
        return self.cloudformation.describe_change_set(ChangeSetName=made["Id"])

    def nested(self, root: dict) -> dict:
        change = root["Changes"][0]["ResourceChange"]
        self.assertEqual((change["LogicalResourceId"], change["Action"]), ("Inner", "Modify"))
        return self.cloudformation.describe_change_set(ChangeSetName=change["ChangeSetId"])

    def test_a_changed_parameter_changes_the_resources_of_the_nested_stack_that_refer_to_it(self):
        nested = self.nested(self.change_set("UPDATE", "two", "second"))
        changes = [one["ResourceChange"]["LogicalResourceId"] for one in nested["Changes"]]
        self.assertEqual((nested["Status"], changes), ("CREATE_COMPLETE", ["Topic"]))

    def test_an_unchanged_nested_stack_is_named_and_its_change_set_is_empty(self):
        root = self.change_set("UPDATE", "two", "first")
        self.assertEqual(root["Status"], "CREATE_COMPLETE")
        nested = self.nested(root)
        self.assertEqual((nested["Status"], nested.get("Changes", [])), ("FAILED", []))

    def test_the_stack_has_its_description_and_an_event_for_each_resource(self):
        self.assertEqual(self.cloudformation.describe_stacks(StackName="root")["Stacks"][0]["Description"], "A root")
        events = self.cloudformation.describe_stack_events(StackName="root")["StackEvents"]
        self.assertIn(("Inner", "CREATE_COMPLETE"), [(one["LogicalResourceId"], one["ResourceStatus"]) for one in events])

    def test_moto_lacks_change_sets_of_nested_stacks(self):
        parameters = inspect.signature(moto_change_sets.plain_create).parameters
        self.assertNotIn("include_nested_stacks", parameters, "moto now knows nested change sets itself: delete moto_change_sets.py")


class Descriptions(LocalCloudTest):
    def setUp(self):
        super().setUp()
        _stacks.clear()

    def description(self, stack: str) -> str:
        async def deploy() -> None:
            template = {"Description": "A queue", "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
            asked = {"StackName": [stack], "ChangeSetName": ["one"], "ChangeSetType": ["CREATE"],
                     "TemplateBody": [json.dumps(template)]}
            changesets._create_change_set(asked)
            changesets._execute_change_set({"StackName": [stack], "ChangeSetName": ["one"]})
            while _stacks[stack]["StackStatus"].endswith("_IN_PROGRESS"):
                await asyncio.sleep(0.01)

        asyncio.run(deploy())
        return _stacks[stack]["Description"]

    def test_a_stack_has_the_description_of_its_template(self):
        self.assertEqual(self.description("described"), "A queue")

    def test_ministack_lacks_the_description(self):
        with plain_ministack():
            description = self.description("plain")
        self.assert_lacks(description != "", "gives a stack its template's description", "stack_descriptions")
