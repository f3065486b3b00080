"""Functions of a text in the conditions of a template."""

from harness import LocalCloudTest, plain_ministack
from ministack.services.cloudformation import engine

WITHOUT_A = {"Fn::Join": ["", {"Fn::Split": ["a", {"Fn::Sub": "${Text};${AWS::Region}"}]}]}
TEMPLATE = {"Conditions": {"HasNoA": {"Fn::Equals": [WITHOUT_A, {"Fn::Sub": "${Text};${AWS::Region}"}]}}}


def has_no_a(text: str) -> bool:
    params = {"Text": {"Value": text}, "AWS::Region": {"Value": "xx"}}
    return engine._evaluate_conditions(TEMPLATE, params)["HasNoA"]


class Conditions(LocalCloudTest):
    def test_a_condition_compares_the_results_of_functions(self):
        self.assertTrue(has_no_a("b"))
        self.assertFalse(has_no_a("bab"))

    def test_ministack_lacks_the_functions(self):
        with plain_ministack():
            is_equal = has_no_a("b")
        self.assert_lacks(is_equal, "compares the results of functions in a condition", "condition_functions")
