use super::*;
use crate::{
    account::ec2::{Snapshot, Volume},
    fixtures::{inventory, of_night, stack, volume},
};

/// Returns ten dailies of each volume, up to 2026-11-25.
fn dailies(volumes: &[&str]) -> Vec<Snapshot> {
    let nights = (16..=25).map(|day| format!("2026-11-{day}"));
    nights
        .flat_map(|night| volumes.iter().map(move |id| of_night(id, &night, "completed")).collect::<Vec<_>>())
        .collect()
}

fn report(volumes: Vec<Volume>, snapshots: Vec<Snapshot>, keep: &str, last: Option<&str>) -> PlanReport {
    let stack = stack();
    let rules = Rules { keep: keep.into(), ..stack.rules.clone() };
    let last = last.map(|keep| {
        let rules = Rules { keep: keep.into(), ..stack.rules.clone() };
        ("eu-west-1".to_owned(), LastRules::after(None, "2026-11-25".parse().unwrap(), rules))
    });
    let (plans, next) = (rules.plans().unwrap(), "2026-11-26".parse().unwrap());
    let inventory = inventory(volumes, snapshots);
    PlanReport::new(&inventory, &stack, &rules, &plans, &last.into_iter().collect(), next).unwrap()
}

fn text(report: &PlanReport) -> String {
    report.text(Terminal { width: None, is_coloured: false })
}

#[test]
fn says_what_the_next_run_makes_and_deletes() {
    let volumes =
        vec![volume("vol-1", &[]), volume("vol-2", &[("BackupPlan", "gold")]), volume("vol-3", &[("BackupPlan", "g")])];
    let report = report(volumes, dailies(&["vol-1"]), "Daily=9,Annual=forever", Some("Daily=9,Annual=forever"));
    let said = text(&report);
    assert!(
        said.contains("The run for 2026-11-26 would make 3 snapshots: 2 Daily of default, 1 Daily of gold.\n"),
        "{said}"
    );
    assert!(said.contains("It would delete 2 snapshots: 2 Daily of default.\n"), "{said}");
    assert!(said.contains("The tag BackupPlan of 1 volume names no plan"), "{said}");
    assert!(said.contains("9 dailies and every annual") && said.contains("9, and 1 more each year"), "{said}");
    assert!(!said.contains("email"), "{said}");
    let gold = report.plans.iter().find(|plan| plan.name == "gold").unwrap();
    assert_eq!((gold.volumes, gold.restore_points, gold.yearly), (1, 42, 0));
}

#[test]
fn a_shorter_rule_spares_first_and_says_what_the_night_after_deletes() {
    let of = |last| report(vec![volume("vol-1", &[])], dailies(&["vol-1"]), "Daily=3,Annual=forever", last);
    let said = text(&of(Some("Daily=9,Annual=forever")));
    assert!(said.starts_with("A preview: nothing is changed.\n"), "{said}");
    assert!(said.contains("It would delete 2 snapshots"), "{said}");
    let spared = "It is the first Night under shorter rules. So it sends an email, and the Night after it deletes 6 snapshots: 6 Daily of default.\n";
    assert!(said.contains(spared), "{said}");
    let nobody_remembers = of(None);
    assert!(nobody_remembers.spares.is_empty() && nobody_remembers.deletes[0].snapshots == 8);
}

#[test]
fn what_no_rule_covers_is_counted() {
    let mut snapshots = dailies(&["vol-1"]);
    for one in &mut snapshots[..4] {
        one.identity.as_mut().unwrap().plan = "gone".into();
    }
    let report = report(vec![volume("vol-1", &[])], snapshots, "Daily=2,Quarterly=5,Annual=forever", None);
    assert_eq!(report.without_rule, [Group { plan: "gone".into(), intervals: "Daily".into(), snapshots: 4 }]);
    assert!(!report.is_preview);
    let said = text(&report);
    assert!(said.contains("No rule covers 4 snapshots: 4 Daily of gone: no run deletes them."), "{said}");
}
