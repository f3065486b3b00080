"""The addition to moto's CloudFormation for AWS::NoValue in a list."""

import unittest

import harness  # noqa: F401  It makes the additions importable.
import moto_additions
from moto.cloudformation.parsing import ResourceMap

LIST = ["a", {"Fn::If": ["No", "b", {"Ref": "AWS::NoValue"}]}, "c"]


class NoValue(unittest.TestCase):
    def setUp(self):
        self.resources = ResourceMap("id", "name", {}, {}, "123456789012", "us-east-1", {"Resources": {}}, {})
        self.resources.lazy_condition_map = {"No": False}

    def test_moto_keeps_a_null(self):
        self.assertEqual(moto_additions.plain_clean(LIST, self.resources), ["a", None, "c"])

    def test_an_item_without_a_value_is_removed(self):
        self.assertEqual(moto_additions.clean(LIST, self.resources), ["a", "c"])


if __name__ == "__main__":
    unittest.main()
