"""EventBridge Scheduler."""

import time
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from added.core import replace

from ministack.services import stepfunctions as sfn
from ministack.services import eventbridge, scheduler


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
