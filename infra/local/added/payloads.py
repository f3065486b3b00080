"""Limits of payloads, and names of errors."""

from added.core import MAX_PAYLOAD_BYTES, data_limit_exceeded, is_too_large, replace

from ministack.services import stepfunctions as sfn


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
