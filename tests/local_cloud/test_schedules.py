"""Schedules: the attributes of their input and their time zone."""

from datetime import datetime, timezone

from harness import LocalCloudTest, plain_ministack
from ministack.services import eventbridge, scheduler

KEY = ("000000000000", "us-east-1", "default/night")
INPUT = ("<aws.scheduler.scheduled-time> <aws.scheduler.schedule-arn> <aws.scheduler.attempt-number> "
         "<aws.scheduler.execution-id>")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()


class Schedules(LocalCloudTest):
    def setUp(self):
        super().setUp()
        scheduler.reset()
        scheduler._schedule_last_fired.clear()
        self.inputs = []
        self.patch(eventbridge, "_invoke_target", lambda target, event, schedule: self.inputs.append(target["Input"]))

    def create(self, expression: str, zone: str = "UTC", **more) -> None:
        body = {"ScheduleExpression": expression, "ScheduleExpressionTimezone": zone, "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {"Arn": "arn:aws:states:us-east-1:000000000000:stateMachine:m", "RoleArn": "r", "Input": INPUT}} | more
        scheduler._create_schedule("night", body)
        self.assertIn(KEY, scheduler._schedules._data)

    def tick(self, now: str) -> None:
        self.patch(scheduler.time, "time", lambda: at(now))
        scheduler._tick_schedules()

    def scheduled_times(self) -> list:
        return [text.split()[0] for text in self.inputs]

    def test_attributes_are_filled_in_with_the_time_that_was_due(self):
        self.create("cron(30 2 * * ? *)")
        self.tick("2026-03-01T00:00:00")
        self.tick("2026-03-01T02:29:59")
        self.assertEqual(self.inputs, [])
        self.tick("2026-03-01T02:30:07")
        time, arn, attempt, execution = self.inputs[0].split()
        self.assertEqual((time, attempt), ("2026-03-01T02:30:00Z", "1"))
        self.assertEqual(arn, "arn:aws:scheduler:us-east-1:000000000000:schedule/default/night")
        self.assertRegex(execution, r"^[0-9a-f-]+$")
        self.tick("2026-03-01T02:30:17")
        self.assertEqual(len(self.inputs), 1)

    def test_cron_is_read_in_the_time_zone_and_skips_a_time_that_does_not_exist(self):
        self.create("cron(30 2 * * ? *)", "Europe/Berlin")
        self.tick("2026-03-27T12:00:00")
        self.tick("2026-03-28T01:30:05")
        self.tick("2026-03-29T02:00:00")
        self.tick("2026-03-30T00:30:05")
        self.assertEqual(self.scheduled_times(), ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"])

    def test_a_one_time_schedule_is_invoked_once_and_deleted_if_it_asks_for_that(self):
        self.create("at(2026-03-01T03:00:00)", "Europe/Berlin", ActionAfterCompletion="DELETE")
        self.tick("2026-03-01T01:59:59")
        self.assertEqual(self.inputs, [])
        self.tick("2026-03-01T02:00:09")
        self.assertEqual(self.scheduled_times(), ["2026-03-01T02:00:00Z"])
        self.assertNotIn(KEY, scheduler._schedules._data)

    def test_a_rate_is_counted_from_the_creation(self):
        self.create("rate(1 hour)")
        scheduler._schedules._data[KEY]["CreationDate"] = at("2026-03-01T00:00:00")
        self.tick("2026-03-01T00:59:59")
        self.tick("2026-03-01T01:00:03")
        self.assertEqual(self.scheduled_times(), ["2026-03-01T01:00:00Z"])

    def test_disabled_and_ended_schedules_are_not_invoked(self):
        self.create("rate(1 minute)", State="DISABLED")
        self.tick("2036-03-01T00:00:00")
        scheduler._schedules._data[KEY] |= {"State": "ENABLED", "EndDate": at("2030-01-01T00:00:00")}
        self.tick("2036-03-01T00:00:00")
        self.assertEqual(self.inputs, [])

    def test_ministack_lacks_the_attributes_and_the_time_zone(self):
        with plain_ministack():
            self.create("cron(30 2 * * ? *)", "Europe/Berlin")
            self.tick("2026-03-28T00:00:00")
            self.tick("2026-03-28T01:30:05")
            in_zone = bool(self.inputs)
            self.tick("2026-03-28T02:30:05")
        self.assert_lacks(in_zone, "reads the time zone of a schedule", "schedules")
        self.assert_lacks("<aws.scheduler" not in self.inputs[0], "fills in the attributes of a schedule", "schedules")
