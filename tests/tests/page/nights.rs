//! The runs whose pages are tested.

use report::night::Report;
use serde_json::{Value, json};

/// Server names that attack the page.
pub const HOSTILE: [&str; 4] = [
    "<script>window.ran = true</script>",
    "\"><img src=x onerror=\"window.ran = true\">",
    "</td></table><style>body { display: none }</style>",
    "\u{202e}gnp.exe \u{0}\u{7}\n</title></pre></svg>",
];

/// Returns a complete run of two Regions.
pub fn complete() -> Value {
    let expired = [
        ("snap-0b8f5a2c9d41e7763", "vol-0a3be84c3a1d99701"),
        ("snap-0d17c4e6a9b2f8850", "vol-04c7cf20d9a8f6b12"),
        ("snap-02f6b9d8c7e5a4431", "vol-0e63bd0f4c2a7d955"),
    ];
    let expired = expired
        .map(|(id, volume)| json!({"snapshotId": id, "volumeId": volume, "night": "2026-12-24", "interval": "Daily"}));
    night(json!([
        region(
            "eu-central-1",
            &[
                (
                    "protected",
                    json!([
                        protected(
                            "vol-0a3be84c3a1d99701",
                            "orders-database",
                            "i-0c1d8e52fa9b37460",
                            "snap-0f3a91c57be20d846"
                        ),
                        protected(
                            "vol-04c7cf20d9a8f6b12",
                            "orders-web",
                            "i-0c2f5a7be11d80943",
                            "snap-01d4c8be66a3f7290"
                        ),
                        protected(
                            "vol-0e63bd0f4c2a7d955",
                            "build-cache",
                            "i-0c39ab42e77f15d08",
                            "snap-0a77e2d51c9b84f06"
                        ),
                    ])
                ),
                ("expired", json!(expired))
            ]
        ),
        region(
            "us-east-1",
            &[(
                "protected",
                json!([
                    protected(
                        "vol-0632e8a20327a64cb",
                        "database-server",
                        "i-0d1c4f96b2387ea50",
                        "snap-0e3afe42d3a5a5073"
                    ),
                    protected("vol-0e3d8f1c1945d7d4b", "web-server", "i-0d2e7b1ac5f943d86", "snap-0f4c709d389491120"),
                ])
            )]
        ),
    ]))
}

/// Returns a dry run.
pub fn dry_run() -> Value {
    let mut night = night(json!([region(
        "us-east-1",
        &[
            ("planned", json!([named("vol-0632e8a20327a64cb", "database-server", "i-0d1c4f96b2387ea50")])),
            (
                "protected",
                json!([protected(
                    "vol-0e3d8f1c1945d7d4b",
                    "web-server",
                    "i-0d2e7b1ac5f943d86",
                    "snap-0f4c709d389491120"
                )])
            ),
            (
                "expired",
                json!([{"snapshotId": "snap-0b8f5a2c9d41e7763", "volumeId": "vol-0e3d8f1c1945d7d4b", "night": "2026-12-24", "interval": "Daily"}])
            ),
        ]
    )]));
    night["dryRun"] = json!(true);
    night
}

/// Returns a run with many failures, some of them on servers with long or hostile names.
pub fn incomplete() -> Value {
    let limit = "SnapshotLimitExceeded: CreateSnapshot: You have exceeded your quota of 100000 snapshots in this Region (RequestLimitExceeded)";
    let long = "an-unbroken-name-of-the-kind-that-generators-make-".repeat(4);
    let mut unprotected = vec![
        unprotected("vol-0a3be84c3a1d99701", "orders-database", limit),
        unprotected("vol-04c7cf20d9a8f6b12", &long, limit),
        unprotected("vol-0e63bd0f4c2a7d955", "build-cache", "UnauthorizedOperation: CreateSnapshot: You are not authorized to perform this operation. Encoded authorization failure message: ".repeat(3).as_str()),
    ];
    for (number, name) in HOSTILE.iter().enumerate() {
        unprotected.push(self::unprotected(&format!("vol-0bad{number}"), name, name));
    }
    let region_of_failures = region(
        "eu-central-1",
        &[
            ("unprotected", json!(unprotected)),
            (
                "protected",
                json!([protected(
                    "vol-0632e8a20327a64cb",
                    "database-server",
                    "i-0d1c4f96b2387ea50",
                    "snap-0e3afe42d3a5a5073"
                )]),
            ),
            (
                "failures",
                json!([
                    failure("SnapshotVolumes", Some("vol-0a3be84c3a1d99701"), "SnapshotLimitExceeded", limit),
                    failure("DeleteExpired", Some("snap-0b8f5a2c9d41e7763"), "Refused", HOSTILE[0]),
                ]),
            ),
            (
                "failedSnapshots",
                json!([{"snapshotId": "snap-0d17c4e6a9b2f8850", "volumeId": "vol-0632e8a20327a64cb", "night": "2026-12-30", "interval": "Daily"}]),
            ),
            (
                "stillListed",
                json!([{"snapshotId": "snap-02f6b9d8c7e5a4431", "volumeId": "vol-0632e8a20327a64cb", "night": "2026-12-24", "interval": "Daily"}]),
            ),
            (
                "unreadable",
                json!([{"snapshotId": "snap-0c0ffee", "problem": format!("Night: {:?} is not a date such as 2026-12-31", HOSTILE[1])}]),
            ),
        ],
    );
    let mut night = night(json!([
        region_of_failures,
        region(
            "us-east-1",
            &[(
                "failures",
                json!([failure("DiscoverVolumes", None, "Transient", "DescribeVolumes: the service is unavailable")])
            )]
        ),
    ]));
    night["complete"] = json!(false);
    let message = format!(
        "Night 2026-12-31 of nightly-backup: 7 of 8 volumes unprotected.\n\neu-central-1\n  vol-0bad0 ({})\n    {limit}\n",
        HOSTILE[0]
    );
    night["mail"] =
        json!({"subject": "[nightly-backup] Night 2026-12-31: 7 of 8 volumes unprotected", "message": message});
    night
}

/// Returns a run of 10,000 volumes, of which every thousandth is unprotected, and 10,000 expired snapshots.
pub fn large() -> Value {
    let (mut safe, mut not, mut expired) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..10_000 {
        let (volume, name) = (format!("vol-{number:017x}"), format!("worker-{number}"));
        if number % 1_000 == 0 {
            not.push(unprotected(&volume, &name, "Throttled: CreateSnapshot: RequestLimitExceeded"));
        } else {
            safe.push(protected(&volume, &name, &format!("i-{number:017x}"), &format!("snap-{number:017x}")));
        }
        expired.push(json!({"snapshotId": format!("snap-1{number:016x}"), "volumeId": volume, "night": "2026-12-24", "interval": "Daily"}));
    }
    let mut night = night(json!([region(
        "us-east-1",
        &[("protected", json!(safe)), ("unprotected", json!(not)), ("expired", json!(expired)),]
    )]));
    night["complete"] = json!(false);
    night
}

/// Converts a run to the input of the page.
pub fn report(night: &Value) -> Report {
    serde_json::from_value(night.clone()).expect("a report")
}

/// Returns the name of a server.
fn server(instance: &str) -> &'static str {
    match instance {
        "i-0c1d8e52fa9b37460" => "orders-database-1",
        "i-0c2f5a7be11d80943" => "orders-web-1",
        "i-0c39ab42e77f15d08" => "build",
        "i-0d1c4f96b2387ea50" => "database-server",
        "i-0d2e7b1ac5f943d86" => "web-server",
        _ => HOSTILE[0],
    }
}

fn night(regions: Value) -> Value {
    json!({
        "backupStack": "nightly-backup", "stack": "nightly-backup", "night": "2026-12-31", "intervals": "Daily+Annual", "dryRun": false,
        "execution": "arn:aws:states:eu-central-1:123456789012:execution:nightly-backup:9a925a19-a5cd-4b37-9f6c-4704d1eb4756",
        "location": "s3://nightly-backup-ledger-123456789012/nights/2026-12-31/9a925a19-a5cd-4b37-9f6c-4704d1eb4756/report.json",
        "time": "2026-12-31T04:30:00Z", "started": "2026-12-31T04:30:00Z", "ended": "2026-12-31T04:31:00Z",
        "regions": regions, "complete": true, "mail": null,
    })
}

fn region(name: &str, lists: &[(&str, Value)]) -> Value {
    let mut region = json!({
        "region": name, "protected": [], "planned": [], "unprotected": [], "failures": [], "expired": [],
        "stillListed": [], "failedSnapshots": [], "unreadable": [], "kept": null, "stalest": null,
    });
    lists.iter().for_each(|(list, value)| region[list] = value.clone());
    region
}

fn named(volume: &str, name: &str, instance: &str) -> Value {
    json!({"volumeId": volume, "name": name, "instances": [instance], "server": server(instance)})
}

fn protected(volume: &str, name: &str, instance: &str, snapshot: &str) -> Value {
    let made = json!({"snapshotId": snapshot, "state": "completed", "created": true});
    with(named(volume, name, instance), made)
}

fn unprotected(volume: &str, name: &str, reason: &str) -> Value {
    with(named(volume, name, "i-0bad"), json!({"reason": {"code": "Refused", "message": reason}}))
}

fn with(mut one: Value, more: Value) -> Value {
    let members = one.as_object_mut().expect("an object");
    members.extend(more.as_object().expect("an object").clone());
    one
}

fn failure(step: &str, subject: Option<&str>, error: &str, message: &str) -> Value {
    let reason = json!({"code": error, "message": message});
    match subject {
        None => json!({"kind": "step", "step": step, "reason": reason}),
        Some(subject) => {
            let execution = "arn:aws:states:eu-central-1:123456789012:execution:nightly-backup/SnapshotVolumes:1";
            json!({"kind": "child", "step": step, "subject": subject, "reason": reason, "execution": execution})
        }
    }
}
