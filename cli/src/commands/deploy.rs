//! `nightly deploy`: shows what would change in the stack, asks, and deploys it.

use anyhow::{Context, Result, anyhow, bail};
use aws_sdk_cloudformation::Client;
use domain::{plan::Plans, rules::Rules};
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Exit,
    account::{Account, identity::CallerIdentity, inventory, stack::Stack, subscriptions},
    cli::Deploy,
    commands::plan::PlanReport,
    deployment::{
        artifacts::Artifacts,
        change_set::{self, ChangeSet, Request},
        files::Files,
        follow::StackFollower,
        ledger_bucket, leftovers,
        package::{Package, package},
        price::Template,
        releases, schedule,
        stack::{self, DeployedStack},
        template,
    },
    ui::{output, progress::Progress, question, terminal::Terminal, text::plural},
};

/// Default name of the stack.
pub const STACK: &str = "nightly-backup";
/// Maximum size in bytes of a template in the request itself. A longer template must be in a bucket (CloudFormation quotas).
const BYTES_WITHOUT_BUCKET: usize = 51_200;
/// Region name prefixes of the partitions in which services and principals differ.
const UNTRIED: [&str; 5] = ["cn-", "us-gov-", "us-iso", "eu-isoe-", "eusc-"];

/// Result of a deployment.
enum DeployResult {
    Deployed,
    Unchanged,
    /// Ctrl-C or SIGTERM. CloudFormation continues.
    Interrupted,
}

/// Everything that is known before the change set is created.
struct Deployment<'a> {
    account: &'a Account,
    asked: &'a Deploy,
    name: &'a str,
    identity: CallerIdentity,
    template: Template,
    body: Value,
    files: Files,
    found: Option<DeployedStack>,
    parameters: BTreeMap<String, String>,
}

/// Deploys the stack.
///
/// # Errors
/// The error has the problem and the remedy in one line. Nothing was changed, unless the error names the status of the stack.
pub async fn run(account: &Account, name: Option<&str>, asked: &Deploy, json: bool) -> Result<Exit> {
    let name = name.unwrap_or(STACK);
    let files = Files::open(asked.from.as_deref())?;
    let identity = identify(account, name, asked.allow_endpoint).await?;
    let cloudformation = account.cloudformation();
    let found = stack::find(&cloudformation, name).await?;
    if let Some(found) = &found {
        found.require_ours()?;
        found.require_deployable(&account.region)?;
    }
    let template = choose(asked, found.as_ref()).await?;
    let body = template::read(&files, template.path())?;
    let given = given(&body, asked, template)?;
    let mut plan = Deployment { account, asked, name, identity, template, body, files, found, parameters: given };
    plan.check_rules()?;
    plan.add_days_between_runs();
    plan.add_releases()?;
    if asked.check {
        return Ok(Exit::Good);
    }
    output::note(&plan.headline());
    let has_ledger_again = plan.restore_ledger().await?;
    let is_changed = match plan.deploy(&cloudformation).await? {
        DeployResult::Interrupted => return Ok(Exit::Interrupted),
        DeployResult::Unchanged => has_ledger_again,
        DeployResult::Deployed => true,
    };
    plan.report(&cloudformation, is_changed, json).await?;
    Ok(Exit::Good)
}

/// Checks the name, the Region and the endpoint, and returns the account.
///
/// # Errors
/// The name or the Region cannot be used, there are no credentials, or the endpoint is not AWS's.
pub async fn identify(account: &Account, name: &str, is_any_endpoint_allowed: bool) -> Result<CallerIdentity> {
    let mut characters = name.chars();
    let is_name = characters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|one| one.is_ascii_alphanumeric() || one == '-');
    if !is_name {
        bail!("{name:?} is not a stack name: use a letter, then letters, digits and hyphens");
    }
    if UNTRIED.iter().any(|prefix| account.region.starts_with(prefix)) {
        bail!(
            "{} is not supported: nothing was tried in AWS's China, GovCloud and other separate partitions. Deploy to a Region of the partition aws",
            account.region
        );
    }
    let identity = CallerIdentity::load(account).await?;
    identity.require_aws(is_any_endpoint_allowed)?;
    Ok(identity)
}

/// Returns the template that the stack was deployed with. For a new stack, returns the requested template, or asks for one.
async fn choose(asked: &Deploy, found: Option<&DeployedStack>) -> Result<Template> {
    match (found.and_then(|found| Template::from_description(&found.description)), asked.template) {
        (Some(deployed), Some(other)) if deployed != other => bail!(
            "the stack was deployed with the template {deployed}; the template {other} would delete what it lacks. Use {deployed}, or \
             choose another --stack"
        ),
        (Some(template), _) | (None, Some(template)) => return Ok(template),
        (None, None) => {}
    }
    let choices = [Template::Backup, Template::Environment, Template::All];
    for (number, template) in choices.iter().enumerate() {
        output::note(&format!("  {}  {:<12} {} a month", number + 1, template.to_string(), template.price()));
    }
    let answer = question::ask("Deploy which one? [1]", "add --template backup, environment or all").await?;
    let chosen = choices.iter().enumerate().find(|(number, template)| {
        answer == (number + 1).to_string() || answer == template.to_string() || (answer.is_empty() && *number == 0)
    });
    Ok(*chosen.with_context(|| format!("{answer:?} is not 1, 2 or 3"))?.1)
}

/// Returns the parameters from the command line.
fn given(body: &Value, asked: &Deploy, template: Template) -> Result<BTreeMap<String, String>> {
    let known = template::parameters(body);
    let mut given: BTreeMap<_, _> = asked.parameters.iter().cloned().collect();
    if let Some(email) = &asked.email {
        given.insert("Email".to_owned(), email.clone());
    }
    if let Some(unknown) = given.keys().find(|name| !known.contains(&name.as_str())) {
        bail!("the template {template} has no parameter {unknown}; it has {}", known.join(", "));
    }
    Ok(given)
}

impl Deployment<'_> {
    /// Checks the given rules, because the patterns of the template cannot name the plan and the Interval of a mistake.
    fn check_rules(&self) -> Result<()> {
        let value = |name: &str| self.parameters.get(name).map(String::as_str);
        let (keep, plans) = (value("Keep").unwrap_or("Daily=7"), value("Plans").unwrap_or_default());
        let read = Plans::read(keep, plans, value("WeeklyOn").unwrap_or("Sunday"));
        read.map(drop).map_err(|error| anyhow!(error.message))
    }

    /// Sets the parameter that the alarms and the functions need to know the pauses of the schedule.
    fn add_days_between_runs(&mut self) {
        let declared = &self.body["Parameters"];
        if declared[schedule::PARAMETER].is_null() {
            return;
        }
        let given = self.parameters.get("ScheduleExpression").cloned();
        let deployed = || self.deployed().remove("ScheduleExpression");
        let default = declared["ScheduleExpression"]["Default"].as_str().unwrap_or_default();
        let expression = given.or_else(deployed).unwrap_or_else(|| default.to_owned());
        let days = schedule::days_between_runs(&expression).to_string();
        self.parameters.insert(schedule::PARAMETER.to_owned(), days);
    }

    fn add_releases(&mut self) -> Result<()> {
        if self.body["Parameters"][releases::PARAMETER].is_null() {
            return Ok(());
        }
        let mut values = self.deployed();
        values.extend(self.parameters.clone());
        let digests = releases::digests(&self.files, &values)?;
        let deployed = values.get(releases::PARAMETER).map(String::as_str).unwrap_or_default();
        let rolled_back = self.found.as_ref().filter(|found| found.status.as_str() == "UPDATE_ROLLBACK_COMPLETE");
        let releases = releases::next_releases(deployed, &digests, rolled_back.map(|found| found.updated.as_str()));
        self.parameters.insert(releases::PARAMETER.to_owned(), releases);
        Ok(())
    }

    /// Returns the deployed values of the parameters that this template has.
    fn deployed(&self) -> BTreeMap<String, String> {
        let all = self.found.as_ref().map(|found| found.parameters.clone()).unwrap_or_default();
        all.into_iter().filter(|(name, _)| !self.body["Parameters"][name].is_null()).collect()
    }

    fn headline(&self) -> String {
        let endpoint =
            self.identity.endpoint.as_ref().map(|url| format!("\nEndpoint  {url}, not AWS")).unwrap_or_default();
        format!(
            "Account   {}{endpoint}\nRegion    {}\nStack     {} ({}, {})\nCost      {} a month",
            self.identity.name(),
            self.account.region,
            self.name,
            self.template,
            self.found.as_ref().map_or("new", |found| found.status.as_str()),
            self.template.price()
        )
    }

    /// Recreates the ledger bucket if somebody deleted it. Returns whether it was recreated.
    async fn restore_ledger(&self) -> Result<bool> {
        let bucket = self.found.as_ref().and_then(|found| found.outputs.get("LedgerBucket"));
        let Some(bucket) = bucket else { return Ok(false) };
        let s3 = self.account.s3();
        if !ledger_bucket::is_missing(&s3, bucket).await? {
            return Ok(false);
        }
        output::note(&format!(
            "\nThe ledger bucket {bucket} was deleted. Without it every run fails. Its reports are lost; no snapshot is."
        ));
        if !question::confirm("Create it again?", self.asked.yes).await? {
            bail!("not confirmed; nothing was changed");
        }
        let key = self.deployed().remove("KmsKeyArn").unwrap_or_default();
        ledger_bucket::create(&s3, bucket, &self.account.region, &self.identity.partition, &key).await?;
        Ok(true)
    }

    /// Uploads the files, creates a change set, asks for confirmation, and executes the change set.
    async fn deploy(&self, cloudformation: &Client) -> Result<DeployResult> {
        let artifacts = Artifacts::name(self.account, &self.identity, self.name)?;
        artifacts.create().await?;
        let url = artifacts.url().await?;
        let mut packaged = package(&self.files, self.template.path(), &artifacts.bucket, &url)?;
        let template = template_source(&mut packaged, &url);
        artifacts.upload(&packaged.objects).await?;
        let name = format!("{}{}", leftovers::PREFIX, Timestamp::now().as_millisecond());
        let request = Request {
            stack: self.name,
            is_new: self.found.as_ref().is_none_or(DeployedStack::is_new),
            template,
            parameters: &self.parameters,
            kept: self.deployed().into_keys().filter(|key| !self.parameters.contains_key(key)).collect::<BTreeSet<_>>(),
            tags: &self.asked.tags,
            role: self.asked.role_arn.as_deref(),
        };
        let Some(changes) = ChangeSet::create(cloudformation, &request, &name).await? else {
            return Ok(DeployResult::Unchanged);
        };
        match self.approve(&changes).await {
            Ok(true) => {}
            refused => {
                change_set::forget(cloudformation, self.name, &changes.id).await?;
                refused?;
                bail!("not confirmed; nothing was changed");
            }
        }
        let progress = Progress::on_stderr(TimeZone::system());
        let follower = StackFollower::begin(cloudformation, &progress, &changes.stack_id).await?;
        changes.execute(cloudformation).await?;
        let ended = follower.until(&["CREATE_COMPLETE", "UPDATE_COMPLETE"]).await;
        let is_followed = ended.with_context(|| self.after_a_failure())?;
        if !is_followed {
            return Ok(DeployResult::Interrupted);
        }
        artifacts.clean(&packaged.objects).await?;
        leftovers::clean(cloudformation, self.name).await?;
        Ok(DeployResult::Deployed)
    }

    fn after_a_failure(&self) -> String {
        let place = format!("--stack {} --region {}", self.name, self.account.region);
        match self.found.as_ref().is_none_or(DeployedStack::is_new) {
            true => format!(
                "{}: fix the error, run `nightly destroy {place}`, then deploy again; nothing is lost",
                self.name
            ),
            false => format!("{}: the deployment failed and is undone: fix the error, then deploy again", self.name),
        }
    }

    async fn approve(&self, changes: &ChangeSet) -> Result<bool> {
        match self.found.as_ref().is_none_or(DeployedStack::is_new) {
            true => output::note(&format!("\n{} will be created.", plural(changes.changes.len(), "resource"))),
            false => {
                let lines = changes.changes.iter().map(|change| format!("\n  {}", change.line())).collect::<String>();
                output::note(&format!("\n{}:{lines}", plural(changes.changes.len(), "change")));
            }
        }
        for line in self.left_regions().await? {
            output::note(&line);
        }
        self.note_changed_rules().await;
        question::confirm("Make these changes?", self.asked.yes).await
    }

    /// Prints what the next run makes and deletes, if this deployment changes `Keep` or `Plans`.
    async fn note_changed_rules(&self) {
        let Some(found) = &self.found else { return };
        let value = |name: &str| self.parameters.get(name).or_else(|| found.parameters.get(name)).cloned();
        let is_changed =
            |name: &str| self.parameters.get(name).is_some_and(|new| found.parameters.get(name) != Some(new));
        let (Some(keep), Some(plans)) = (value("Keep"), value("Plans")) else { return };
        if found.is_new() || !["Keep", "Plans"].into_iter().any(is_changed) {
            return;
        }
        let preview = async {
            let stack = Stack::find(self.account, Some(self.name)).await?;
            PlanReport::read(self.account, &stack, &Rules { keep, plans }, Timestamp::now()).await
        };
        match preview.await {
            Ok(report) => output::note(&format!("\n{}", report.text(Terminal::from_stderr()).trim_end())),
            Err(error) => output::note(&format!("\nWhat the changed rules delete is not known: {error:#}")),
        }
    }

    /// Returns a line for each Region that this deployment removes from `Regions`, with the number of snapshots that stay there.
    async fn left_regions(&self) -> Result<Vec<String>> {
        let Some(found) = &self.found else { return Ok(Vec::new()) };
        let regions = |value: Option<&String>| match value.filter(|value| !value.is_empty()) {
            Some(value) => value.split(',').map(str::to_owned).collect::<Vec<_>>(),
            None => vec![self.account.region.clone()],
        };
        let (before, after) = (found.parameters.get("Regions"), self.parameters.get("Regions"));
        if before.is_none() || after.is_none() {
            return Ok(Vec::new());
        }
        let after = regions(after);
        let tag = found.outputs.get("BackupStack").map_or(self.name, String::as_str);
        let mut lines = Vec::new();
        for region in regions(before).iter().filter(|region| !after.contains(region)) {
            lines.push(format!(
                "  {region} IS NO LONGER BACKED UP. Its snapshots stay, and no run deletes them ({}): nightly list --regions {region}",
                inventory::count(self.account, region, tag).await
            ));
        }
        Ok(lines)
    }

    /// Prints the result, the outputs and what is still to do.
    async fn report(&self, cloudformation: &Client, is_changed: bool, json: bool) -> Result<()> {
        let outputs = stack::find(cloudformation, self.name).await?.map(|found| found.outputs).unwrap_or_default();
        let topic = outputs.get("TopicArn").cloned();
        let region = &self.account.region;
        let deployed = DeployReport { stack: self.name, region, is_changed, outputs };
        output::answer(json, &deployed, |_| deployed.text())?;
        if let Some(topic) = topic
            && let Ok(Some(missing)) = subscriptions::missing(&self.account.sns(), &topic, region).await
        {
            output::note(&format!("\nNo alert reaches anybody yet: {missing}."));
        }
        Ok(())
    }
}

/// Result of a deployment, as it is printed.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeployReport<'a> {
    stack: &'a str,
    region: &'a str,
    is_changed: bool,
    outputs: BTreeMap<String, String>,
}

impl DeployReport<'_> {
    fn text(&self) -> String {
        let word = if self.is_changed { "deployed" } else { "unchanged" };
        let lines = self.outputs.iter().map(|(key, value)| format!("  {key:<22} {value}\n")).collect::<String>();
        format!("\n{} in {}: {word}\n{lines}", self.stack, self.region)
    }
}

/// Returns the template in the form for CreateChangeSet. A long template becomes one more object to upload.
fn template_source(packaged: &mut Package, url: &dyn Fn(&str) -> String) -> change_set::TemplateSource {
    let text = packaged.template.clone();
    if text.len() <= BYTES_WITHOUT_BUCKET {
        return change_set::TemplateSource::Body(text);
    }
    let key = packaged.add(text.into_bytes(), ".template");
    change_set::TemplateSource::Url(url(&key))
}
