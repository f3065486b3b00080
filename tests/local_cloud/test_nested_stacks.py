"""Updates of a nested stack."""

import json

from harness import BUCKET, LocalCloudTest, plain_ministack, s3, sqs
from ministack.services.cloudformation import _stacks, provisioners

URL = {"TemplateURL": f"http://localhost:4566/{BUCKET}/nested.json"}


class NestedStacks(LocalCloudTest):
    def setUp(self):
        super().setUp()
        _stacks.clear()
        sqs._queues.clear()

    def upload(self, retention: int) -> None:
        get_arn = {"Fn::GetAtt": ["Kept", "Arn"]}
        template = {
            "Resources": {
                "Kept": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "kept"}},
                "Changed": {"Type": "AWS::SQS::Queue",
                            "Properties": {"QueueName": "changed", "MessageRetentionPeriod": retention}}},
            "Outputs": {"KeptArn": {"Value": get_arn}, "ChangedArn": {"Value": {"Fn::GetAtt": ["Changed", "Arn"]}}}}
        s3._put_object(BUCKET, "nested.json", json.dumps(template).encode(), {})

    def outputs_before_and_after(self) -> tuple:
        self.upload(60)
        stack, before = provisioners._cfn_nested_stack_create("Nested", URL, "parent")
        self.upload(120)
        _, after = provisioners._cfn_nested_stack_update(stack, URL, URL, "parent")
        return before, after

    def test_an_update_keeps_the_attributes_of_unchanged_resources(self):
        before, after = self.outputs_before_and_after()
        self.assertEqual(before["Outputs.KeptArn"], "arn:aws:sqs:us-east-1:000000000000:kept")
        self.assertEqual(after, before)

    def test_a_second_update_keeps_them_too(self):
        before, _ = self.outputs_before_and_after()
        self.upload(180)
        name = next(iter(_stacks))
        _, after = provisioners._cfn_nested_stack_update(name, URL, URL, "parent")
        self.assertEqual(after, before)

    def upload_loop(self) -> None:
        queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${Name}-queue"}}}
        s3._put_object(BUCKET, "nested.json", json.dumps({
            "Transform": "AWS::LanguageExtensions",
            "Resources": {"Fn::ForEach::Queues": ["Name", ["First", "Second"], {"${Name}Queue": queue}]},
            "Outputs": {"Second": {"Value": {"Fn::GetAtt": ["SecondQueue", "QueueName"]}}}}).encode(), {})

    def test_the_loops_of_a_nested_stack_are_expanded(self):
        self.upload_loop()
        _, attributes = provisioners._cfn_nested_stack_create("Nested", URL, "parent")
        self.assertEqual(attributes["Outputs.Second"], "Second-queue")

    def test_ministack_lacks_the_loops(self):
        self.upload_loop()
        with plain_ministack():
            try:
                provisioners._cfn_nested_stack_create("Nested", URL, "parent")
                expands = True
            except Exception:
                expands = False
        self.assert_lacks(expands, "expands the loops of a nested stack", "nested_stack_transforms")

    def test_ministack_lacks_the_attributes(self):
        with plain_ministack():
            try:
                before, after = self.outputs_before_and_after()
            except Exception:
                before, after = {}, None
        self.assert_lacks(before == after, "keeps the attributes of a nested stack's resources", "nested_stack_updates")
