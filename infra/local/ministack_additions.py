"""Starts ministack with the AWS behaviour that it lacks.

Run this file instead of the `ministack` command. Each addition is one function of `ADDITIONS`. Its docstring describes the behaviour of
AWS, its source, and the behaviour of ministack. "Recorded" means a recording of real AWS in localstack/localstack,
`tests/aws/services/stepfunctions/v2/**/*.snapshot.json`, named by its test. Each addition has a test in tests/local_cloud that fails once
ministack does the same itself. Then delete the addition.
"""

import copy
import functools
import importlib.metadata
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import ContextVar, copy_context
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

MADE_FOR = "1.5.33"
MAX_PAYLOAD_BYTES = 262_144
MAX_EVENTS = 25_000
MAX_INLINE_ITERATIONS = 40
MAX_CHILDREN_WITHOUT_LIMIT = 64

if importlib.metadata.version("ministack") != MADE_FOR:
    sys.exit(f"ministack_additions.py is made for ministack {MADE_FOR}, but {importlib.metadata.version('ministack')} is "
             f"installed. Install {MADE_FOR}, or set MADE_FOR to the new version and run the tests in tests/local_cloud.")

from ministack.services import eventbridge, s3, scheduler  # noqa: E402
from ministack.services import stepfunctions as sfn  # noqa: E402
from ministack.services.cloudformation import (_stacks, changesets, engine, language_extensions,  # noqa: E402
                                               provisioners)

ENDING_EVENTS = {"SUCCEEDED": "ExecutionSucceeded", "FAILED": "ExecutionFailed", "TIMED_OUT": "ExecutionTimedOut",
                 "ABORTED": "ExecutionAborted"}
# AWS does not count these as the event before the next one.
SIDE_EVENTS = {"MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted", "MapStateSucceeded", "ExecutionStarted",
               *ENDING_EVENTS.values()}
COUNT_NAMES = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timedOut", "ABORTED": "aborted"}

_lock = threading.RLock()
_replaced: list[tuple] = []
_map_runs: dict[str, "MapRun"] = {}
# Each iteration, branch and child execution runs in its own context, so these are local to it.
_last_event: ContextVar[int] = ContextVar("last_event", default=0)
_task: ContextVar[dict | None] = ContextVar("task", default=None)
_iterations: ContextVar["Iterations | None"] = ContextVar("iterations", default=None)
_scope: ContextVar["Iterations | None"] = ContextVar("scope", default=None)


class Ended(SystemExit):
    """Ends the thread of an execution or an iteration that has been stopped. No Catch or `except Exception` sees it."""


def replace(module, name: str, function) -> None:
    """Replaces a function of ministack with one that takes the replaced function as its first argument."""
    plain = getattr(module, name)
    _replaced.append((module, name, plain))
    setattr(module, name, functools.partial(function, plain))


def is_too_large(text: str) -> bool:
    """Returns whether a JSON text, as compact UTF-8, has more bytes than AWS allows. An escaped text is never shorter."""
    return len(text) > MAX_PAYLOAD_BYTES and len(compact(json.loads(text)).encode()) > MAX_PAYLOAD_BYTES


def compact(value) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def data_limit_exceeded(name: str, what: str) -> Exception:
    return sfn._ExecutionError("States.DataLimitExceeded", f"The state/task '{name}' {what} with a size exceeding the maximum "
                                                           "number of bytes service limit.")


# --- Endings ---------------------------------------------------------------------------------------------------------


def end(execution: dict, status: str, error=None, cause=None, output=None) -> None:
    """Ends a running execution and everything that it started. Does nothing if the execution has ended already."""
    with _lock:
        if execution["status"] != "RUNNING":
            return
        execution.update(status=status, stopDate=sfn.now_iso(), error=error, cause=cause, output=output)
        name = ENDING_EVENTS[status]
        sfn._add_event(execution, name, {details_key(name): {"error": error, "cause": cause, "output": output}})
    for run in [run for run in list(_map_runs.values()) if run.execution is execution]:
        run.stop("ABORTED")
    if execution.get("mapRunArn") in _map_runs:
        _map_runs[execution["mapRunArn"]].count_ended(execution)
    elif not execution.get("mapRunArn"):
        sfn._emit_execution_status_event(execution)


def details_key(event_type: str) -> str:
    return event_type[0].lower() + event_type[1:] + "EventDetails"


def execution_endings():
    """AWS ends an execution once and writes nothing to its history afterwards. TimeoutSeconds of the definition ends it with
    TIMED_OUT (recorded: test_global_timeout). An execution that is stopped or times out ends its Map Runs and their children
    with ABORTED. Documented: API_StopExecution, state-machine-structure ("TimeoutSeconds"), concepts-examine-map-run.

    ministack ignores TimeoutSeconds of the definition, leaves children running, and goes on writing events."""

    def run_execution(plain, arn):
        execution = sfn._executions.get(arn)
        if not execution:
            return
        enter_new_history()
        execution["events"][0] |= {"previousEventId": 0}
        execution["events"][0]["executionStartedEventDetails"]["inputDetails"] = {"truncated": False}
        timer = start_timer(execution)
        try:
            plain(arn)
        except Ended:
            pass
        finally:
            timer.cancel()

    def stop_execution(plain, data):
        execution = sfn._executions.get(data.get("executionArn"))
        if execution:
            end(execution, "ABORTED", data.get("error"), data.get("cause"))
        return plain(data)

    replace(sfn, "_run_execution", run_execution)
    replace(sfn, "_stop_execution", stop_execution)
    replace(sfn, "_fail_execution", lambda plain, execution, error, cause: end(execution, "FAILED", error, cause))


def start_timer(execution: dict) -> threading.Timer:
    machine = sfn._state_machines.get(execution["stateMachineArn"]) or {}
    try:
        seconds = json.loads(machine.get("definition", "{}")).get("TimeoutSeconds")
    except json.JSONDecodeError:
        seconds = None
    timer = threading.Timer(seconds or 0, copy_context().run, [end, execution, "TIMED_OUT"])
    timer.daemon = True
    if seconds:
        timer.start()
    return timer


def enter_new_history() -> None:
    """Clears the events of the execution that started this one."""
    for variable in (_task, _iterations, _scope):
        variable.set(None)
    _last_event.set(0)


# --- Histories -------------------------------------------------------------------------------------------------------


def history_events():
    """AWS links each event to the one before it in its branch (`previousEventId`), marks payloads as not truncated, leaves out
    an empty error or cause, and allows 25,000 events in a history. Recorded: test_map_state_catch and most others; documented:
    service-quotas (the cause of the failure: aws-samples/aws-organizations-tag-inventory#16).

    ministack writes neither links nor details and has no limit. Two threads may get the same id."""

    def add_event(_plain, execution, event_type, details=None):
        is_ending = event_type in ENDING_EVENTS.values()
        event_type, details = as_task_event(event_type, details or {})
        if details is None:
            return None
        refuse_large_payload(event_type, details)
        with _lock:
            if not is_ending:
                raise_if_ended(execution)
            events = execution["events"]
            if is_ending or len(events) < MAX_EVENTS - 1:
                event = {"id": len(events) + 1, "previousEventId": 0 if event_type in ("ExecutionAborted", "ExecutionTimedOut")
                         else _last_event.get(), "type": event_type, "timestamp": sfn.now_iso()}
                events.append(event | {key: complete(value) for key, value in details.items()})
                if event_type not in SIDE_EVENTS:
                    _last_event.set(event["id"])
                return event
        end(execution, "FAILED", "States.Runtime", f"The execution reached the maximum number of history events ({MAX_EVENTS}).")
        raise Ended

    replace(sfn, "_add_event", add_event)


def raise_if_ended(execution: dict) -> None:
    scope = _scope.get()
    while scope and scope.failed_after is None:
        scope = scope.outer
    if scope or execution.get("status", "RUNNING") != "RUNNING":
        raise Ended


def complete(details):
    details = {key: value for key, value in details.items()
               if value is not None and (value != "" or key not in ("error", "cause"))}
    for payload in ("input", "output"):
        if payload in details:
            details[f"{payload}Details"] = {"truncated": False}
    return details


# --- Payloads --------------------------------------------------------------------------------------------------------


def refuse_large_payload(event_type: str, details: dict) -> None:
    """Raises States.DataLimitExceeded for an event whose payload AWS would refuse."""
    for value in details.values():
        name = value.get("resourceType") or value.get("name")
        if event_type.endswith("StateExited") or event_type == "TaskSucceeded":
            if is_too_large(value.get("output") or ""):
                raise data_limit_exceeded(name, "returned a result")
        elif event_type.endswith("StateEntered") or event_type == "TaskScheduled":
            if is_too_large(value.get("input") or value.get("parameters") or ""):
                raise data_limit_exceeded(name, "provided parameters")


def payload_limits():
    """AWS allows 262,144 bytes of UTF-8 for the input of an execution, and for each input, result and output of a state
    (`refuse_large_payload`). Documented: service-quotas, API_StartExecution. Recorded: test_start_large_input.

    ministack has no limit."""

    def start_execution(plain, data):
        text = data.get("input") or "{}"
        if len(text.encode()) > MAX_PAYLOAD_BYTES:
            return sfn.error_response_json("InvalidExecutionInput", "Invalid State Machine Execution Input: 'The input has more "
                                           f"than {MAX_PAYLOAD_BYTES} bytes.'", 400)
        return plain(data)

    replace(sfn, "_start_execution", start_execution)


def error_names():
    """On AWS, States.ALL and States.TaskFailed match neither States.Runtime nor States.DataLimitExceeded. Documented:
    concepts-error-handling. There is one exception: the Catch of a Task with States.ALL catches a result that is too large.
    Recorded: test_service_task_lambada_catch_state_all_data_limit_exceeded_on_large_utf8_response.

    ministack matches every name."""

    def error_matches(plain, error_equals, error):
        if error in error_equals:
            return True
        return error not in ("States.Runtime", "States.DataLimitExceeded") and plain(error_equals, error)

    def execute_task(plain, state, *more):
        catchers = [catcher | {"ErrorEquals": [*catcher["ErrorEquals"], "States.DataLimitExceeded"]}
                    if "States.ALL" in catcher["ErrorEquals"] else catcher for catcher in state.get("Catch", [])]
        return plain(state | {"Catch": catchers}, *more)

    replace(sfn, "_error_matches", error_matches)
    replace(sfn, "_execute_task", execute_task)


# --- Tasks -----------------------------------------------------------------------------------------------------------


def task_events():
    """AWS writes TaskScheduled with Region, parameters and timeout, then TaskStarted, and splits a resource into type and action
    (`lambda`, `invoke`). A task that takes too long is TaskTimedOut, without a cause. Recorded:
    test_fixed_timeout_service_lambda, test_raise_exception_catch, test_send_message.

    ministack writes the whole ARN, no parameters, no TaskStarted, and TaskFailed for every error."""

    def execute_task(plain, state, raw_input, execution, ctx):
        token = _task.set({"state": state, "execution": execution})
        try:
            return plain(state, raw_input, execution, ctx)
        finally:
            _task.reset(token)

    def invoke(plain, resource, parameters, *more):
        task = _task.get()
        if task and task.pop("is_scheduled", False):
            scheduled = {"parameters": compact(parameters), "region": sfn.get_region(),
                         "timeoutInSeconds": task["state"].get("TimeoutSeconds")}
            sfn._add_event(task["execution"], "TaskScheduled", {"taskScheduledEventDetails": scheduled})
            sfn._add_event(task["execution"], "TaskStarted", {"taskStartedEventDetails": {}})
        return plain(resource, parameters, *more)

    def invoke_with_timeout(plain, *arguments):
        try:
            return invoke(plain, *arguments)
        except sfn._ExecutionError as error:
            raise sfn._ExecutionError(error.error, "") if error.error == "States.Timeout" else error

    replace(sfn, "_execute_task", execute_task)
    replace(sfn, "_invoke_resource", invoke)
    replace(sfn, "_invoke_resource_with_timeout", invoke_with_timeout)
    replace(sfn, "_invoke_with_callback", invoke)


def as_task_event(event_type: str, details: dict) -> tuple:
    """Returns the name and the details that an event of a task has on AWS. An event without details is written later."""
    task = _task.get()
    if not task or event_type not in ("TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskFailed"):
        return event_type, details
    fields = details[details_key(event_type)]
    if event_type == "TaskScheduled" and "parameters" not in fields:
        task["is_scheduled"] = True
        return event_type, None
    if fields.get("error") == "States.Timeout":
        event_type = "TaskTimedOut"
    kind, _, action = task["state"]["Resource"].rpartition(":::")[2].rpartition(":")
    return event_type, {details_key(event_type): fields | {"resourceType": kind, "resource": action}}


# --- Maps ------------------------------------------------------------------------------------------------------------


def run_states(states: dict, start_at: str, data, execution: dict, ctx: dict):
    """Runs the states of an iteration, a branch or a child execution, with their events, and returns the output."""
    name, data = start_at, copy.deepcopy(data)
    while name:
        if name not in states:
            raise sfn._ExecutionError("States.Runtime", f"State '{name}' not found")
        state, kind, this = states[name], states[name].get("Type"), name
        ctx["State"] = {"Name": name, "EnteredTime": sfn.now_iso(), "RetryCount": 0}
        sfn._add_event(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": {"name": name, "input": compact(data)}})
        data, name = run_state(state, kind, data, execution, ctx)
        sfn._add_event(execution, f"{kind}StateExited", {"stateExitedEventDetails": {"name": this, "output": compact(data)}})
    return data


def run_state(state: dict, kind: str, data, execution: dict, ctx: dict) -> tuple:
    """Returns the output of a state and the name of the next one."""
    if kind == "Succeed":
        return sfn._apply_output_path(state, sfn._apply_input_path(state, data, ctx), ctx), None
    if kind == "Fail":
        raise sfn._ExecutionError(*sfn._fail_state_error(state, data, ctx))
    if kind in ("Pass", "Choice", "Wait"):
        return getattr(sfn, f"_execute_{kind.lower()}")(state, data, ctx)
    if kind in ("Task", "Map", "Parallel"):
        return getattr(sfn, f"_execute_{kind.lower()}")(state, data, execution, ctx)
    raise sfn._ExecutionError("States.Runtime", f"Unknown state type: {kind}")


class Iterations:
    """The iterations of one attempt at an inline Map. The first one that fails ends the others."""

    def __init__(self, name: str, at_once: int):
        self.name, self.at_once, self.outer = name, at_once, _scope.get()
        self.started = self.last = _last_event.get()
        self.failed_after: int | None = None
        self.last_by_thread: dict[int, int] = {}

    def run(self, states, start_at, data, execution, ctx):
        index, thread = ctx["Map"]["Item"]["Index"], threading.get_ident()
        _scope.set(self)
        # An iteration that had to wait follows the one that made room for it.
        _last_event.set(self.started if index < self.at_once else self.last_by_thread.get(thread, self.started))
        self.add_event(execution, "Started", index)
        try:
            output = run_states(states, start_at, data, execution, ctx)
        except (Ended, sfn._ExecutionError) as error:
            self.fail(execution, index, error)
            raise
        self.last_by_thread[thread] = _last_event.get()
        self.last = self.add_event(execution, "Succeeded", index)["id"]
        return output

    def fail(self, execution, index, error) -> None:
        with _lock:
            is_first = self.failed_after is None and not isinstance(error, Ended)
            if is_first:
                self.failed_after = _last_event.get()
        _scope.set(self.outer)
        _last_event.set(self.failed_after or self.started)
        self.add_event(execution, "Failed" if is_first else "Aborted", index)
        if not is_first:
            raise Ended

    def add_event(self, execution, outcome, index):
        name = f"MapIteration{outcome}"
        return sfn._add_event(execution, name, {details_key(name): {"name": self.name, "index": index}})


def map_events():
    """AWS writes the events of a Map, of its iterations and of the states within them, and ends the other iterations when one
    fails. Recorded: test_map_state_catch, test_map_state_retry, test_map_state_break_condition, test_service_lambda_map_timeout,
    test_map_item_reader_base_json.

    ministack writes only the entry and the exit of the Map, and runs the other iterations to their end."""

    def execute_map(plain, state, raw_input, execution, ctx):
        def attempts():
            try:
                return plain(state | {"Catch": []}, raw_input, execution, ctx)
            except sfn._ExecutionError:
                sfn._add_event(execution, "MapStateFailed")
                raise

        return sfn._with_retry_and_catch(state | {"Retry": []}, raw_input, ctx, attempts)

    def run_map_items(plain, state, raw_input, execution, ctx):
        length = count_items(state, raw_input, ctx)
        sfn._add_event(execution, "MapStateStarted", {"mapStateStartedEventDetails": {"length": length}})
        limit = state.get("MaxConcurrency") or length or 1
        iterations = Iterations(ctx["State"]["Name"], limit if isinstance(limit, int) else length)
        token = _iterations.set(iterations)
        try:
            result = plain(state, raw_input, execution, ctx)
        except sfn._ExecutionError:
            _last_event.set(iterations.failed_after or _last_event.get())
            raise
        finally:
            _iterations.reset(token)
        _last_event.set(max(iterations.last, _last_event.get()))
        sfn._add_event(execution, "MapStateSucceeded")
        return result

    def run_sub_machine(_plain, states, start_at, data, execution, ctx):
        iterations = _iterations.get()
        _iterations.set(None)
        run = iterations.run if iterations else run_states
        return run(states, start_at, data, execution, ctx)

    replace(sfn, "_execute_map", execute_map)
    replace(sfn, "_run_map_items", run_map_items)
    replace(sfn, "_run_sub_machine", run_sub_machine)


def count_items(state: dict, raw_input, ctx: dict) -> int:
    """Returns the length that MapStateStarted has on AWS: 0 if the items are read from S3."""
    if state.get("ItemReader"):
        return 0
    if "Items" in state:
        items = sfn._jsonata_state_field(state, "Items", "array", raw_input, ctx)
    else:
        items = sfn._resolve_path_or_ctx(state.get("ItemsPath", "$"), sfn._apply_input_path(state, raw_input, ctx), ctx)
    return len(items) if isinstance(items, list) else 1


def inline_concurrency():
    """AWS runs at most 40 iterations of an inline Map at once. Documented: state-map-inline.

    ministack runs MaxConcurrency iterations at once, or all."""

    def run_map_items(plain, state, *more):
        processor = state.get("ItemProcessor") or state.get("Iterator") or {}
        limit = state.get("MaxConcurrency") or MAX_INLINE_ITERATIONS
        if (processor.get("ProcessorConfig") or {}).get("Mode") != "DISTRIBUTED" and not isinstance(limit, str):
            state = state | {"MaxConcurrency": min(limit, MAX_INLINE_ITERATIONS)}
        return plain(state, *more)

    replace(sfn, "_run_map_items", run_map_items)


# --- Map Runs --------------------------------------------------------------------------------------------------------


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
        _map_runs[self.arn] = self

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
            _map_runs.pop(self.arn)
        if self.record["status"] == "FAILED":
            raise sfn._ExecutionError("States.ExceedToleratedFailureThreshold",
                                      "The specified tolerated failure threshold was exceeded")
        if self.record["status"] == "ABORTED":
            raise Ended
        self.stop("SUCCEEDED")
        return result

    def stop(self, status: str) -> None:
        """Gives the Map Run its last status and ends the children that still run."""
        with _lock:
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
        scope = _scope.get()
        enter_new_history()
        _scope.set(scope)
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
        with _lock:
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
        with _lock:
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


# --- Scheduler -------------------------------------------------------------------------------------------------------


def schedules():
    """EventBridge Scheduler replaces context attributes such as `<aws.scheduler.scheduled-time>` in the input of a target, and evaluates at()
    and cron() in the time zone of the schedule. It skips a local time that does not exist. Documented:
    managing-schedule-context-attributes, schedule-types.

    ministack does not change the input and evaluates every expression in UTC."""

    def tick_schedules(_plain):
        account, region = scheduler.get_account_id(), scheduler.get_region()
        try:
            for key, schedule in list(scheduler._schedules._data.items()):
                scheduler.set_request_account_id(key[0])
                scheduler.set_request_region(key[1])
                try:
                    tick(key, schedule, time.time())
                except Exception:
                    scheduler.logger.exception("Schedule %s failed", key[2])
        finally:
            scheduler.set_request_account_id(account)
            scheduler.set_request_region(region)

    replace(scheduler, "_tick_schedules", tick_schedules)


def tick(key: tuple, schedule: dict, now: float) -> None:
    """Invokes the target of a schedule that is due, and deletes a schedule that has ended if its ActionAfterCompletion says so."""
    start, end_date = (scheduler._to_epoch(schedule.get(name)) for name in ("StartDate", "EndDate"))
    is_over = end_date is not None and now > end_date
    if schedule.get("State") == "ENABLED" and not is_over and (start is None or now >= start):
        is_once = schedule["ScheduleExpression"].strip().startswith("at(")
        scheduled = next_time(key, schedule, now)
        if scheduled is not None and scheduled <= now:
            scheduler._schedule_last_fired[key] = now
            invoke_target(schedule, scheduled, key)
            is_over = is_once
    if is_over and schedule.get("State") == "ENABLED" and schedule.get("ActionAfterCompletion") == "DELETE":
        scheduler._schedules._data.pop(key, None)
        scheduler._schedule_last_fired.pop(key, None)


def next_time(key: tuple, schedule: dict, now: float) -> float | None:
    """Returns the time at which a schedule is due next, which may have passed."""
    expression = schedule["ScheduleExpression"].strip()
    zone = ZoneInfo(schedule.get("ScheduleExpressionTimezone") or "UTC")
    fired = scheduler._schedule_last_fired
    if expression.startswith("at("):
        return None if key in fired else datetime.fromisoformat(expression[3:-1].strip()).replace(tzinfo=zone).timestamp()
    interval = eventbridge._parse_rate_seconds(expression)
    if interval is not None:
        return fired.setdefault(key, schedule.get("CreationDate", now)) + interval
    fields = eventbridge._parse_cron_fields(expression)
    due = datetime.fromtimestamp(fired.setdefault(key, now), zone)
    while fields and (due := eventbridge._cron_next_fire(fields, due)):
        if datetime.fromtimestamp(due.timestamp(), zone).replace(tzinfo=None) == due.replace(tzinfo=None):
            return due.timestamp()
    return None


def invoke_target(schedule: dict, scheduled: float, key: tuple) -> None:
    target, attributes = dict(schedule.get("Target") or {}), {
        "scheduled-time": datetime.fromtimestamp(scheduled, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "schedule-arn": schedule.get("Arn", ""), "execution-id": sfn.new_uuid(), "attempt-number": "1"}
    for name, value in attributes.items():
        if target.get("Input"):
            target["Input"] = target["Input"].replace(f"<aws.scheduler.{name}>", value)
    event = {"EventId": sfn.new_uuid(), "Source": "aws.scheduler", "DetailType": "Scheduled Event", "Detail": "{}",
             "Time": scheduled, "Resources": [schedule.get("Arn", "")], "Account": key[0], "Region": key[1]}
    eventbridge._invoke_target(target, event, schedule)


# --- CloudFormation --------------------------------------------------------------------------------------------------


def nested_stack_updates():
    """CloudFormation keeps the attributes of a resource that an update of its nested stack does not change, so Fn::GetAtt and the
    stack's outputs still resolve. Documented: using-cfn-nested-stacks.

    ministack passes the attributes on for the resources of a stack, but not for those of a nested stack."""

    def update_resource(plain, kind, physical_id, old, new, stack_name, logical_id=None, old_attributes=None):
        before = old_attributes or _stacks.get(stack_name, {}).get("_resources", {}).get(logical_id, {}).get("Attributes") or {}
        new_id, attributes = plain(kind, physical_id, old, new, stack_name, logical_id, before)
        return new_id, before | (attributes or {}) if new_id == physical_id else attributes

    replace(provisioners, "_update_resource", update_resource)


def nested_stack_transforms():
    """CloudFormation applies AWS::LanguageExtensions to the template of a nested stack as well. Documented: API_CreateStack
    (CAPABILITY_AUTO_EXPAND covers nested stacks with macros).

    ministack only applies it to the template of a request, and treats a loop in a nested stack as a resource."""

    def parse_template(plain, text):
        template = plain(text)
        if template.get("Transform") != language_extensions.TRANSFORM:
            return template
        return engine._without_transform(language_extensions.apply(template, {}), language_extensions.TRANSFORM)

    # The request handler has its own reference to the parser.
    replace(engine, "_parse_template", parse_template)


def stack_descriptions():
    """A stack has the description of its template. Documented: API_Stack.

    ministack leaves it empty if a change set creates the stack."""

    def deploy(plain, name, stack_id, template, *arguments, **named):
        _stacks[name]["Description"] = template.get("Description", "")
        return plain(name, stack_id, template, *arguments, **named)

    replace(changesets, "_deploy_stack_async", deploy)


ADDITIONS = [history_events, execution_endings, payload_limits, error_names, task_events, map_events, inline_concurrency,
             map_runs, schedules, nested_stack_updates, nested_stack_transforms, stack_descriptions]


def apply() -> None:
    """Applies every addition. A second call does nothing."""
    if not _replaced:
        for addition in ADDITIONS:
            addition()


def remove() -> None:
    """Restores the original ministack, for tests that compare the two."""
    while _replaced:
        setattr(*_replaced.pop())


if __name__ == "__main__":
    apply()
    from ministack.app import main

    main()
