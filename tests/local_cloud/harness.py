"""Runs state machines on ministack within the test's own process, with the additions or without them."""

import json
import logging
import os
import sys
import time
import unittest
from contextlib import contextmanager
from pathlib import Path

os.environ["SFN_WAIT_SCALE"] = "0"
sys.path.insert(0, str(Path(__file__).parents[2] / "infra" / "local"))
logging.disable(logging.CRITICAL)

import ministack_additions as additions  # noqa: E402
from ministack.services import s3, sqs  # noqa: E402
from ministack.services import stepfunctions as sfn  # noqa: E402

ROLE = "arn:aws:iam::000000000000:role/test"
BUCKET = "results"
SECONDS_TO_WAIT = 20
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
LAST_EVENTS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")


@contextmanager
def plain_ministack():
    """Takes the additions away while the block runs."""
    additions.remove()
    try:
        yield
    finally:
        additions.apply()


class LocalCloudTest(unittest.TestCase):
    """A test with the additions applied, an empty Step Functions and an empty bucket."""

    def setUp(self):
        additions.apply()
        sfn.reset()
        s3._create_bucket(BUCKET, b"")
        self.lambdas = {}
        self.patch(sfn, "_call_lambda", lambda function, event: self.lambdas[function](event))
        self.patch(sfn, "_resolve_lambda_function_ref", lambda value, optimized: value)

    def patch(self, module, name, value):
        self.addCleanup(setattr, module, name, getattr(module, name))
        setattr(module, name, value)

    def start(self, states: dict, data=None, start_at=None, **top) -> str:
        name = f"machine-{sfn.new_uuid()[:8]}"
        definition = {"StartAt": start_at or next(iter(states)), "States": states} | top
        call("_create_state_machine", name=name, definition=json.dumps(definition), roleArn=ROLE)
        arn = f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}"
        return call("_start_execution", stateMachineArn=arn, input=json.dumps({} if data is None else data))["executionArn"]

    def run_machine(self, states: dict, data=None, **top) -> dict:
        return self.await_end(self.start(states, data, **top))

    def await_end(self, arn: str) -> dict:
        # The last event comes a moment after the status.
        self.wait_for(lambda: describe(arn)["status"] in ENDED and history(arn)[-1]["type"] in LAST_EVENTS, "the execution did not end")
        return describe(arn)

    def wait_for(self, condition, message: str):
        deadline = time.monotonic() + SECONDS_TO_WAIT
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"{message} in {SECONDS_TO_WAIT} s")
            time.sleep(0.01)

    def assert_lacks(self, is_there: bool, behaviour: str, addition: str):
        self.assertFalse(is_there, f"ministack now {behaviour} itself: delete the addition `{addition}`")


def call(action: str, **data) -> dict:
    return json.loads(getattr(sfn, action)(data)[2])


def describe(arn: str) -> dict:
    return call("_describe_execution", executionArn=arn)


def history(execution) -> list[dict]:
    arn = execution if isinstance(execution, str) else execution["executionArn"]
    return call("_get_execution_history", executionArn=arn, maxResults=1000)["events"]


def shape(execution) -> list[tuple]:
    """Returns id, previous id and type of each event, as the recordings list them."""
    return [(event["id"], event.get("previousEventId"), event["type"]) for event in history(execution)]


def types(execution) -> list[str]:
    return [event["type"] for event in history(execution)]


def inline(states: dict, **fields) -> dict:
    processor = {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": next(iter(states)), "States": states}
    return {"Type": "Map", "ItemProcessor": processor} | fields


def distributed(states: dict, **fields) -> dict:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": next(iter(states)),
                 "States": states}
    return {"Type": "Map", "Label": "Children", "ItemProcessor": processor} | fields


def invoke(function: str, **fields) -> dict:
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload",
            "Parameters": {"FunctionName": function, "Payload.$": "$"}} | fields


def objects() -> dict:
    return {key: bytes(s3._get_object(BUCKET, key, {}, {})[2]).decode() for key in s3._buckets[BUCKET]["objects"]}


PASS = {"Type": "Pass", "End": True}
FAIL = {"Type": "Fail", "Error": "HandleItemFailError", "Cause": "HandleItemFailCause"}
