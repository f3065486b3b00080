"""The transform AWS::LanguageExtensions: our implementation, for moto and the readers of the templates, and that of ministack."""

import json
import unittest
from pathlib import Path

import harness  # noqa: F401: puts infra/local on the path
import moto_additions
import template
from ministack.services.cloudformation import language_extensions

INFRA = Path(__file__).parents[2] / "infra"
LOOP = json.dumps({
    "Transform": "AWS::LanguageExtensions",
    "Resources": {"Fn::ForEach::Topics": ["Name", ["First", "Second"], {"${Name}Topic": {"Type": "AWS::SNS::Topic"}}]},
})


class LanguageExtensions(unittest.TestCase):
    def test_the_loops_of_our_templates_come_out_as_ministack_writes_them(self):
        for name in ("backup.yaml", "restore-drill.yaml"):
            read = template.read(INFRA / name)
            ours, theirs = template.expand(read), language_extensions.apply(read, {})
            self.assertEqual(self.without_strings(ours["Resources"]), self.without_strings(theirs["Resources"]), name)

    def without_strings(self, resources: dict) -> dict:
        """Returns the resources without the dashboards, which ministack converts to strings if they have no references."""
        return {name: one for name, one in resources.items() if one["Type"] != "AWS::CloudWatch::Dashboard"}

    def test_moto_reads_a_loop(self):
        self.assertEqual(list(moto_additions.parse(LOOP)["Resources"]), ["FirstTopic", "SecondTopic"])

    def test_moto_lacks_the_transform(self):
        resources = moto_additions.parse_template(LOOP)["Resources"]
        self.assertIn("Fn::ForEach::Topics", resources, "moto now expands loops itself: delete infra/local/moto_additions.py")
