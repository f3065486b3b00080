"""The size of payloads, and the names of errors that a Catch or a Retry matches."""

import json

from harness import PASS, LocalCloudTest, call, distributed, history, inline, invoke, plain_ministack, sfn, types

LIMIT = 262_144
CATCH_ALL = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
TOO_LARGE = "The state/task '{}' returned a result with a size exceeding the maximum number of bytes service limit."


class Payloads(LocalCloudTest):
    def refused(self, ended, name):
        self.assertEqual((ended["status"], ended["error"], ended["cause"]),
                         ("FAILED", "States.DataLimitExceeded", TOO_LARGE.format(name)))

    def test_a_large_output_fails_the_execution_as_in_test_start_large_input(self):
        ended = self.run_machine({"State_1": PASS | {"Result": "x" * LIMIT}})
        self.refused(ended, "State_1")
        self.assertEqual(types(ended), ["ExecutionStarted", "PassStateEntered", "ExecutionFailed"])

    def test_the_limit_is_262144_bytes_of_utf8(self):
        self.assertEqual(self.run_machine({"Pass": PASS | {"Result": "é" * (LIMIT // 2 - 1)}})["status"], "SUCCEEDED")
        self.assertEqual(self.run_machine({"Pass": PASS | {"Result": "é" * (LIMIT // 2)}})["status"], "FAILED")

    def test_a_large_result_is_caught_as_in_the_recording_of_a_catch_with_states_all(self):
        # test_service_task_lambada_catch_state_all_data_limit_exceeded_on_large_utf8_response
        self.lambdas["large"] = lambda event: "x" * LIMIT
        states = {"InvokeLambda": invoke("large", Catch=CATCH_ALL, End=True), "Caught": PASS}
        ended = self.run_machine(states)
        self.assertEqual(types(ended), ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskFailed",
                                        "TaskStateExited", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"])
        self.assertEqual(json.loads(ended["output"]), {"Error": "States.DataLimitExceeded", "Cause": TOO_LARGE.format("lambda")})
        self.assertEqual(history(ended)[4]["taskFailedEventDetails"], {
            "cause": TOO_LARGE.format("lambda"), "error": "States.DataLimitExceeded", "resource": "invoke",
            "resourceType": "lambda"})

    def test_a_large_result_is_not_retried_by_states_all(self):
        self.lambdas["large"] = lambda event: "x" * LIMIT
        ended = self.run_machine({"Task": invoke("large", Retry=[{"ErrorEquals": ["States.ALL"]}], End=True)})
        self.assertEqual(types(ended).count("TaskScheduled"), 1)

    def test_a_large_output_of_a_map_is_not_caught(self):
        large = PASS | {"Result": "x" * 70_000}
        for kind in (inline, distributed):
            ended = self.run_machine({"Map": kind({"Large": large}, Catch=CATCH_ALL, End=True), "Caught": PASS}, [1, 2, 3, 4])
            self.refused(ended, "Map")

    def test_a_large_input_of_a_child_fails_the_child(self):
        items = [{"part": "x" * 200_000}]
        selector = {"one.$": "$$.Map.Item.Value", "two.$": "$$.Map.Item.Value"}
        ended = self.run_machine({"Map": distributed({"Pass": PASS}, ItemSelector=selector, ToleratedFailurePercentage=100,
                                                     End=True)}, items)
        children = call("_list_executions", mapRunArn=history(ended)[3]["mapRunStartedEventDetails"]["mapRunArn"])["executions"]
        self.assertEqual([child["status"] for child in children], ["FAILED"])

    def test_a_large_execution_input_is_refused(self):
        call("_create_state_machine", name="small", roleArn="r", definition=json.dumps({"StartAt": "P", "States": {"P": PASS}}))
        arn = "arn:aws:states:us-east-1:000000000000:stateMachine:small"
        refused = call("_start_execution", stateMachineArn=arn, input=json.dumps("x" * LIMIT))
        self.assertEqual(refused["__type"], "InvalidExecutionInput")
        self.assertIn("executionArn", call("_start_execution", stateMachineArn=arn, input=json.dumps("x" * (LIMIT - 2))))

    def test_ministack_lacks_the_limits(self):
        with plain_ministack():
            output = self.run_machine({"Pass": PASS | {"Result": "x" * LIMIT}})
            self.lambdas["large"] = lambda event: "x" * LIMIT
            result = self.run_machine({"Task": invoke("large", ResultPath=None, OutputPath="$", End=True)})
            started = self.run_machine({"Pass": PASS | {"Result": 1}}, "x" * LIMIT)
        self.assert_lacks(output["status"] == "FAILED", "limits the output of a state", "payload_limits")
        self.assert_lacks(result["status"] == "FAILED", "limits the result of a task", "payload_limits")
        self.assert_lacks(started["status"] == "FAILED", "limits the input of an execution", "payload_limits")


class ErrorNames(LocalCloudTest):
    def matched(self, wildcard: str) -> list:
        return [name for name in ("Any", "States.Timeout", "States.Runtime", "States.DataLimitExceeded")
                if sfn._error_matches([wildcard], name)]

    def test_wildcards_match_the_documented_names(self):
        self.assertEqual(self.matched("States.ALL"), ["Any", "States.Timeout"])
        self.assertEqual(self.matched("States.TaskFailed"), ["Any"])
        self.assertTrue(sfn._error_matches(["States.DataLimitExceeded"], "States.DataLimitExceeded"))

    def test_ministack_lacks_the_names_that_no_wildcard_matches(self):
        with plain_ministack():
            matched = self.matched("States.ALL")
        self.assert_lacks("States.Runtime" not in matched, "keeps States.ALL from States.Runtime", "error_names")
        self.assert_lacks("States.DataLimitExceeded" not in matched, "keeps States.ALL from DataLimitExceeded", "error_names")
