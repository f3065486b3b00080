//! Changes that a deployment would make to the stack and to the stacks nested in it.

use anyhow::{Context, Result, bail};
use aws_sdk_cloudformation::{
    Client,
    error::ProvideErrorMetadata,
    operation::describe_change_set::DescribeChangeSetOutput,
    types::{Capability, ChangeAction, ChangeSetStatus, ChangeSetType, Parameter, Replacement, ResourceChange, Tag},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::sleep;

use crate::{account::error, deployment::package::NESTED, ui::output};

/// Parts of CloudFormation's answer if a change set has no changes.
const UNCHANGED: [&str; 2] = ["didn't contain changes", "No updates are to be performed"];
/// Beginning of the root's status reason if the change set of a nested stack failed (aws-sam-cli, issue 2406).
const NESTED_FAILED: &str = "Nested change set";
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Input of a change set.
#[derive(Debug)]
pub struct Request<'a> {
    pub stack: &'a str,
    /// Whether nothing was ever deployed to the stack.
    pub is_new: bool,
    pub template: TemplateSource,
    /// Values by parameter.
    pub parameters: &'a BTreeMap<String, String>,
    /// Parameters that keep their deployed value.
    pub kept: BTreeSet<String>,
    pub tags: &'a [(String, String)],
    /// Role that CloudFormation assumes. None for the caller's own credentials.
    pub role: Option<&'a str>,
}

/// A template as CreateChangeSet takes it.
#[derive(Clone, Debug)]
pub enum TemplateSource {
    Body(String),
    Url(String),
}

/// A change set that can be executed.
#[derive(Debug)]
pub struct ChangeSet {
    pub id: String,
    pub stack_id: String,
    pub changes: Vec<Change>,
}

/// Change of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Logical id, after those of the nested stacks that contain the resource: `Environment/WebServer`.
    pub path: String,
    pub kind: String,
    pub physical_id: String,
    pub effect: Effect,
}

/// Effect of a [`Change`] on its resource. The variants are in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    Delete,
    Replace,
    MayReplace,
    Modify,
    /// A new version of a function. The old one stays.
    Publish,
    Add,
    Other,
}

/// Result of the creation of a change set.
enum Created {
    Ready(ChangeSet),
    Unchanged,
    /// Creation failed for this reason.
    Failed(String),
}

impl ChangeSet {
    /// Creates a change set. Returns none if nothing would change.
    ///
    /// # Errors
    /// CloudFormation refuses the template or a parameter, or does not answer.
    pub async fn create(cloudformation: &Client, request: &Request<'_>, name: &str) -> Result<Option<Self>> {
        let mut created = create(cloudformation, request, name, true).await?;
        if let Created::Failed(reason) = &created
            && reason.starts_with(NESTED_FAILED)
        {
            // CloudFormation knows some values only during the deployment (cloudformation-coverage-roadmap, issue 759).
            let reason = nested_reason(cloudformation, reason).await;
            output::note(&format!("\nThe changes inside nested stacks cannot be shown: {reason}"));
            created = create(cloudformation, request, &format!("{name}-root"), false).await?;
        }
        match created {
            Created::Ready(made) => Ok(Some(made)),
            Created::Unchanged => Ok(None),
            Created::Failed(reason) => bail!("no change set could be made for the stack {}: {reason}", request.stack),
        }
    }

    /// Starts the deployment.
    ///
    /// # Errors
    /// CloudFormation refuses or does not answer.
    pub async fn execute(&self, cloudformation: &Client) -> Result<()> {
        let executed = cloudformation.execute_change_set().change_set_name(&self.id).send().await;
        executed.map(drop).map_err(|error| error::from_sdk("ExecuteChangeSet", error))
    }
}

async fn create(client: &Client, request: &Request<'_>, name: &str, with_nested: bool) -> Result<Created> {
    let value =
        |(key, value): (&String, &String)| Parameter::builder().parameter_key(key).parameter_value(value).build();
    let kept = |key: &String| Parameter::builder().parameter_key(key).use_previous_value(true).build();
    let parameters = request.parameters.iter().map(value).chain(request.kept.iter().map(kept)).collect();
    let tag = |(key, value): &(String, String)| Tag::builder().key(key).value(value).build();
    let kind = if request.is_new { ChangeSetType::Create } else { ChangeSetType::Update };
    let create = client.create_change_set().stack_name(request.stack).change_set_name(name).change_set_type(kind);
    let create = create.include_nested_stacks(with_nested).set_parameters(Some(parameters));
    let create = create.capabilities(Capability::CapabilityIam).capabilities(Capability::CapabilityAutoExpand);
    let create = create.set_role_arn(request.role.map(str::to_owned));
    // Without tags, the stack keeps its current tags.
    let tags = (!request.tags.is_empty()).then(|| request.tags.iter().map(tag).collect());
    let create = match request.template.clone() {
        TemplateSource::Body(body) => create.template_body(body),
        TemplateSource::Url(url) => create.template_url(url),
    };
    let created = match create.set_tags(tags).send().await {
        Err(error) if is_unchanged(error.message()) => return Ok(Created::Unchanged),
        created => created.map_err(|error| error::from_sdk("CreateChangeSet", error))?,
    };
    let id = created.id().context("CreateChangeSet: the answer has no id")?.to_owned();
    let made = await_creation(client, &id).await?;
    if made.status() == Some(&ChangeSetStatus::Failed) {
        let reason = made.status_reason().unwrap_or("no reason given").to_owned();
        if with_nested && reason.starts_with(NESTED_FAILED) {
            return Ok(Created::Failed(reason));
        }
        forget(client, request.stack, &id).await?;
        return Ok(if is_unchanged(Some(&reason)) { Created::Unchanged } else { Created::Failed(reason) });
    }
    let changes = changes(client, &id).await?;
    if changes.is_empty() && !request.is_new {
        forget(client, request.stack, &id).await?;
        return Ok(Created::Unchanged);
    }
    let stack_id = made.stack_id().unwrap_or(request.stack).to_owned();
    Ok(Created::Ready(ChangeSet { id, stack_id, changes }))
}

/// Returns the reason of the nested change set that a root's reason names: `Nested change set arn:… was not successfully created: …`.
async fn nested_reason(client: &Client, root: &str) -> String {
    let Some(arn) = root.split_whitespace().find(|word| word.starts_with("arn:")) else { return root.to_owned() };
    match client.describe_change_set().change_set_name(arn).send().await {
        Ok(nested) => nested.status_reason().unwrap_or(root).to_owned(),
        Err(_) => root.to_owned(),
    }
}

/// Deletes an unwanted change set, and the empty stack that a first change set creates.
///
/// # Errors
/// CloudFormation refuses or does not answer.
pub async fn forget(cloudformation: &Client, stack: &str, id: &str) -> Result<()> {
    let deleted = cloudformation.delete_change_set().change_set_name(id).send().await;
    deleted.map_err(|error| error::from_sdk("DeleteChangeSet", error))?;
    if crate::deployment::stack::find(cloudformation, stack).await?.is_some_and(|found| found.is_new()) {
        let deleted = cloudformation.delete_stack().stack_name(stack).send().await;
        deleted.map_err(|error| error::from_sdk("DeleteStack", error))?;
    }
    Ok(())
}

fn is_unchanged(reason: Option<&str>) -> bool {
    UNCHANGED.iter().any(|words| reason.unwrap_or_default().contains(words))
}

async fn await_creation(cloudformation: &Client, id: &str) -> Result<DescribeChangeSetOutput> {
    let mut pause = PAUSES.0;
    loop {
        let described = cloudformation.describe_change_set().change_set_name(id).send().await;
        let described = described.map_err(|error| error::from_sdk("DescribeChangeSet", error))?;
        let status = described.status().map(ChangeSetStatus::as_str).unwrap_or_default();
        if status.ends_with("COMPLETE") || status.ends_with("FAILED") {
            return Ok(described);
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Lists the changes of a change set and of its nested change sets, without nested stacks that do not change. A change set names every
/// nested stack, because its template might have changed (CloudFormation API reference, ResourceChangeDetail, ChangeSource).
async fn changes(cloudformation: &Client, id: &str) -> Result<Vec<Change>> {
    let (mut found, mut change_sets) = (Vec::new(), vec![(String::new(), id.to_owned())]);
    while let Some((prefix, id)) = change_sets.pop() {
        for change in pages(cloudformation, &id).await? {
            let path = format!("{prefix}{}", change.logical_resource_id().unwrap_or_default());
            match change.change_set_id().filter(|_| change.resource_type() == Some(NESTED)) {
                Some(nested) if change.action() != Some(&ChangeAction::Remove) => {
                    change_sets.push((format!("{path}/"), nested.to_owned()));
                }
                _ => found.push(read(&change, path)),
            }
        }
    }
    found.sort_by(|a, b| (a.effect, &a.path).cmp(&(b.effect, &b.path)));
    Ok(found)
}

async fn pages(cloudformation: &Client, id: &str) -> Result<Vec<ResourceChange>> {
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let page = cloudformation.describe_change_set().change_set_name(id).set_next_token(token).send().await;
        let page = page.map_err(|error| error::from_sdk("DescribeChangeSet", error))?;
        found.extend(page.changes().iter().filter_map(|change| change.resource_change().cloned()));
        token = page.next_token;
        if token.is_none() {
            return Ok(found);
        }
    }
}

fn read(change: &ResourceChange, path: String) -> Change {
    let effect = match (change.action(), change.replacement()) {
        (Some(ChangeAction::Add | ChangeAction::Import), _) => Effect::Add,
        (Some(ChangeAction::Remove), _) => Effect::Delete,
        (Some(ChangeAction::Modify), Some(Replacement::True)) => Effect::Replace,
        (Some(ChangeAction::Modify), Some(Replacement::Conditional)) => Effect::MayReplace,
        (Some(ChangeAction::Modify), _) => Effect::Modify,
        _ => Effect::Other,
    };
    let is_version = change.resource_type() == Some("AWS::Lambda::Version");
    let effect = match effect {
        Effect::Replace | Effect::MayReplace if is_version => Effect::Publish,
        effect => effect,
    };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Change { path, kind: text(change.resource_type()), physical_id: text(change.physical_resource_id()), effect }
}

impl Change {
    /// Describes the change in words.
    pub fn line(&self) -> String {
        let is_server = self.kind == "AWS::EC2::Instance";
        let words = match self.effect {
            Effect::Delete => "DELETE",
            Effect::Replace => "REPLACE",
            Effect::MayReplace => "MAY REPLACE",
            Effect::Modify => "modify",
            Effect::Publish => "publish",
            Effect::Add => "add",
            Effect::Other => "change",
        };
        let id = if self.physical_id.is_empty() { String::new() } else { format!("  {}", self.physical_id) };
        let server = match self.effect {
            Effect::Replace | Effect::MayReplace if is_server => {
                "\n               A new, empty server takes its place. The old one stays, with its data, outside the stack."
            }
            _ => "",
        };
        match self.effect {
            Effect::Delete | Effect::Replace | Effect::MayReplace => {
                format!("{words:<12} {} ({}){id}{server}", self.path, self.kind)
            }
            _ => format!("{words:<12} {} ({})", self.path, self.kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_cloudformation::{operation::create_change_set::CreateChangeSetOutput, types::Change as Listed};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    fn change(
        id: &str,
        kind: &str,
        action: ChangeAction,
        replacement: Option<Replacement>,
        nested: Option<&str>,
    ) -> Listed {
        let change = ResourceChange::builder().logical_resource_id(id).resource_type(kind).action(action);
        let change = change.set_replacement(replacement).set_change_set_id(nested.map(str::to_owned));
        Listed::builder().resource_change(change.build()).build()
    }

    fn output(changes: Vec<Listed>) -> DescribeChangeSetOutput {
        DescribeChangeSetOutput::builder().set_changes(Some(changes)).build()
    }

    #[tokio::test]
    async fn if_a_nested_change_set_fails_the_root_is_deployed_without_its_picture() {
        let create =
            mock!(Client::create_change_set).match_requests(|asked| asked.include_nested_stacks() == Some(true));
        let create = create.then_output(|| CreateChangeSetOutput::builder().id("whole").build());
        let flat =
            mock!(Client::create_change_set).match_requests(|asked| asked.include_nested_stacks() == Some(false));
        let flat = flat.then_output(|| CreateChangeSetOutput::builder().id("flat").build());
        let failed =
            mock!(Client::describe_change_set).match_requests(|asked| asked.change_set_name() == Some("whole"));
        let failed = failed.then_output(|| {
            let reason = "Nested change set arn:nested was not successfully created: Currently in FAILED.";
            DescribeChangeSetOutput::builder().status(ChangeSetStatus::Failed).status_reason(reason).build()
        });
        let nested =
            mock!(Client::describe_change_set).match_requests(|asked| asked.change_set_name() == Some("arn:nested"));
        let nested = nested.then_output(|| DescribeChangeSetOutput::builder().status_reason("Fn::Select").build());
        let made = mock!(Client::describe_change_set).match_requests(|asked| asked.change_set_name() == Some("flat"));
        let made = made.then_output(|| {
            let changes = vec![change("Backup", NESTED, ChangeAction::Modify, None, None)];
            DescribeChangeSetOutput::builder()
                .status(ChangeSetStatus::CreateComplete)
                .set_changes(Some(changes))
                .build()
        });
        let client =
            mock_client!(aws_sdk_cloudformation, RuleMode::MatchAny, &[&create, &flat, &failed, &nested, &made]);
        let request = Request {
            stack: "s",
            is_new: false,
            template: TemplateSource::Body("{}".to_owned()),
            parameters: &BTreeMap::new(),
            kept: BTreeSet::new(),
            tags: &[],
            role: None,
        };
        let made = ChangeSet::create(&client, &request, "name").await.unwrap().unwrap();
        assert_eq!((made.id.as_str(), made.changes.len(), nested.num_calls()), ("flat", 1, 1));
    }

    #[tokio::test]
    async fn nested_changes_are_listed_and_unchanged_nested_stacks_are_not() {
        let root = mock!(Client::describe_change_set).match_requests(|asked| asked.change_set_name() == Some("root"));
        let root = root.then_output(|| {
            output(vec![
                change("Environment", NESTED, ChangeAction::Modify, None, Some("environment")),
                change("Backup", NESTED, ChangeAction::Modify, None, Some("backup")),
            ])
        });
        let inner =
            mock!(Client::describe_change_set).match_requests(|asked| asked.change_set_name() == Some("environment"));
        let inner = inner.then_output(|| {
            let server = "AWS::EC2::Instance";
            output(vec![
                change("Alarm", "AWS::CloudWatch::Alarm", ChangeAction::Modify, Some(Replacement::False), None),
                change("WebServer", server, ChangeAction::Modify, Some(Replacement::True), None),
            ])
        });
        let empty =
            mock!(Client::describe_change_set).match_requests(|asked| asked.change_set_name() == Some("backup"));
        let empty = empty.then_output(|| output(Vec::new()));
        let client = mock_client!(aws_sdk_cloudformation, RuleMode::MatchAny, &[&root, &inner, &empty]);
        let found = changes(&client, "root").await.unwrap();
        let lines: Vec<_> = found.iter().map(Change::line).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("REPLACE      Environment/WebServer (AWS::EC2::Instance)"), "{}", lines[0]);
        assert!(lines[0].contains("A new, empty server takes its place."), "{}", lines[0]);
        assert_eq!(lines[1], "modify       Environment/Alarm (AWS::CloudWatch::Alarm)");
    }
}
