//! `nightly check`: checks that the backup is set up to work, and to alert a person if it does not. Prints one line per check, worst first.
//!
//! # Layout
//! - [`stack`]: the stack, its drift, its release, its schedule and its last run. [`alerts`]: subscriptions, alarms, dead letters.
//! - [`limits`]: concurrency, quotas, keys and Regions.

mod alerts;
mod limits;
mod stack;

use anyhow::{Error, Result};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Exit,
    account::{Account, identity::CallerIdentity, stack::Stack},
    cli::Check,
    ui::{output, terminal::Terminal, text::safe},
};

/// Severity of a finding, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
enum Severity {
    /// A volume may stay unprotected, or nobody would be alerted.
    Problem,
    /// The check itself failed.
    Unknown,
    /// The finding may become a problem.
    Warning,
    Fine,
}

/// Result of one check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    level: Severity,
    /// Subject in one or two words, such as `schedule`.
    subject: &'static str,
    finding: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// Findings, worst first.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    findings: Vec<Finding>,
}

impl CheckReport {
    fn text(&self, terminal: Terminal) -> String {
        self.findings.iter().map(|finding| finding.text(terminal)).collect()
    }
}

impl Finding {
    fn fine(subject: &'static str, finding: impl Into<String>) -> Self {
        Self { level: Severity::Fine, subject, finding: finding.into(), remedy: None }
    }

    fn warning(subject: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Severity::Warning, subject, finding: finding.into(), remedy: Some(remedy.into()) }
    }

    fn problem(subject: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Severity::Problem, subject, finding: finding.into(), remedy: Some(remedy.into()) }
    }

    fn unknown(subject: &'static str, error: &Error) -> Self {
        Self { level: Severity::Unknown, subject, finding: format!("not known: {error:#}"), remedy: None }
    }

    fn text(&self, terminal: Terminal) -> String {
        let word = match self.level {
            Severity::Problem => terminal.bad("PROBLEM"),
            Severity::Unknown => terminal.bad("unknown"),
            Severity::Warning => "warning".to_owned(),
            Severity::Fine => terminal.good("ok     "),
        };
        let remedy = self.remedy.as_ref().map(|remedy| format!(": {remedy}")).unwrap_or_default();
        format!("{word}  {:<14} {}\n", self.subject, safe(&format!("{}{remedy}", self.finding)))
    }
}

/// Finding of a check, or the error that prevented the check.
type CheckResult = Result<Finding>;

/// Runs every check.
///
/// # Errors
/// There are no credentials, or the stack's resources cannot be listed.
pub async fn run(account: &Account, stack: &Stack, asked: &Check, json: bool, now: Timestamp) -> Result<Exit> {
    let identity = CallerIdentity::load(account).await?;
    let resources = stack::resources(account, stack).await?;
    let mut findings = vec![Finding::fine("credentials", format!("account {}, {}", identity.name(), account.region))];
    let mut add = |subject, answer: CheckResult| {
        findings.push(answer.unwrap_or_else(|error| Finding::unknown(subject, &error)));
    };
    add("stack", stack::status(account, stack).await);
    if asked.drift {
        add("drift", stack::drift(account, stack).await);
    }
    add("release", stack::release(account, stack).await);
    add("schedule", stack::schedule(account, stack, &resources, now).await);
    add("last run", stack::last_run(account, stack, now).await);
    add("emails", alerts::subscription(account, stack).await);
    add("alarms", alerts::alarms(account, &resources).await);
    add("dead letters", alerts::dead_letters(account, stack).await);
    add("concurrency", limits::concurrency(account, stack).await);
    for region in &stack.regions {
        add("Region", limits::region(account, region).await);
        add("snapshots", limits::snapshots(account, region).await);
        add("keys", limits::keys(account, region).await);
    }
    findings.sort();
    let (verdict, report) = (verdict(&findings), CheckReport { findings });
    output::answer(json, &report, |terminal| report.text(terminal))?;
    Ok(verdict)
}

fn verdict(findings: &[Finding]) -> Exit {
    match findings.iter().map(|finding| finding.level).min() {
        Some(Severity::Problem) => Exit::Bad,
        Some(Severity::Unknown) => Exit::Partial,
        _ => Exit::Good,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_is_first_and_decides() {
        let mut findings = vec![
            Finding::fine("a", "good"),
            Finding::unknown("b", &anyhow::anyhow!("denied")),
            Finding::warning("c", "nearly full", "raise it"),
        ];
        assert_eq!(verdict(&findings), Exit::Partial);
        findings.push(Finding::problem("d", "off", "switch it on"));
        findings.sort();
        assert_eq!(findings.iter().map(|finding| finding.subject).collect::<String>(), "dbca");
        assert_eq!(verdict(&findings), Exit::Bad);
        assert_eq!(verdict(&findings[2..]), Exit::Good);
        let terminal = Terminal { width: None, is_coloured: false };
        assert_eq!(findings[0].text(terminal), "PROBLEM  d              off: switch it on\n");
    }
}
