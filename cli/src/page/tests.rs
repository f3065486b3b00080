use super::*;
use serde_json::{Value, json};

fn night(complete: bool, region: Value) -> Value {
    let mut whole = json!({
        "region": "us-east-1", "protected": [], "planned": [], "unprotected": [], "failures": [], "expired": [],
        "stillListed": [], "failedSnapshots": [], "unreadable": [], "kept": null, "stalest": null,
    });
    region.as_object().expect("lists").iter().for_each(|(list, value)| whole[list] = value.clone());
    json!({
        "backupStack": "nightly-backup", "stack": "nightly-backup", "night": "2026-12-31", "intervals": "Daily+Annual", "dryRun": false,
        "execution": "arn:aws:states:…:9a92", "location": "s3://ledger/report.json", "regions": [whole], "complete": complete,
        "mail": null, "time": "2026-12-31T04:30:00Z", "started": "2026-12-31T04:30:00Z", "ended": "2026-12-31T04:31:00Z",
    })
}

fn html(night: &Value) -> String {
    let report: Report = serde_json::from_value(night.clone()).expect("a report");
    let graph = "<?xml version=\"1.0\"?><svg id=\"the-graph\"></svg>";
    page(&report, SignedDuration::from_secs(74), graph, "<svg id=\"the-chart\"></svg>")
}

fn volume(id: &str, more: Value) -> Value {
    let mut volume = json!({"volumeId": id, "name": "n", "instances": ["i-1"]});
    more.as_object().expect("members").iter().for_each(|(key, value)| volume[key] = value.clone());
    volume
}

fn protected(id: &str) -> Value {
    volume(id, json!({"snapshotId": format!("snap-of-{id}"), "state": "pending", "created": true}))
}

fn unprotected(id: &str, reason: &str) -> Value {
    volume(id, json!({"reason": {"code": "Refused", "message": reason}}))
}

fn headline(html: &str) -> &str {
    html.split("<h1>").nth(1).and_then(|rest| rest.split("</h1>").next()).expect("a headline")
}

#[test]
fn the_headline_says_whether_every_volume_is_safe() {
    let says = |complete, region| headline(&html(&night(complete, region))).to_owned();
    let failed = |step| json!([{"kind": "step", "step": step, "reason": {"code": "E", "message": "m"}}]);
    assert_eq!(says(true, json!({"protected": [protected("a"), protected("b")]})), "All 2 volumes are protected");
    assert_eq!(says(true, json!({"protected": [protected("a")]})), "The only volume is protected");
    let one_of_two = json!({"protected": [protected("a")], "unprotected": [unprotected("b", "r")]});
    assert_eq!(says(false, one_of_two), "1 of 2 volumes is not protected");
    let late = json!({"protected": [protected("a")], "failures": failed("FindExpired")});
    assert_eq!(says(false, late), "Every volume is protected, but 1 step failed");
    assert_eq!(
        says(false, json!({"failures": failed("DiscoverVolumes")})),
        "Not every volume is known to be protected"
    );
    let mut dry = night(true, json!({"planned": [volume("a", json!({}))]}));
    dry["dryRun"] = json!(true);
    assert_eq!(headline(&html(&dry)), "1 volume would be snapshotted");
}

#[test]
fn a_night_that_is_complete_has_no_problems_and_one_that_is_not_says_what_to_do() {
    assert!(!html(&night(true, json!({"protected": [protected("a")]}))).contains("id=\"problems\""));
    let html = html(&night(false, json!({"unprotected": [unprotected("a", "no room"), unprotected("b", "no room")]})));
    assert!(html.contains("2 volumes are not protected") && html.contains("nightly run --night 2026-12-31"));
    assert!(html.find("id=\"problems\"") < html.find("id=\"volumes\""));
}

#[test]
fn a_failure_is_told_once() {
    let failure = |subject| json!({"kind": "child", "step": "S", "subject": subject, "reason": {"code": "E", "message": "no room"}, "execution": "arn"});
    let failures = json!([failure("vol-a"), failure("snap-b")]);
    let html = html(&night(false, json!({"unprotected": [unprotected("vol-a", "E: no room")], "failures": failures})));
    assert!(html.contains("S failed for snap-b") && !html.contains("S failed for vol-a"));
}

#[test]
fn every_unprotected_volume_is_listed_and_the_first_200_protected() {
    let unprotected: Vec<_> = (0..300).map(|one| unprotected(&format!("bad-{one}."), "r")).collect();
    let protected: Vec<_> = (0..1_300).map(|one| protected(&format!("good-{one}."))).collect();
    let html = html(&night(false, json!({"unprotected": unprotected, "protected": protected})));
    let listed = |text: &str| html.matches(&format!("<code>{text}")).count();
    assert_eq!((listed("bad-"), listed("good-")), (300, 200));
    assert!(html.contains("and 1,100 more: the report has them all"));
}

#[test]
fn what_aws_says_is_text_and_no_markup() {
    let hostile = "</style><script>alert(1)</script>\"'\u{0}\u{1b}[31m";
    let mut night = night(
        false,
        json!({
            "unprotected": [{"volumeId": hostile, "name": hostile, "instances": [hostile], "reason": {"code": hostile, "message": hostile}}],
            "failures": [{"kind": "child", "step": hostile, "subject": hostile, "reason": {"code": hostile, "message": hostile}, "execution": hostile}],
            "unreadable": [{"snapshotId": hostile, "problem": hostile}],
        }),
    );
    night["regions"][0]["region"] = json!(hostile);
    for member in ["backupStack", "location", "execution"] {
        night[member] = json!(hostile);
    }
    night["mail"] = json!({"subject": hostile, "message": hostile});
    let html = html(&night);
    assert!(!html.contains("<script") && html.matches("</style>").count() == 1);
    assert!(!html.contains(['\u{0}', '\u{1b}']));
}

#[test]
fn the_pictures_and_the_mail_are_in_the_page_and_nothing_is_loaded() {
    let mut night = night(true, json!({"protected": [protected("a")]}));
    night["mail"] = json!({"subject": "late", "message": "one\n  two"});
    let html = html(&night);
    assert!(
        html.contains("<svg id=\"the-graph\">") && html.contains("<svg id=\"the-chart\">") && !html.contains("<?xml")
    );
    assert!(html.contains("<pre>one\n  two</pre>") && html.contains("default-src 'none'"));
    assert!(!html.contains("src=") && !html.contains("http:") && !html.contains("https:") && !html.contains("url("));
}
