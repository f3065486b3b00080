"""Maps in their own execution."""

import copy
import threading

from added.core import Ended, MAX_INLINE_ITERATIONS, ITERATIONS, LAST_EVENT, LOCK, SCOPE, compact, replace
from added.endings import details_key

from ministack.services import stepfunctions as sfn


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
        self.name, self.at_once, self.outer = name, at_once, SCOPE.get()
        self.started = self.last = LAST_EVENT.get()
        self.failed_after: int | None = None
        self.last_by_thread: dict[int, int] = {}

    def run(self, states, start_at, data, execution, ctx):
        index, thread = ctx["Map"]["Item"]["Index"], threading.get_ident()
        SCOPE.set(self)
        # An iteration that had to wait follows the one that made room for it.
        LAST_EVENT.set(self.started if index < self.at_once else self.last_by_thread.get(thread, self.started))
        self.add_event(execution, "Started", index)
        try:
            output = run_states(states, start_at, data, execution, ctx)
        except (Ended, sfn._ExecutionError) as error:
            self.fail(execution, index, error)
            raise
        self.last_by_thread[thread] = LAST_EVENT.get()
        self.last = self.add_event(execution, "Succeeded", index)["id"]
        return output

    def fail(self, execution, index, error) -> None:
        with LOCK:
            is_first = self.failed_after is None and not isinstance(error, Ended)
            if is_first:
                self.failed_after = LAST_EVENT.get()
        SCOPE.set(self.outer)
        LAST_EVENT.set(self.failed_after or self.started)
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
        token = ITERATIONS.set(iterations)
        try:
            result = plain(state, raw_input, execution, ctx)
        except sfn._ExecutionError:
            LAST_EVENT.set(iterations.failed_after or LAST_EVENT.get())
            raise
        finally:
            ITERATIONS.reset(token)
        LAST_EVENT.set(max(iterations.last, LAST_EVENT.get()))
        sfn._add_event(execution, "MapStateSucceeded")
        return result

    def run_sub_machine(_plain, states, start_at, data, execution, ctx):
        iterations = ITERATIONS.get()
        ITERATIONS.set(None)
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
