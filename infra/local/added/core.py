"""Parts that the additions share."""

import functools
import importlib.metadata
import json
import sys
import threading
from contextvars import ContextVar

MADE_FOR = "1.5.33"
MAX_PAYLOAD_BYTES = 262_144
MAX_EVENTS = 25_000
MAX_INLINE_ITERATIONS = 40
MAX_CHILDREN_WITHOUT_LIMIT = 64

if importlib.metadata.version("ministack") != MADE_FOR:
    sys.exit(f"infra/local/added is made for ministack {MADE_FOR}, but {importlib.metadata.version('ministack')} is "
             f"installed. Install {MADE_FOR}, or set MADE_FOR to the new version and run the tests in tests/local_cloud.")

from ministack.services import stepfunctions as sfn  # noqa: E402

ENDING_EVENTS = {"SUCCEEDED": "ExecutionSucceeded", "FAILED": "ExecutionFailed", "TIMED_OUT": "ExecutionTimedOut",
                 "ABORTED": "ExecutionAborted"}
# AWS does not count these as the event before the next one.
SIDE_EVENTS = {"MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted", "MapStateSucceeded", "ExecutionStarted",
               *ENDING_EVENTS.values()}
COUNT_NAMES = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timedOut", "ABORTED": "aborted"}

LOCK = threading.RLock()
REPLACED: list[tuple] = []
MAP_RUNS: dict[str, "MapRun"] = {}
# Each iteration, branch and child execution runs in its own context, so these are local to it.
LAST_EVENT: ContextVar[int] = ContextVar("last_event", default=0)
TASK: ContextVar[dict | None] = ContextVar("task", default=None)
ITERATIONS: ContextVar["Iterations | None"] = ContextVar("iterations", default=None)
SCOPE: ContextVar["Iterations | None"] = ContextVar("scope", default=None)


class Ended(SystemExit):
    """Ends the thread of an execution or an iteration that has been stopped. No Catch or `except Exception` sees it."""


def replace(module, name: str, function) -> None:
    """Replaces a function of ministack with one that takes the replaced function as its first argument."""
    plain = getattr(module, name)
    REPLACED.append((module, name, plain))
    setattr(module, name, functools.partial(function, plain))


def is_too_large(text: str) -> bool:
    """Returns whether a JSON text, as compact UTF-8, has more bytes than AWS allows. An escaped text is never shorter."""
    return len(text) > MAX_PAYLOAD_BYTES and len(compact(json.loads(text)).encode()) > MAX_PAYLOAD_BYTES


def compact(value) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def data_limit_exceeded(name: str, what: str) -> Exception:
    return sfn._ExecutionError("States.DataLimitExceeded", f"The state/task '{name}' {what} with a size exceeding the maximum "
                                                           "number of bytes service limit.")
