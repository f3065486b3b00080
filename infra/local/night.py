"""`make night`: runs one night on the local cloud that is up, follows it, and prints what it came to.

Exits 0 only if the night is complete: every volume protected, or in a dry run every step done.
"""

import json
import os
import re
import sys
import time
from datetime import date, datetime
from pathlib import Path

from up import BACKUP, Cloud, deploy, here
from deploy import Failed
from botocore.exceptions import BotoCoreError, ClientError

SECONDS_BETWEEN_LOOKS = 0.25


class Follower:
    """Prints a line for each step of an execution as it ends, and one for each Map Run as it moves."""

    def __init__(self, stepfunctions, execution: str):
        self.stepfunctions, self.execution = stepfunctions, execution
        self.seen, self.runs = 0, {}

    def follow(self) -> dict:
        """Returns the execution's description once it has ended."""
        while True:
            description = self.stepfunctions.describe_execution(executionArn=self.execution)
            self.show_events()
            if description["status"] != "RUNNING":
                return description
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def show_events(self) -> None:
        pages = self.stepfunctions.get_paginator("get_execution_history").paginate(executionArn=self.execution)
        events = [event for page in pages for event in page["events"]]
        for event in events[self.seen:]:
            details = event.get("stateExitedEventDetails", {})
            if details.get("name") == "BackUpRegions":
                self.show_map_runs()
            if line := told(details):
                say(event["timestamp"], details["name"], line)
        self.seen = len(events)
        self.show_map_runs()

    def show_map_runs(self) -> None:
        for run in self.stepfunctions.list_map_runs(executionArn=self.execution)["mapRuns"]:
            arn = run["mapRunArn"]
            counts = self.stepfunctions.describe_map_run(mapRunArn=arn)["executionCounts"]
            failed = counts["failed"] + counts["timedOut"] + counts["aborted"]
            line = f"{counts['succeeded'] + failed} of {counts['total']} done" + (f", {failed} failed" if failed else "")
            if self.runs.get(arn) != line:
                self.runs[arn] = line
                say(datetime.now(), arn.split("/")[1].split(":")[0], line)


def told(details: dict) -> str | None:
    """What a state that ended has to say; nothing for those whose ending is no news."""
    output = json.loads(details.get("output") or "{}")
    if "failure" in output:
        return f"failed: {output['failure'].get('Error')}"
    match details.get("name"):
        case "DiscoverRegions":
            return "; ".join(discovered(region) for region in output["regions"])
        case "BackUpRegions":
            return "; ".join(expired(region) for region in output["regions"])
        case "ReportNight":
            return output["summary"].split("; report:")[0]
        case "NotifyFailure":
            return f"mailed: {output['mail']['subject']}"
    return None


def discovered(region: dict) -> str:
    if "failure" in region:
        return f"{region['region']}: failed"
    return f"{region['region']}: {region['workList']['count']} to snapshot, {region['protected']['count']} protected already"


def expired(region: dict) -> str:
    if "expiry" not in region:
        return f"{region['region']}: stopped by a failure"
    return f"{region['region']}: {plural(region['expiry']['expired']['count'], 'snapshot')} expired"


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def say(when: datetime, step: str, line: str) -> None:
    print(f"  {when.astimezone():%H:%M:%S}  {step:<16} {line}", flush=True)


def start_input() -> dict:
    """The night's input, from NIGHT and DRY_RUN."""
    asked = {}
    if night := os.environ.get("NIGHT"):
        try:
            if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", night):
                raise ValueError
            asked["time"] = f"{date.fromisoformat(night)}T04:30:00Z"
        except ValueError:
            raise Failed(f"NIGHT={night} is not a date such as 2026-12-31") from None
    if os.environ.get("DRY_RUN") not in (None, "", "0"):
        asked["dryRun"] = True
    return asked


def run(cloud: Cloud) -> bool:
    env = cloud.env()
    asked = start_input()
    stepfunctions = deploy.client("stepfunctions", env)
    machine = deploy.outputs(BACKUP, env)["StateMachineArn"]
    execution = stepfunctions.start_execution(stateMachineArn=machine, input=json.dumps(asked))["executionArn"]
    print(f"Night with input {json.dumps(asked)}, execution {execution.rsplit(':', 1)[1]}")
    ended = Follower(stepfunctions, execution).follow()
    where = re.search(r"s3://([^/]+)/(\S+report\.json)", ended.get("cause", "") + ended.get("output", ""))
    if not where:
        raise Failed(f"the night ended {ended['status']} without a report: {ended.get('error')}: {ended.get('cause')}")
    report = json.load(deploy.client("s3", env).get_object(Bucket=where[1], Key=where[2])["Body"])
    written = cloud.directory / "report.json"
    written.write_text(json.dumps(report, indent=2) + "\n")
    show(report, server_names(env, [region["region"] for region in report["regions"]]))
    shown = written.relative_to(Path.cwd()) if written.is_relative_to(Path.cwd()) else written
    print(f"\nThe whole report: {shown}")
    return report["complete"]


def server_names(env: dict, regions: list[str]) -> dict:
    """Each server's `Name` tag by its instance id; none for a Region whose EC2 does not answer, for the report comes first."""
    names = {}
    for region in regions:
        ec2 = deploy.client("ec2", env | {"AWS_ENDPOINT_URL": env["AWS_ENDPOINT_URL_EC2"], "AWS_REGION": region})
        try:
            reservations = [one for page in ec2.get_paginator("describe_instances").paginate() for one in page["Reservations"]]
        except (BotoCoreError, ClientError):
            continue
        for instance in (one for reservation in reservations for one in reservation["Instances"]):
            tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
            names[instance["InstanceId"]] = tags.get("Name") or instance["InstanceId"]
    return names


def show(report: dict, servers: dict) -> None:
    kind = "dry run, nothing was changed" if report["dryRun"] else "complete" if report["complete"] else "NOT COMPLETE"
    print(f"\nNight {report['night']} ({report['intervals']}) of {report['backupStack']}: {kind}")
    for region in report["regions"]:
        show_region(region, servers, report["dryRun"])
    if mail := report["mail"]:
        print(f"\nMailed:\n  Subject: {mail['subject']}\n")
        print("".join(f"  {line}\n" for line in mail["message"].splitlines()), end="")
    else:
        print("\nNo mail: " + ("a dry run sends none." if report["dryRun"] else "there is nothing to tell."))
    print(f"On AWS such a night costs ${report['estimate']['dollars']:.4f}, the storage of its snapshots excepted.")


def show_region(region: dict, servers: dict, dry_run: bool) -> None:
    print(f"\n{region['region']}")

    def volume(one: dict) -> str:
        of = ", ".join(servers.get(instance, instance) for instance in one["instances"])
        return f"  {one['volumeId']}  {of:<16}  "

    for one in region["protected"]:
        made = "made now" if one["created"] else "made before"
        print(volume(one) + f"protected by {one['snapshotId']} ({one['state']}, {made})")
    for one in region["planned"]:
        print(volume(one) + "would be snapshotted")
    for one in region["unprotected"]:
        print(volume(one) + f"NOT PROTECTED: {one['reason']}")
    deleted = "would be deleted" if dry_run else "deleted"
    for one in region["expired"]:
        why = "EBS failed it" if one.get("failed") else "expired"
        print(f"  {one['snapshotId']}  {one['interval']} of {one['night']}, {why}: {deleted}")
    for one in region["kept"]:
        print(f"  {one['snapshotId']}  {one['interval']} of {one['night']}, expired, but EC2 still lists it: an AMI may use it")
    for one in region["unreadable"]:
        print(f"  {one['snapshotId']}  kept, its tags cannot be read: {one['problem']}")
    for one in region["failures"]:
        print(f"  {one['step']} failed{' for ' + one['subject'] if one['subject'] else ''}: {one['error']}: {one['message']}")
    before = region["protected"] and not any(one["created"] for one in region["protected"])
    if before and not dry_run and not region["unprotected"]:
        print("  Nothing was created: every volume had tonight's snapshot already.")


if __name__ == "__main__":
    try:
        sys.exit(0 if run(here()) else 1)
    except (Failed, BotoCoreError, ClientError, OSError) as problem:
        sys.exit(f"night: {problem}")
    except KeyboardInterrupt:
        sys.exit("night: no longer followed; the night goes on without you")
