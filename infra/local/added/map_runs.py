"""Distributed Maps: Map Runs and child executions."""

import json
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context

from added.core import (COUNT_NAMES, Ended, MAX_CHILDREN_WITHOUT_LIMIT, LOCK, MAP_RUNS, SCOPE, compact,
                            data_limit_exceeded, is_too_large, replace)
from added.endings import end, enter_new_history
from added.histories import raise_if_ended
from added.maps import run_states

from ministack.services import stepfunctions as sfn
from ministack.services import s3


class MapRun:
    """A Distributed Map: its record, which DescribeMapRun returns, and its child executions."""

    def __init__(self, state: dict, effective, processor: dict, execution: dict, ctx: dict):
        self.state, self.effective, self.processor, self.execution, self.ctx = state, effective, processor, execution, ctx
        prefix, machine = execution["stateMachineArn"].split(":stateMachine:")
        self.path = f"{machine}/{state.get('Label') or sfn.new_uuid()}"
        self.prefix, self.uuid = prefix, sfn.new_uuid()
        self.arn = f"{prefix}:mapRun:{self.path}:{self.uuid}"
        self.items: list = []
        self.children: list = []
        self.counts = dict.fromkeys(("pending", "running", *COUNT_NAMES.values(), "total", "resultsWritten",
                                     "failuresNotRedrivable", "pendingRedrive"), 0)
        self.record = {
            "mapRunArn": self.arn, "executionArn": execution["executionArn"], "status": "RUNNING", "startDate": sfn.now_iso(),
            "maxConcurrency": max_concurrency(state, effective, ctx), "redriveCount": 0,
            "toleratedFailurePercentage": float(state.get("ToleratedFailurePercentage") or 0),
            "toleratedFailureCount": int(state.get("ToleratedFailureCount") or 0), "itemCounts": self.counts,
            "executionCounts": self.counts, "_stateMachineArn": f"{prefix}:stateMachine:{self.path}",
        }
        sfn._map_runs[self.arn] = self.record
        MAP_RUNS[self.arn] = self

    def run(self):
        """Runs every item and returns the result of the Map."""
        try:
            self.read_items()
            self.run_children()
            result = self.write_results() if "Resource" in self.state.get("ResultWriter", {}) else self.collect_results()
        except BaseException as error:
            self.stop("ABORTED" if isinstance(error, Ended) else "FAILED")
            raise
        finally:
            MAP_RUNS.pop(self.arn)
        if self.record["status"] == "FAILED":
            raise sfn._ExecutionError("States.ExceedToleratedFailureThreshold",
                                      "The specified tolerated failure threshold was exceeded")
        if self.record["status"] == "ABORTED":
            raise Ended
        self.stop("SUCCEEDED")
        return result

    def stop(self, status: str) -> None:
        """Gives the Map Run its last status and ends the children that still run."""
        with LOCK:
            if self.record["status"] != "RUNNING":
                return
            self.record.update(status=status, stopDate=sfn.now_iso())
        for child in [child for child in self.children if child]:
            end(child, "ABORTED")

    def read_items(self) -> None:
        if self.state.get("ItemReader"):
            self.items = sfn._read_map_items(self.state["ItemReader"], self.effective, self.ctx)
            if not isinstance(self.items, list):
                raise sfn._ExecutionError("States.ItemReaderFailed", "Attempting to map over non-iterable node.")
        else:
            items = sfn._resolve_path_or_ctx(self.state.get("ItemsPath", "$"), self.effective, self.ctx)
            self.items = items if isinstance(items, list) else [items]
        self.children = [None] * len(self.items)
        self.counts.update(total=len(self.items), pending=len(self.items))

    def run_children(self) -> None:
        workers = self.record["maxConcurrency"] or min(len(self.items), MAX_CHILDREN_WITHOUT_LIMIT) or 1
        with ThreadPoolExecutor(max_workers=workers) as pool:
            wait([pool.submit(copy_context().run, self.run_child, index) for index in range(len(self.items))])
        try:
            raise_if_ended(self.execution)
        except Ended:
            self.stop("ABORTED")
        self.counts["resultsWritten"] = sum(self.counts[name] for name in COUNT_NAMES.values())

    def run_child(self, index: int) -> None:
        try:
            raise_if_ended(self.execution)
            data = self.child_input(index)
            child = self.start_child(index, data)
        except Ended:
            return
        scope = SCOPE.get()
        enter_new_history()
        SCOPE.set(scope)
        ctx = {key: value for key, value in self.ctx.items() if key != "Map"} | {"variables": {}, "Execution": {
            "Id": child["executionArn"], "Input": data, "Name": child["name"], "StartTime": child["startDate"]}}
        try:
            sfn._add_event(child, "ExecutionStarted", {"executionStartedEventDetails": {
                "input": child["input"], "roleArn": role_of(self.execution)}})
            output = run_states(self.processor.get("States", {}), self.processor.get("StartAt"), data, child, ctx)
            end(child, "SUCCEEDED", output=compact(output))
        except Ended:
            end(child, "ABORTED")
        except sfn._ExecutionError as error:
            end(child, "FAILED", error.error, error.cause)
        except Exception as error:
            end(child, "FAILED", "States.Runtime", str(error))

    def child_input(self, index: int):
        selector = self.state.get("ItemSelector") or self.state.get("Parameters")
        if not selector:
            return self.items[index]
        ctx = self.ctx | {"Map": {"Item": {"Index": index, "Value": self.items[index]}}}
        return sfn._resolve_params_obj(selector, self.effective, ctx)

    def start_child(self, index: int, data) -> dict:
        with LOCK:
            if self.record["status"] != "RUNNING":
                raise Ended
            child = self.children[index] = self.new_child(data) | {
                "status": "RUNNING", "startDate": sfn.now_iso(), "stopDate": None, "output": None, "mapRunArn": self.arn,
                "inputDetails": {"included": True}, "outputDetails": {"included": True}, "events": [],
                "testCase": self.execution.get("testCase"), "mockAttempts": {}}
            self.counts["pending"] -= 1
            self.counts["running"] += 1
        sfn._executions[child["executionArn"]] = child
        return child

    def new_child(self, data) -> dict:
        name = sfn.new_uuid()
        return {"executionArn": f"{self.prefix}:execution:{self.path}:{name}", "name": name, "input": compact(data),
                "stateMachineArn": self.record["_stateMachineArn"]}

    def count_ended(self, child: dict) -> None:
        with LOCK:
            self.counts["running"] -= 1
            self.counts[COUNT_NAMES[child["status"]]] += 1
        if self.is_tolerance_exceeded():
            self.stop("FAILED")

    def is_tolerance_exceeded(self) -> bool:
        failed, limits = self.counts["failed"] + self.counts["timedOut"], []
        if "ToleratedFailureCount" in self.state:
            limits.append(failed > self.record["toleratedFailureCount"])
        if "ToleratedFailurePercentage" in self.state:
            limits.append(failed * 100 > self.record["toleratedFailurePercentage"] * self.counts["total"])
        return any(limits) if limits else failed > 0

    def collect_results(self) -> list:
        """Returns the results as the state's output, which must not be too large."""
        if self.record["status"] != "RUNNING":
            return []
        how = self.state.get("ResultWriter", {}).get("WriterConfig", {}).get("Transformation", "COMPACT")
        results = transform(how, [child for child in self.children if child["status"] == "SUCCEEDED"])
        if is_too_large(compact(results)):
            raise data_limit_exceeded(self.ctx["State"]["Name"], "returned a result")
        return results

    def write_results(self) -> dict:
        """Writes the records of the children and a manifest to S3, and returns the location of the manifest."""
        writer = self.state["ResultWriter"]
        config = writer.get("WriterConfig", {})
        place = sfn._resolve_params_obj(writer.get("Parameters") or writer.get("Arguments"), self.effective, self.ctx)
        folder = "/".join(part for part in (place.get("Prefix", "").strip("/"), self.uuid) if part)
        suffix = "jsonl" if config.get("OutputType") == "JSONL" else "json"
        files: dict[str, list] = {}
        for kind, children in self.by_kind().items():
            records = transform(config.get("Transformation", "NONE") if kind == "SUCCEEDED" else "NONE", children)
            text = "\n".join(map(compact, records)) if suffix == "jsonl" else compact(records)
            files[kind] = [put(place["Bucket"], f"{folder}/{kind}_0.{suffix}", text)] if children else []
        manifest = {"DestinationBucket": place["Bucket"], "MapRunArn": self.arn, "ResultFiles": files}
        put(place["Bucket"], f"{folder}/manifest.json", compact(manifest))
        return {"MapRunArn": self.arn, "ResultWriterDetails": {"Bucket": place["Bucket"], "Key": f"{folder}/manifest.json"}}

    def by_kind(self) -> dict[str, list]:
        ended = [child for child in self.children if child]
        pending = [self.new_child(self.child_input(index)) | {"status": "PENDING"}
                   for index, child in enumerate(self.children) if not child]
        return {"FAILED": [child for child in ended if child["status"] != "SUCCEEDED"], "PENDING": pending,
                "SUCCEEDED": [child for child in ended if child["status"] == "SUCCEEDED"]}


def max_concurrency(state: dict, effective, ctx: dict) -> int:
    """Returns how many children run at once: 0 means no limit."""
    path = state.get("MaxConcurrencyPath")
    return int(sfn._resolve_path_or_ctx(path, effective, ctx) if path else state.get("MaxConcurrency") or 0)


def role_of(execution: dict) -> str:
    return execution["events"][0]["executionStartedEventDetails"]["roleArn"]


def transform(how: str, children: list) -> list:
    """Returns the children after the Transformation of a ResultWriter."""
    if how == "NONE":
        return [result_record(child) for child in children]
    outputs = [json.loads(child["output"]) for child in children]
    if how == "FLATTEN":
        return [one for output in outputs for one in (output if isinstance(output, list) else [output])]
    return outputs


def result_record(child: dict) -> dict:
    is_done = child["status"] == "SUCCEEDED"
    fields = {
        "Cause": child.get("cause"), "Error": child.get("error"), "ExecutionArn": child["executionArn"], "Input": child["input"],
        "InputDetails": {"Included": True}, "Name": child["name"], "Output": child.get("output"),
        "OutputDetails": {"Included": True}, "RedriveCount": 0,
        "RedriveStatus": "NOT_REDRIVABLE" if is_done else "REDRIVABLE_BY_MAP_RUN",
        "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven" if is_done else None,
        "StartDate": child.get("startDate"), "StateMachineArn": child["stateMachineArn"], "Status": child["status"],
        "StopDate": child.get("stopDate"),
    }
    return {key: value for key, value in fields.items() if value is not None}


def put(bucket: str, key: str, text: str) -> dict:
    status, _, _ = s3._put_object(bucket, key, text.encode(), {"content-type": "application/json"})
    if status != 200:
        raise sfn._ExecutionError("States.ResultWriterFailed", f"S3 did not store the results. (Bucket: {bucket}, Key: {key})")
    return {"Key": key, "Size": len(text.encode())}


def map_runs():
    """AWS writes MapRunStarted, MapRunSucceeded and MapRunFailed, runs each item as an execution with a history of its own, ends
    the other children once the tolerance is exceeded, reads MaxConcurrencyPath, and exports the results with a ResultWriter. A
    combined output over 256 KiB fails the Map. Documented: state-map-distributed, input-output-resultwriter. Recorded: test_map_state_result_writer,
    test_map_item_reader_json_no_json_list_object, test_list_map_runs_and_describe_map_run.

    ministack writes no events, runs every child to its end, and ignores MaxConcurrencyPath and ResultWriter."""

    def run_distributed_map(_plain, state, raw_input, effective, processor, execution, ctx):
        run = MapRun(state, effective, processor, execution, ctx)
        try:
            sfn._add_event(execution, "MapRunStarted", {"mapRunStartedEventDetails": {"mapRunArn": run.arn}})
            result = run.run()
        except sfn._ExecutionError as error:
            sfn._add_event(execution, "MapRunFailed",
                           {"mapRunFailedEventDetails": {"error": error.error, "cause": error.cause}})
            raise
        sfn._add_event(execution, "MapRunSucceeded")
        output = sfn._apply_result_path(state, raw_input, sfn._apply_result_selector(state, result))
        return sfn._apply_output_path(state, output, ctx), sfn._next_or_end(state)

    replace(sfn, "_run_distributed_map", run_distributed_map)
