"""Events of states, tasks and inline Maps. The expected events are facts of the recording that each test names."""

import threading

from harness import (
    FAIL, PASS, LocalCloudTest, call, describe, history, inline, invoke, plain_ministack, sfn, shape, types,
)

import added.histories

START = {"Type": "Pass", "Result": {"arr": [1]}, "Next": "MapState"}


def machine(**fields) -> dict:
    return {"StartState": START, "MapState": inline({"HandleItemFail": FAIL}, ItemsPath="$.arr", **fields), "FinalCaught": PASS}


class InlineMapEvents(LocalCloudTest):
    def test_a_caught_failure_is_written_as_in_test_map_state_catch(self):
        ended = self.run_machine(machine(Catch=[{"ErrorEquals": ["HandleItemFailError"], "Next": "FinalCaught"}], End=True))
        self.assertEqual(shape(ended), [
            (1, 0, "ExecutionStarted"), (2, 0, "PassStateEntered"), (3, 2, "PassStateExited"), (4, 3, "MapStateEntered"),
            (5, 4, "MapStateStarted"), (6, 5, "MapIterationStarted"), (7, 6, "FailStateEntered"), (8, 7, "MapIterationFailed"),
            (9, 7, "MapStateFailed"), (10, 9, "MapStateExited"), (11, 10, "PassStateEntered"), (12, 11, "PassStateExited"),
            (13, 12, "ExecutionSucceeded")])
        events = history(ended)
        self.assertEqual(events[4]["mapStateStartedEventDetails"], {"length": 1})
        self.assertEqual(events[5]["mapIterationStartedEventDetails"], {"index": 0, "name": "MapState"})
        self.assertEqual(events[6]["stateEnteredEventDetails"],
                         {"input": "1", "inputDetails": {"truncated": False}, "name": "HandleItemFail"})
        self.assertEqual(events[7]["mapIterationFailedEventDetails"], {"index": 0, "name": "MapState"})
        self.assertEqual(set(events[8]), {"id", "previousEventId", "timestamp", "type"})

    def test_retries_are_written_as_in_test_map_state_retry(self):
        ended = self.run_machine(machine(Retry=[{"ErrorEquals": ["HandleItemFailError"], "MaxAttempts": 2}], End=True))
        self.assertEqual(shape(ended)[4:], [
            (5, 4, "MapStateStarted"), (6, 5, "MapIterationStarted"), (7, 6, "FailStateEntered"), (8, 7, "MapIterationFailed"),
            (9, 7, "MapStateStarted"), (10, 9, "MapIterationStarted"), (11, 10, "FailStateEntered"),
            (12, 11, "MapIterationFailed"), (13, 11, "MapStateStarted"), (14, 13, "MapIterationStarted"),
            (15, 14, "FailStateEntered"), (16, 15, "MapIterationFailed"), (17, 15, "MapStateFailed"),
            (18, 17, "ExecutionFailed")])
        self.assertEqual(history(ended)[-1]["executionFailedEventDetails"],
                         {"cause": "HandleItemFailCause", "error": "HandleItemFailError"})

    def test_iterations_in_turn_are_written_as_in_test_map_catch_error(self):
        states = {"ProcessItem": invoke("broken", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Fallback"}], End=True),
                  "Fallback": PASS}
        self.lambdas["broken"] = raise_exception
        ended = self.run_machine({"ProcessItems": inline(states, ItemsPath="$.items", MaxConcurrency=1, End=True)},
                                 {"items": [1, 2]})
        self.assertEqual(shape(ended)[2:], [
            (3, 2, "MapStateStarted"), (4, 3, "MapIterationStarted"), (5, 4, "TaskStateEntered"), (6, 5, "TaskScheduled"),
            (7, 6, "TaskStarted"), (8, 7, "TaskFailed"), (9, 8, "TaskStateExited"), (10, 9, "PassStateEntered"),
            (11, 10, "PassStateExited"), (12, 11, "MapIterationSucceeded"), (13, 11, "MapIterationStarted"),
            (14, 13, "TaskStateEntered"), (15, 14, "TaskScheduled"), (16, 15, "TaskStarted"), (17, 16, "TaskFailed"),
            (18, 17, "TaskStateExited"), (19, 18, "PassStateEntered"), (20, 19, "PassStateExited"),
            (21, 20, "MapIterationSucceeded"), (22, 21, "MapStateSucceeded"), (23, 21, "MapStateExited"),
            (24, 23, "ExecutionSucceeded")])

    def test_an_empty_map_is_written_as_in_test_map_state_items_input_array(self):
        ended = self.run_machine({"Map": inline({"Pass": PASS}, End=True)}, [])
        self.assertEqual(types(ended)[1:], ["MapStateEntered", "MapStateStarted", "MapStateSucceeded", "MapStateExited",
                                            "ExecutionSucceeded"])

    def test_the_first_failure_aborts_the_other_iterations(self):
        started, failed = threading.Event(), threading.Event()
        self.lambdas["wait"] = lambda event: (started.set(), failed.wait(20))
        self.lambdas["fail"] = lambda event: (started.wait(20), raise_exception(event))
        states = {"Which": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 0, "Next": "Wait"}],
                            "Default": "Broken"}, "Wait": invoke("wait", Next="After"), "After": PASS,
                  "Broken": invoke("fail", End=True)}
        arn = self.start({"Map": inline(states, End=True)}, [0, 1])
        self.wait_for(lambda: "MapIterationFailed" in types(arn), "no iteration failed")
        failed.set()
        ended = self.await_end(arn)
        events = {event["type"]: event for event in history(ended)}
        self.assertEqual(ended["error"], "Exception")
        self.assertEqual(events["MapIterationAborted"]["mapIterationAbortedEventDetails"], {"index": 0, "name": "Map"})
        self.assertEqual(events["MapIterationAborted"]["previousEventId"], events["TaskFailed"]["id"])
        self.assertEqual(events["MapStateFailed"]["previousEventId"], events["TaskFailed"]["id"])
        self.assertNotIn("PassStateEntered", events)

    def test_parallel_iterations_have_unique_increasing_ids(self):
        ended = self.run_machine({"Map": inline({"One": PASS | {"End": False, "Next": "Two"}, "Two": PASS}, End=True)},
                                 list(range(100)))
        events = history(ended)
        self.assertEqual([event["id"] for event in events], list(range(1, len(events) + 1)))
        self.assertEqual(len(events), 4 + 100 * 6 + 2)
        self.assertTrue(all(event["previousEventId"] < event["id"] for event in events))

    def test_history_is_still_read_page_by_page(self):
        arn = self.run_machine({"Map": inline({"Pass": PASS}, End=True)}, [1, 2, 3])["executionArn"]
        ids, token = [], None
        while page := call("_get_execution_history", executionArn=arn, maxResults=4, nextToken=token):
            ids += [event["id"] for event in page["events"]]
            if not (token := page.get("nextToken")):
                break
        self.assertEqual(ids, list(range(1, 19)))

    def test_ministack_lacks_these_events(self):
        with plain_ministack():
            written = types(self.run_machine({"Map": inline({"Pass": PASS}, End=True)}, [1]))
        self.assert_lacks("MapIterationStarted" in written, "writes the events of an inline Map", "map_events")
        self.assert_lacks("PassStateEntered" in written, "writes the events of states within a Map", "map_events")

    def test_ministack_lacks_the_link_to_the_event_before(self):
        with plain_ministack():
            events = history(self.run_machine({"Pass": PASS}))
        self.assert_lacks("previousEventId" in events[-1], "writes previousEventId", "history_events")


class TaskEvents(LocalCloudTest):
    def test_a_timeout_is_written_as_in_test_fixed_timeout_service_lambda(self):
        is_over = threading.Event()
        self.addCleanup(is_over.set)
        self.lambdas["slow"] = lambda event: is_over.wait(20)
        ended = self.run_machine({"Start": invoke("slow", TimeoutSeconds=1, End=True)})
        self.assertEqual(shape(ended), [
            (1, 0, "ExecutionStarted"), (2, 0, "TaskStateEntered"), (3, 2, "TaskScheduled"), (4, 3, "TaskStarted"),
            (5, 4, "TaskTimedOut"), (6, 5, "ExecutionFailed")])
        events = history(ended)
        self.assertEqual(events[2]["taskScheduledEventDetails"], {
            "parameters": '{"FunctionName":"slow","Payload":{}}', "region": "us-east-1", "resource": "invoke",
            "resourceType": "lambda", "timeoutInSeconds": 1})
        self.assertEqual(events[3]["taskStartedEventDetails"], {"resource": "invoke", "resourceType": "lambda"})
        self.assertEqual(events[4]["taskTimedOutEventDetails"],
                         {"error": "States.Timeout", "resource": "invoke", "resourceType": "lambda"})
        self.assertEqual(events[5]["executionFailedEventDetails"], {"error": "States.Timeout"})

    def test_a_result_is_written_as_in_test_send_message(self):
        self.lambdas["echo"] = lambda event: event
        events = history(self.run_machine({"Start": invoke("echo", End=True)}, {"a": 1}))
        self.assertEqual([event["type"] for event in events][2:5], ["TaskScheduled", "TaskStarted", "TaskSucceeded"])
        self.assertEqual(set(events[4]["taskSucceededEventDetails"]), {"output", "outputDetails", "resource", "resourceType"})

    def test_resources_are_split_as_aws_splits_them(self):
        for resource, expected in (("arn:aws:states:::aws-sdk:ec2:describeSnapshots", ("aws-sdk:ec2", "describeSnapshots")),
                                   ("arn:aws:states:::sns:publish", ("sns", "publish"))):
            self.patch(sfn, "_invoke_aws_sdk_integration", lambda *_: {})
            self.patch(sfn, "_SERVICE_DISPATCH", {"arn:aws:states:::sns:publish": lambda *_: {}})
            state = {"Type": "Task", "Resource": resource, "Parameters": {}, "End": True}
            details = history(self.run_machine({"Start": state}))[2]["taskScheduledEventDetails"]
            self.assertEqual((details["resourceType"], details["resource"]), expected)

    def test_each_attempt_is_written_as_in_test_retry_interval_features(self):
        self.lambdas["broken"] = raise_exception
        state = invoke("broken", Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}], End=True)
        self.assertEqual(types(self.run_machine({"Start": state}))[2:],
                         ["TaskScheduled", "TaskStarted", "TaskFailed"] * 2 + ["ExecutionFailed"])

    def test_ministack_lacks_the_start_and_the_timeout_of_a_task(self):
        is_over = threading.Event()
        self.addCleanup(is_over.set)
        self.lambdas["slow"] = lambda event: is_over.wait(20)
        with plain_ministack():
            written = types(self.run_machine({"Start": invoke("slow", TimeoutSeconds=1, End=True)}))
        self.assert_lacks("TaskStarted" in written, "writes TaskStarted", "task_events")
        self.assert_lacks("TaskTimedOut" in written, "writes TaskTimedOut", "task_events")


class Limits(LocalCloudTest):
    def test_a_history_ends_with_its_last_allowed_event(self):
        self.patch(added.histories, "MAX_EVENTS", 20)
        ended = self.run_machine({"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}})
        self.assertEqual((ended["status"], ended["cause"]),
                         ("FAILED", "The execution reached the maximum number of history events (20)."))
        self.assertEqual(len(history(ended)), 20)
        self.assertEqual(types(ended)[-1], "ExecutionFailed")

    def test_ministack_lacks_the_limit_of_events(self):
        counts = []
        with plain_ministack():
            execution = {"events": [{}] * 25_000, "status": "RUNNING"}
            sfn._add_event(execution, "PassStateEntered")
            counts.append(len(execution["events"]))
        self.assert_lacks(counts[0] <= 25_000, "limits the events of a history", "history_events")

    def at_once(self) -> int:
        lock, running, most = threading.Lock(), [0], [0]
        enough = threading.Event()

        def work(event):
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            if running[0] > 40:
                enough.set()
            enough.wait(0.2)
            with lock:
                running[0] -= 1

        self.lambdas["work"] = work
        self.run_machine({"Map": inline({"Work": invoke("work", End=True)}, End=True)}, list(range(60)))
        return most[0]

    def test_an_inline_map_runs_40_iterations_at_once(self):
        self.assertEqual(self.at_once(), 40)

    def test_ministack_lacks_the_limit_of_iterations(self):
        with plain_ministack():
            most = self.at_once()
        self.assert_lacks(most <= 40, "limits the iterations of an inline Map", "inline_concurrency")


class Endings(LocalCloudTest):
    def hold(self) -> tuple:
        """Returns a task that runs until the event is set."""
        release = threading.Event()
        self.addCleanup(release.set)
        self.lambdas["hold"] = lambda event: release.wait(20)
        return release, invoke("hold", Next="After")

    def test_top_level_timeout_ends_the_execution(self):
        release, held = self.hold()
        published = []
        self.patch(sfn, "_emit_execution_status_event", lambda execution: published.append(execution["status"]))
        ended = self.run_machine({"Hold": held, "After": PASS}, TimeoutSeconds=1)
        self.assertEqual((ended["status"], ended.get("error"), ended.get("cause")), ("TIMED_OUT", None, None))
        before = shape(ended)
        release.set()
        self.wait_for(lambda: not any("run_execution" in str(thread) for thread in threading.enumerate()), "it still runs")
        self.assertEqual(before[-1][2], "ExecutionTimedOut")
        self.assertEqual(shape(ended), before)
        self.assertEqual(published, ["RUNNING", "TIMED_OUT"])

    def test_an_execution_that_ends_in_time_is_not_timed_out(self):
        self.assertEqual(self.run_machine({"Pass": PASS}, TimeoutSeconds=60)["status"], "SUCCEEDED")

    def test_a_stopped_execution_is_written_as_in_test_stop_execution(self):
        release, held = self.hold()
        arn = self.start({"Hold": held, "After": PASS})
        self.wait_for(lambda: "TaskStarted" in types(arn), "the task did not start")
        call("_stop_execution", executionArn=arn)
        release.set()
        last = history(arn)[-1]
        self.assertEqual((last["type"], last["previousEventId"]), ("ExecutionAborted", 0))
        self.assertEqual(last["executionAbortedEventDetails"], {})
        self.assertEqual(describe(arn)["status"], "ABORTED")

    def test_ministack_lacks_the_top_level_timeout(self):
        release, held = self.hold()
        with plain_ministack():
            arn = self.start({"Hold": held, "After": PASS}, TimeoutSeconds=1)
            self.wait_for(lambda: "TaskScheduled" in types(arn), "the task did not start")
            threading.Event().wait(1.5)
            status = describe(arn)["status"]
            release.set()
            self.await_end(arn)
        self.assert_lacks(status == "TIMED_OUT", "ends an execution after TimeoutSeconds", "execution_endings")


def raise_exception(event):
    raise sfn._ExecutionError("Exception", '{"errorMessage":"Some exception was raised.","errorType":"Exception"}')
