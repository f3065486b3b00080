"""Events of execution histories."""

from added.core import ENDING_EVENTS, Ended, MAX_EVENTS, SIDE_EVENTS, LAST_EVENT, LOCK, SCOPE, replace
from added.endings import end
from added.payloads import refuse_large_payload
from added.tasks import as_task_event

from ministack.services import stepfunctions as sfn


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
        with LOCK:
            if not is_ending:
                raise_if_ended(execution)
            events = execution["events"]
            if is_ending or len(events) < MAX_EVENTS - 1:
                event = {"id": len(events) + 1, "previousEventId": 0 if event_type in ("ExecutionAborted", "ExecutionTimedOut")
                         else LAST_EVENT.get(), "type": event_type, "timestamp": sfn.now_iso()}
                events.append(event | {key: complete(value) for key, value in details.items()})
                if event_type not in SIDE_EVENTS:
                    LAST_EVENT.set(event["id"])
                return event
        end(execution, "FAILED", "States.Runtime", f"The execution reached the maximum number of history events ({MAX_EVENTS}).")
        raise Ended

    replace(sfn, "_add_event", add_event)


def raise_if_ended(execution: dict) -> None:
    scope = SCOPE.get()
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
