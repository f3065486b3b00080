"""Map Runs: their events, their children and the results in S3."""

import json
import threading
import time

from harness import (
    BUCKET, PASS, LocalCloudTest, call, describe, distributed, history, inline, invoke, objects, plain_ministack, s3, sfn, shape,
    types,
)

WRITER = {"Resource": "arn:aws:states:::s3:putObject",
          "Parameters": {"Bucket": BUCKET, "Prefix.$": "States.Format('runs/{}', $$.Execution.Name)"}}
# Fields of a record in a SUCCEEDED file, as "ResultWriter (Map)" in the developer guide shows it.
SUCCEEDED_FIELDS = ["ExecutionArn", "Input", "InputDetails", "Name", "Output", "OutputDetails", "RedriveCount", "RedriveStatus",
                    "RedriveStatusReason", "StartDate", "StateMachineArn", "Status", "StopDate"]
FAILED_FIELDS = ["Cause", "Error", "ExecutionArn", "Input", "InputDetails", "Name", "OutputDetails", "RedriveCount",
                 "RedriveStatus", "StartDate", "StateMachineArn", "Status", "StopDate"]
ODD_FAILS = {"IsOdd": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 1, "Next": "Broken"}], "Default": "Pass"},
             "Broken": {"Type": "Fail", "Error": "Odd", "Cause": "It is odd."}, "Pass": PASS}


class MapRunTest(LocalCloudTest):
    def setUp(self):
        super().setUp()
        for key in list(s3._buckets[BUCKET]["objects"]):
            s3._delete_object(BUCKET, key, {})

    def map_run(self, arn: str) -> dict:
        return call("_describe_map_run", mapRunArn=self.map_run_arn(arn))

    def map_run_arn(self, arn: str) -> str:
        return call("_list_map_runs", executionArn=arn)["mapRuns"][0]["mapRunArn"]

    def children(self, arn: str) -> list:
        return call("_list_executions", mapRunArn=self.map_run_arn(arn))["executions"]

    def results(self, ended: dict) -> tuple:
        """Returns the output of the Map, its manifest and the text of each file by name."""
        output = json.loads(ended["output"])
        folder = output["ResultWriterDetails"]["Key"].rpartition("/")[0]
        files = {key.removeprefix(folder + "/"): text for key, text in objects().items() if key.startswith(folder)}
        return output, json.loads(files.pop("manifest.json")), files


class Results(MapRunTest):
    def test_results_are_written_as_in_test_map_state_result_writer(self):
        ended = self.run_machine({"MapState": distributed({"Pass": PASS}, ResultWriter=WRITER, End=True)}, ["Hello", "World"])
        self.assertEqual(shape(ended), [
            (1, 0, "ExecutionStarted"), (2, 0, "MapStateEntered"), (3, 2, "MapStateStarted"), (4, 3, "MapRunStarted"),
            (5, 4, "MapRunSucceeded"), (6, 5, "MapStateSucceeded"), (7, 5, "MapStateExited"), (8, 7, "ExecutionSucceeded")])
        events, arn = history(ended), self.map_run_arn(ended["executionArn"])
        self.assertEqual(events[2]["mapStateStartedEventDetails"], {"length": 2})
        self.assertEqual(events[3]["mapRunStartedEventDetails"], {"mapRunArn": arn})
        output, _, _ = self.results(ended)
        key = f"runs/{ended['name']}/{arn.rpartition(':')[2]}/manifest.json"
        self.assertEqual(output, {"MapRunArn": arn, "ResultWriterDetails": {"Bucket": BUCKET, "Key": key}})

    def test_manifest_and_records_have_the_documented_fields(self):
        state = distributed(ODD_FAILS, ResultWriter=WRITER, ToleratedFailurePercentage=100, End=True)
        ended = self.run_machine({"Map": state}, [0, 1, 2])
        output, manifest, files = self.results(ended)
        self.assertEqual(list(files), ["FAILED_0.json", "SUCCEEDED_0.json"])
        folder = output["ResultWriterDetails"]["Key"].removesuffix("manifest.json")
        self.assertEqual(manifest, {
            "DestinationBucket": BUCKET, "MapRunArn": output["MapRunArn"], "ResultFiles": {
                "FAILED": [{"Key": folder + "FAILED_0.json", "Size": len(files["FAILED_0.json"])}], "PENDING": [],
                "SUCCEEDED": [{"Key": folder + "SUCCEEDED_0.json", "Size": len(files["SUCCEEDED_0.json"])}]}})
        failed, succeeded = json.loads(files["FAILED_0.json"]), json.loads(files["SUCCEEDED_0.json"])
        self.assertEqual([list(record) for record in succeeded], [SUCCEEDED_FIELDS] * 2)
        self.assertEqual([list(record) for record in failed], [FAILED_FIELDS])
        self.assertEqual([failed[0][field] for field in ("Error", "Cause", "Input", "Status", "RedriveStatus")],
                         ["Odd", "It is odd.", "1", "FAILED", "REDRIVABLE_BY_MAP_RUN"])
        self.assertEqual(succeeded[1] | {"Name": "", "ExecutionArn": "", "StartDate": "", "StopDate": ""}, {
            "ExecutionArn": "", "Input": "2", "InputDetails": {"Included": True}, "Name": "", "Output": "2",
            "OutputDetails": {"Included": True}, "RedriveCount": 0, "RedriveStatus": "NOT_REDRIVABLE",
            "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven", "StartDate": "",
            "StateMachineArn": ended["stateMachineArn"] + "/Children", "Status": "SUCCEEDED", "StopDate": ""})
        self.assertRegex(succeeded[0]["StartDate"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def written(self, config: dict, items: list) -> dict:
        state = distributed(ODD_FAILS, ResultWriter=WRITER | {"WriterConfig": config}, ToleratedFailureCount=1, End=True)
        return self.results(self.run_machine({"Map": state}, items))[2]

    def test_writer_config_changes_the_results_that_succeeded(self):
        nested = [[2, 3], 1, 4]
        files = self.written({"Transformation": "COMPACT", "OutputType": "JSON"}, nested)
        self.assertEqual(files["SUCCEEDED_0.json"], "[[2,3],4]")
        files = self.written({"Transformation": "FLATTEN", "OutputType": "JSONL"}, nested)
        self.assertEqual(files["SUCCEEDED_0.jsonl"], "2\n3\n4")
        self.assertEqual(json.loads(files["FAILED_0.jsonl"])["Error"], "Odd")

    def test_a_missing_bucket_fails_the_map(self):
        writer = WRITER | {"Parameters": {"Bucket": "no-such-bucket", "Prefix": "x"}}
        ended = self.run_machine({"Map": distributed({"Pass": PASS}, ResultWriter=writer, End=True)}, [1])
        self.assertEqual(ended["error"], "States.ResultWriterFailed")
        self.assertEqual(types(ended)[4:], ["MapRunFailed", "MapStateFailed", "ExecutionFailed"])

    def test_ministack_lacks_the_result_writer(self):
        with plain_ministack():
            self.run_machine({"Map": distributed({"Pass": PASS}, ResultWriter=WRITER, End=True)}, [1])
        self.assert_lacks(bool(objects()), "writes the results of a Map Run", "map_runs")


class Events(MapRunTest):
    def test_a_failed_reader_is_written_as_in_test_map_item_reader_json_no_json_list_object(self):
        s3._put_object(BUCKET, "file.json", b'{"Hello": "world"}', {})
        reader = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"},
                  "Parameters": {"Bucket": BUCKET, "Key": "file.json"}}
        ended = self.run_machine({"MapState": distributed({"Pass": PASS}, ItemReader=reader, End=True)})
        self.assertEqual(shape(ended), [
            (1, 0, "ExecutionStarted"), (2, 0, "MapStateEntered"), (3, 2, "MapStateStarted"), (4, 3, "MapRunStarted"),
            (5, 4, "MapRunFailed"), (6, 5, "MapStateFailed"), (7, 6, "ExecutionFailed")])
        events = history(ended)
        self.assertEqual(events[2]["mapStateStartedEventDetails"], {"length": 0})
        error = {"cause": "Attempting to map over non-iterable node.", "error": "States.ItemReaderFailed"}
        self.assertEqual(events[4]["mapRunFailedEventDetails"], error)
        self.assertEqual(events[6]["executionFailedEventDetails"], error)

    def test_a_child_has_a_history_of_its_own(self):
        state = distributed(ODD_FAILS, ToleratedFailureCount=1, ItemsPath="$.items", End=True)
        arn = self.run_machine({"First": {"Type": "Pass", "Next": "Map"}, "Map": state}, {"items": [0, 1]})["executionArn"]
        by_status = {child["status"]: child["executionArn"] for child in self.children(arn)}
        self.assertEqual(shape(by_status["SUCCEEDED"]), [
            (1, 0, "ExecutionStarted"), (2, 0, "ChoiceStateEntered"), (3, 2, "ChoiceStateExited"), (4, 3, "PassStateEntered"),
            (5, 4, "PassStateExited"), (6, 5, "ExecutionSucceeded")])
        self.assertEqual(shape(by_status["FAILED"])[3:], [(4, 3, "FailStateEntered"), (5, 4, "ExecutionFailed")])
        self.assertEqual(len({child["name"] for child in self.children(arn)}), 2)

    def test_a_child_knows_itself_as_the_execution(self):
        own = {"Type": "Pass", "Parameters": {"id.$": "$$.Execution.Id"}, "End": True}
        ended = self.run_machine({"Map": distributed({"Own": own}, End=True)}, [1])
        self.assertEqual(json.loads(ended["output"])[0]["id"], self.children(ended["executionArn"])[0]["executionArn"])

    def test_ministack_lacks_the_events_of_map_runs_and_children(self):
        with plain_ministack():
            ended = self.run_machine({"Map": distributed({"Pass": PASS}, End=True)}, [1])
            child = self.children(ended["executionArn"])[0]["executionArn"]
            of_child = history(child)
        self.assert_lacks("MapRunStarted" in types(ended), "writes MapRunStarted", "map_runs")
        self.assert_lacks(bool(of_child), "writes the history of child executions", "map_runs")


class Counts(MapRunTest):
    def test_counts_are_those_of_test_list_map_runs_and_describe_map_run(self):
        run = self.map_run(self.run_machine({"Map": distributed({"Pass": PASS}, End=True)}, [1, 2])["executionArn"])
        expected = {"aborted": 0, "failed": 0, "pending": 0, "resultsWritten": 2, "running": 0, "succeeded": 2, "timedOut": 0,
                    "total": 2}
        self.assertEqual(run["status"], "SUCCEEDED")
        for counts in (run["itemCounts"], run["executionCounts"]):
            self.assertEqual({key: counts[key] for key in expected}, expected)

    def test_a_map_run_over_its_tolerance_fails_and_leaves_the_rest_pending(self):
        state = distributed({"Broken": {"Type": "Fail", "Error": "Odd"}}, MaxConcurrency=1, ToleratedFailureCount=1,
                            ResultWriter=WRITER, End=True)
        ended = self.run_machine({"Map": state}, [0, 1, 2, 3])
        run = self.map_run(ended["executionArn"])
        self.assertEqual((ended["error"], ended["cause"]), ("States.ExceedToleratedFailureThreshold",
                                                            "The specified tolerated failure threshold was exceeded"))
        self.assertEqual((run["status"], run["itemCounts"]["failed"], run["itemCounts"]["pending"]), ("FAILED", 2, 2))
        files = {key.rpartition("/")[2]: text for key, text in objects().items()}
        self.assertEqual([record["Status"] for record in json.loads(files["PENDING_0.json"])], ["PENDING"] * 2)

    def test_as_many_children_run_at_once_as_the_input_says(self):
        running, most = [], []

        def hold(event):
            running.append(event)
            time.sleep(0.05)
            most.append(len(running))
            running.remove(event)

        self.lambdas["hold"] = hold
        state = distributed({"Hold": invoke("hold", End=True)}, ItemsPath="$.items", MaxConcurrencyPath="$.atOnce", End=True)
        ended = self.run_machine({"Map": state}, {"items": list(range(9)), "atOnce": 3})
        self.assertEqual((self.map_run(ended["executionArn"])["maxConcurrency"], max(most)), (3, 3))

    def test_2000_children_run(self):
        state = distributed({"Pass": PASS}, MaxConcurrency=20, ResultWriter=WRITER, End=True)
        ended = self.run_machine({"Map": state}, list(range(2000)))
        _, _, files = self.results(ended)
        self.assertEqual([record["Output"] for record in json.loads(files["SUCCEEDED_0.json"])], [str(n) for n in range(2000)])
        self.assertEqual(len({child["name"] for child in self.children(ended["executionArn"])}), 1000)
        self.assertEqual(self.map_run(ended["executionArn"])["executionCounts"]["succeeded"], 2000)


class Stopping(MapRunTest):
    def hold(self, **top) -> tuple:
        """Starts a Map Run of two children. One of them blocks, and the other one waits for it."""
        release = threading.Event()
        self.addCleanup(release.set)
        self.lambdas["hold"] = lambda event: release.wait(20)
        states = {"Hold": invoke("hold", Next="After"), "After": PASS}
        state = distributed(states, MaxConcurrency=1, ResultWriter=WRITER, End=True)
        arn = self.start({"Map": state}, [0, 1], **top)
        self.wait_for(lambda: call("_list_map_runs", executionArn=arn)["mapRuns"] and self.children(arn), "no child started")
        self.wait_for(lambda: "TaskStarted" in types(self.children(arn)[0]["executionArn"]), "no task started")
        return arn, release

    def assert_aborted(self, arn: str, release) -> None:
        run, child = self.map_run(arn), self.children(arn)[0]["executionArn"]
        self.assertEqual(run["status"], "ABORTED")
        counts = {key: value for key, value in run["itemCounts"].items() if value}
        self.assertEqual(counts, {"aborted": 1, "pending": 1, "total": 2})
        self.assertEqual(describe(child)["status"], "ABORTED")
        before = shape(child), shape(arn)
        release.set()
        self.wait_for(lambda: any(key.endswith("manifest.json") for key in objects()), "no results were written")
        self.assertEqual((shape(child), shape(arn)), before)
        self.assertEqual((before[0][-1][2], len(self.children(arn))), ("ExecutionAborted", 1))
        files = {key.rpartition("/")[2]: text for key, text in objects().items()}
        self.assertEqual([record["Status"] for record in json.loads(files["FAILED_0.json"])], ["ABORTED"])
        self.assertEqual([record["Input"] for record in json.loads(files["PENDING_0.json"])], ["1"])

    def test_stopping_the_parent_aborts_its_map_run_and_children(self):
        arn, release = self.hold()
        call("_stop_execution", executionArn=arn)
        self.assert_aborted(arn, release)
        self.assertEqual(types(arn)[-1], "ExecutionAborted")

    def test_a_parent_that_times_out_aborts_its_map_run_and_children(self):
        arn, release = self.hold(TimeoutSeconds=3)
        self.assertEqual(self.await_end(arn)["status"], "TIMED_OUT")
        self.wait_for(lambda: self.map_run(arn)["status"] != "RUNNING", "the Map Run did not end")
        self.wait_for(lambda: describe(self.children(arn)[0]["executionArn"])["status"] != "RUNNING", "the child did not end")
        self.assert_aborted(arn, release)

    def test_a_child_that_is_stopped_counts_as_aborted(self):
        arn, release = self.hold()
        call("_stop_execution", executionArn=self.children(arn)[0]["executionArn"])
        release.set()
        self.await_end(arn)
        counts = {key: value for key, value in self.map_run(arn)["itemCounts"].items() if value}
        self.assertEqual(counts, {"aborted": 1, "succeeded": 1, "total": 2, "resultsWritten": 2})

    def test_a_failed_iteration_aborts_the_map_run_of_another(self):
        release = threading.Event()
        self.addCleanup(release.set)
        holds = threading.Event()
        self.lambdas["hold"] = lambda event: (holds.set(), release.wait(20))
        self.lambdas["await"] = lambda event: holds.wait(20)
        runs = distributed({"Hold": invoke("hold", Next="After"), "After": PASS}, ItemsPath="$.items", End=True)
        states = {"Which": {"Type": "Choice", "Choices": [{"Variable": "$.items[0]", "NumericEquals": 1, "Next": "Run"}],
                            "Default": "Await"}, "Run": runs, "Await": invoke("await", Next="Broken"),
                  "Broken": {"Type": "Fail", "Error": "Odd"}}
        arn = self.start({"Regions": inline(states, End=True)}, [{"items": [1]}, {"items": [0]}])
        self.wait_for(lambda: "MapIterationFailed" in types(arn), "no iteration failed")
        release.set()
        self.assertEqual(self.await_end(arn)["error"], "Odd")
        self.assertEqual(self.map_run(arn)["status"], "ABORTED")
        self.assertEqual(self.children(arn)[0]["status"], "ABORTED")

    def test_ministack_lacks_the_end_of_children(self):
        with plain_ministack():
            release = threading.Event()
            self.lambdas["hold"] = lambda event: release.wait(20)
            arn = self.start({"Map": distributed({"Hold": invoke("hold", End=True)}, End=True)}, [0])
            self.wait_for(lambda: call("_list_map_runs", executionArn=arn)["mapRuns"] and self.children(arn), "no child started")
            call("_stop_execution", executionArn=arn)
            status = self.children(arn)[0]["status"]
            release.set()
            self.wait_for(lambda: self.map_run(arn)["status"] != "RUNNING", "the Map Run did not end")
        self.assert_lacks(status == "ABORTED", "ends the children of a stopped execution", "execution_endings")


del MapRunTest
