//! Bad input ends the run before anything is created or deleted. The error names the field and the value.

use serde_json::json;
use tests::{
    cloud::{Cloud, Night, WITHOUT_SERVERS},
    mail,
};

fn assert_refused(night: &Night, cause: &str) {
    assert_eq!((night.status.as_str(), night.error.as_str()), ("FAILED", "NightIncomplete"), "{night:?}");
    assert_eq!(night.cause, format!("BadInput: {cause}"));
    assert!(night.report.is_null());
}

pub async fn a_malformed_time_and_an_unknown_key_are_named(cloud: Cloud) {
    let mailbox = cloud.mailbox().await;
    let night = cloud.night(json!({"time": "yesterday"})).await;
    assert_refused(&night, "time \"yesterday\" must be an RFC 3339 time, such as 2026-12-31T04:30:00Z");
    let mail = cloud.mail(&mailbox).await;
    assert_eq!(mail.len(), 1);
    let as_of_the_first = |text: &str| text.replace(cloud.stack(), "nightly-backup").replace(cloud.region, "us-east-1");
    let mail = (as_of_the_first(&mail[0].0), as_of_the_first(&mail[0].1));
    let execution = as_of_the_first(&night.execution);
    let name = execution.rsplit(':').next().expect("a name").to_owned();
    mail::assert_golden("refused-input", &mail, &[("EXECUTION", &execution), ("NAME", &name)]);

    let night = cloud.night(json!({"tiem": "2026-12-31T04:30:00Z", "dryRun": true})).await;
    assert_refused(&night, "tiem \"2026-12-31T04:30:00Z\" is not a known key; use time or dryRun");
    assert!(cloud.mail(&mailbox).await.is_empty(), "a dry run mails nothing");
    assert!(cloud.snapshots().await.is_empty());
}

#[tokio::test]
async fn a_night_in_the_future_is_refused_by_the_command_and_by_the_function() {
    let cloud = Cloud::up_with("future", &[], &[WITHOUT_SERVERS, ("NIGHTLY_ANY_NIGHT", "0")]);
    let night = cloud.night(json!({"time": "2036-12-31T04:30:00Z"})).await;
    assert!(night.cause.starts_with("BadInput: time 2036-12-31T04:30:00Z is in the future"), "{}", night.cause);
    for option in [["--night", "2036-12-31"], ["--time", "2036-12-31T04:30:00Z"]] {
        let output = cloud.nightly_command(&["run", option[0], option[1]]).output().expect("sh");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && said.starts_with("nightly: time 2036-12-31T04:30:00Z"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    assert!(cloud.snapshots().await.is_empty());
}

/// Needs Regions that name mars-north-1, which does not exist.
pub async fn a_region_that_does_not_exist_stops_the_other_regions_too(cloud: Cloud) {
    let night = cloud.night(json!({})).await;
    let problem = "is not an AWS Region; correct the parameter";
    assert_refused(&night, &format!("Regions mars-north-1 {problem}"));
    assert!(cloud.snapshots().await.is_empty());
}
