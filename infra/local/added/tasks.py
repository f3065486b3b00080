"""Events of tasks."""

from added.core import TASK, compact, replace
from added.endings import details_key

from ministack.services import stepfunctions as sfn


def task_events():
    """AWS writes TaskScheduled with Region, parameters and timeout, then TaskStarted, and splits a resource into type and action
    (`lambda`, `invoke`). A task that takes too long is TaskTimedOut, without a cause. Recorded:
    test_fixed_timeout_service_lambda, test_raise_exception_catch, test_send_message.

    ministack writes the whole ARN, no parameters, no TaskStarted, and TaskFailed for every error."""

    def execute_task(plain, state, raw_input, execution, ctx):
        token = TASK.set({"state": state, "execution": execution})
        try:
            return plain(state, raw_input, execution, ctx)
        finally:
            TASK.reset(token)

    def invoke(plain, resource, parameters, *more):
        task = TASK.get()
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
    task = TASK.get()
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
