//! What the rounds of a drill left: the child executions of its Map Runs.

use aws::map_runs;
use aws_sdk_sfn::{Client, types::ExecutionStatus};
use domain::{
    Error,
    drill::{
        Item,
        messages::{Progress, RegionDrill, RoundInput, UnprovenOf},
    },
    step_functions::{Caught, Execution},
};
use ledger::{Ledger, Sorter};
use report::drill::{NotRemoved, Outcome, in_words};
use std::{collections::BTreeMap, time::Duration};

const OVER: [ExecutionStatus; 4] =
    [ExecutionStatus::Succeeded, ExecutionStatus::Failed, ExecutionStatus::TimedOut, ExecutionStatus::Aborted];
const LOOKS_AGAIN: usize = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 5_000 });

/// What the rounds of one Region left.
#[derive(Default)]
pub struct Left<'a> {
    /// What became of the restore points, by volume; none where no round was read.
    pub outcomes: Option<Sorter<'a, Outcome>>,
    /// Leftovers that are gone.
    pub removed: Vec<String>,
    /// Volumes that are still there.
    pub not_removed: Vec<NotRemoved>,
}

/// Reads the Map Runs of a drill's execution, by Region.
///
/// # Errors
/// `Throttled`, `Transient` or `Refused` from Step Functions, `Transient` or `Refused` from S3.
pub async fn read<'a>(
    sfn: &Client,
    ledger: &'a Ledger,
    execution: &Execution,
    regions: &[RegionDrill],
) -> Result<BTreeMap<String, Left<'a>>, Error> {
    let mut all = BTreeMap::<String, Left>::new();
    for child in settled(sfn, execution, regions).await? {
        let described = map_runs::describe_child(sfn, &child).await?;
        let output = described.output.as_deref().filter(|_| described.status == ExecutionStatus::Succeeded);
        let items = match output.and_then(|output| serde_json::from_str::<Vec<Progress>>(output).ok()) {
            Some(items) => items,
            None => {
                let round = described.input.as_deref().and_then(|input| serde_json::from_str(input).ok());
                round.map(|round| died(round, &map_runs::why_it_failed(described))).unwrap_or_default()
            }
        };
        for progress in items {
            let region = progress.region.clone();
            let name = execution.sorting_name(&region, "outcomes");
            let left = all.entry(region).or_default();
            left.not_removed.extend(NotRemoved::of(&progress));
            match progress.item.clone() {
                Item::Leftover(one) if progress.failure.is_empty() => left.removed.push(one.volume_id),
                Item::Leftover(_) => (),
                Item::Point(point) => {
                    let mut outcomes = left.outcomes.take().unwrap_or_else(|| Sorter::new(ledger, name));
                    outcomes.insert(Outcome::of(point, &progress)).await?;
                    left.outcomes = Some(outcomes);
                }
            }
        }
    }
    Ok(all)
}

/// What a round that died left: each of its items failed as it did.
fn died(round: RoundInput, caught: &Caught) -> Vec<Progress> {
    let RoundInput { region, round } = round;
    let of = |item: Item| Progress {
        region: region.clone(),
        zone: String::new(),
        instance: String::new(),
        execution: String::new(),
        place: 0,
        restored: None,
        checked: None,
        removed: None,
        failure: match item {
            Item::Point(_) => BTreeMap::from([("DrillRestore".to_owned(), caught.clone())]),
            Item::Leftover(_) => BTreeMap::from([("DrillRemove".to_owned(), caught.clone())]),
        },
        item,
    };
    round.items.into_iter().map(of).collect()
}

/// The child executions that are over; looked for again where fewer are listed than there are rounds: ListExecutions is eventually
/// consistent (Step Functions API reference).
async fn settled(sfn: &Client, execution: &Execution, regions: &[RegionDrill]) -> Result<Vec<String>, Error> {
    let is_whole = |region: &&RegionDrill| !region.failure.contains_key("DrillRounds");
    let rounds = regions.iter().filter(is_whole).filter_map(|region| region.rounds.as_ref());
    let expected: usize = rounds.map(|rounds| rounds.count).sum();
    let mut found = listed(sfn, execution).await?;
    for _ in 0..LOOKS_AGAIN {
        if found.len() >= expected {
            break;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
        found = listed(sfn, execution).await?;
    }
    Ok(found)
}

async fn listed(sfn: &Client, execution: &Execution) -> Result<Vec<String>, Error> {
    let mut children = Vec::new();
    for run in map_runs::map_runs_of(sfn, &execution.id).await? {
        children.extend(map_runs::child_executions(sfn, &run.map_run_arn, &OVER, usize::MAX).await?);
    }
    Ok(children)
}

/// Why a restore point that no round tells of is not proven.
pub fn not_tried(region: &RegionDrill, point: domain::drill::RestorePoint) -> Outcome {
    let why = region.failure.get("DrillRounds").map_or_else(
        || "no child execution tells of it".to_owned(),
        |caught| format!("DrillRounds: {}", in_words(caught)),
    );
    Outcome::NotTried(UnprovenOf::new(point, format!("NotTried: {why}")))
}
