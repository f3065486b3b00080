"""Starts ministack with the AWS behaviour that it lacks.

Run this file instead of the `ministack` command. Each addition is one function of `ADDITIONS`. Its docstring describes the behaviour of
AWS, its source, and the behaviour of ministack. "Recorded" means a recording of real AWS in localstack/localstack,
`tests/aws/services/stepfunctions/v2/**/*.snapshot.json`, named by its test. Each addition has a test in tests/local_cloud that fails once
ministack does the same itself. Then delete the addition.
"""

from added.core import REPLACED
from added.endings import execution_endings
from added.histories import history_events
from added.map_runs import map_runs
from added.maps import inline_concurrency, map_events
from added.payloads import error_names, payload_limits
from added.schedules import schedules
from added.stacks import condition_functions, nested_stack_transforms, nested_stack_updates, stack_descriptions
from added.tasks import task_events

ADDITIONS = [history_events, execution_endings, payload_limits, error_names, task_events, map_events, inline_concurrency,
             map_runs, schedules, nested_stack_updates, nested_stack_transforms, stack_descriptions, condition_functions]


def apply() -> None:
    """Applies every addition. A second call does nothing."""
    if not REPLACED:
        for addition in ADDITIONS:
            addition()


def remove() -> None:
    """Restores the original ministack, for tests that compare the two."""
    while REPLACED:
        setattr(*REPLACED.pop())


if __name__ == "__main__":
    apply()
    from ministack.app import main

    main()
