"""Makes the same calls as the tutorial's function that creates snapshots. It is the baseline of `make bench`, and is not deployed."""

import os
from datetime import datetime

import boto3


def handler(event, context):
    today = datetime.today()
    regions = os.getenv("REGIONS", "").split(",")
    created = 0
    for region in boto3.client("ec2").describe_regions(RegionNames=regions)["Regions"]:
        name = region["RegionName"]
        ec2 = boto3.client("ec2", region_name=name)
        volumes = ec2.describe_volumes(Filters=[{"Name": "status", "Values": ["in-use"]}])["Volumes"]
        for volume in volumes:
            for interval in due(today):
                snapshot(ec2, name, volume, interval)
                created += 1
    return created


def due(today):
    yield "Daily"
    if today.day == 1 and today.month % 4 == 0:
        yield "Quarterly"
    if today.day == 31 and today.month == 12:
        yield "Annual"


def snapshot(ec2, region, volume, interval):
    tags = {"Name": volume["VolumeId"], "Description": "Created by ebs-snapshots-create"}
    tags |= {tag["Key"]: tag["Value"] for tag in volume.get("Tags", []) if tag["Key"] in tags}
    made = ec2.create_snapshot(VolumeId=volume["VolumeId"], Description=tags["Description"])
    resource = boto3.resource("ec2", region_name=region).Snapshot(made["SnapshotId"])
    resource.create_tags(Tags=[{"Key": key, "Value": value} for key, value in (tags | {"Interval": interval}).items()])
