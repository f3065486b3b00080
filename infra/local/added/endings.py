"""Endings of executions."""

import json
import threading
from contextvars import copy_context

from added.core import ENDING_EVENTS, Ended, ITERATIONS, LAST_EVENT, LOCK, MAP_RUNS, SCOPE, TASK, replace

from ministack.services import stepfunctions as sfn


def end(execution: dict, status: str, error=None, cause=None, output=None) -> None:
    """Ends a running execution and everything that it started. Does nothing if the execution has ended already."""
    with LOCK:
        if execution["status"] != "RUNNING":
            return
        execution.update(status=status, stopDate=sfn.now_iso(), error=error, cause=cause, output=output)
        name = ENDING_EVENTS[status]
        sfn._add_event(execution, name, {details_key(name): {"error": error, "cause": cause, "output": output}})
    for run in [run for run in list(MAP_RUNS.values()) if run.execution is execution]:
        run.stop("ABORTED")
    if execution.get("mapRunArn") in MAP_RUNS:
        MAP_RUNS[execution["mapRunArn"]].count_ended(execution)
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
    for variable in (TASK, ITERATIONS, SCOPE):
        variable.set(None)
    LAST_EVENT.set(0)
