//! Carries out a plan: creates the volumes, waits for them, and attaches them. Each call can be repeated, because nothing is created twice.

use anyhow::{Result, bail};
use aws::snapshots::ec2_tags;
use aws_sdk_ec2::{
    error::ProvideErrorMetadata,
    types::{ResourceType, TagSpecification, VolumeType},
};
use domain::tags::RESTORED_FROM;
use jiff::Timestamp;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, sleep};

use super::plan::{AttachTarget, PlannedVolume, RestorePlan};
use crate::{
    account::{
        ec2::{Region, Volume, filter, timestamp},
        error,
    },
    ui::progress::{MapCounts, Progress},
};

/// Pause between polls.
const PAUSE: Duration = Duration::from_millis(1_000);
/// Time for which EC2 may not find a volume that it has just created (EC2 developer guide, "Ensuring idempotency and eventual consistency").
const UNSEEN: Duration = Duration::from_secs(5);
/// Age in seconds at which EC2 finds every volume that exists. The error of the caller's clock is smaller (IAM user guide, "Elements of an
/// AWS API request signature").
const OLD: i64 = 300;
/// Age in seconds below which a volume was created by this call.
pub const SECONDS_OF_A_NEW_VOLUME: i64 = 5;
/// Maximum time to wait for a volume or an attachment. After that, a person should look at it.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// Maximum number of volumes of one restore point and zone that somebody may create and delete, one after the other.
const TURNS: usize = 100;

/// Executor of a plan. Records the progress in the plan.
pub struct Maker {
    pub region: Region,
    pub progress: Progress,
}

impl Maker {
    /// Creates every missing volume, waits for all of them, and attaches them. If one could not be created, attaches none.
    pub async fn carry_out(&mut self, plan: &mut RestorePlan) -> Result<()> {
        let mut problems = Vec::new();
        for planned in &mut plan.volumes {
            match self.create_volume(planned).await {
                Ok(id) => planned.restored = Some(id),
                Err(problem) => problems.push(format!("{}: {problem:#}", planned.original)),
            }
        }
        self.await_volumes(&mut plan.volumes, &mut problems).await?;
        match (problems.len(), plan.volumes.len()) {
            (0, _) => self.attach(plan).await,
            (1, 1) => bail!("{}", problems.remove(0)),
            (failed, all) => bail!("{failed} of {all} volumes not restored: {}", problems.join("; ")),
        }
    }

    /// Returns the id of the volume. Creates the volume if it does not exist.
    async fn create_volume(&self, planned: &PlannedVolume) -> Result<String> {
        if let Some(id) = &planned.restored {
            return Ok(id.clone());
        }
        for turn in 0..TURNS {
            let asked_at = Timestamp::now();
            let Some((id, started)) = self.create(planned, turn).await? else {
                // The token was used for a volume with other attributes. Another restore is creating that volume now, or it is gone.
                let made = self.region.volumes(&[filter("tag-key", [RESTORED_FROM])]).await?;
                match made.iter().find(|volume| is_made(volume, planned)) {
                    Some(other) => return Ok(other.id.clone()),
                    None => continue,
                }
            };
            let age = started.map_or(i64::MAX, |started| asked_at.duration_since(started).as_secs());
            match self.wait_until_listed(&id, if age < OLD { UNSEEN } else { Duration::ZERO }).await? {
                Some(volume) if volume.state == "error" && !planned.failed.contains(&id) => {
                    bail!("{}", failed(planned, &id, "in error"))
                }
                Some(volume) if is_made(&volume, planned) => {
                    let what = format!("{id} of {} in {}", planned.snapshot_id, planned.origin.zone);
                    self.progress.say(Timestamp::now(), "CreateVolume", &what);
                    return Ok(id);
                }
                // The volume failed earlier, or somebody removed its tag to restore a second copy.
                Some(_) => {}
                None if age < SECONDS_OF_A_NEW_VOLUME => bail!("{}", failed(planned, &id, "deleted")),
                // The token belongs to a volume that somebody deleted.
                None => {}
            }
        }
        bail!("{TURNS} volumes of {} in {} were deleted", planned.snapshot_id, planned.origin.zone)
    }

    /// Creates the volume of a token, or finds it if an earlier call created it. Returns its id and creation time, or none if the token was
    /// used for another request.
    async fn create(&self, planned: &PlannedVolume, turn: usize) -> Result<Option<(String, Option<Timestamp>)>> {
        let tags = ec2_tags(planned.tags.clone());
        let tags = TagSpecification::builder().resource_type(ResourceType::Volume).set_tags(Some(tags)).build();
        let origin = &planned.origin;
        let call =
            self.region.client.create_volume().client_token(token(planned, turn)).snapshot_id(&planned.snapshot_id);
        let call = call.availability_zone(&origin.zone).size(planned.gibibytes).tag_specifications(tags);
        let call = call.volume_type(VolumeType::from(origin.kind.as_str()));
        let call = call.set_iops(origin.iops).set_throughput(origin.throughput);
        let call = call.set_multi_attach_enabled(origin.multi_attach.then_some(true));
        let call = call.set_encrypted(planned.is_encrypted.then_some(true)).set_kms_key_id(planned.kms_key_id.clone());
        match call.send().await {
            Ok(made) => {
                let started = made.create_time().and_then(timestamp);
                Ok(made.volume_id.map(|id| (id, started)))
            }
            Err(error) if error.code() == Some("IdempotentParameterMismatch") => Ok(None),
            Err(error) => Err(error::from_sdk("CreateVolume", error)),
        }
    }

    /// Returns a volume as soon as EC2 finds it, or none if EC2 does not find it within `patience`.
    async fn wait_until_listed(&self, id: &str, patience: Duration) -> Result<Option<Volume>> {
        let until = Instant::now() + patience;
        loop {
            let found = self.region.volumes(&[filter("volume-id", [id])]).await?;
            let found = found.into_iter().find(|volume| !volume.state.starts_with("delet"));
            if found.is_some() || Instant::now() > until {
                return Ok(found);
            }
            sleep(PAUSE).await;
        }
    }

    /// Waits until each created volume is ready or has failed. The SDK's own waiter would keep waiting for a volume that failed.
    async fn await_volumes(&mut self, volumes: &mut [PlannedVolume], problems: &mut Vec<String>) -> Result<()> {
        let total = volumes.iter().filter(|planned| planned.restored.is_some()).count();
        let until = Instant::now() + LONGEST_WAIT;
        loop {
            let ids: Vec<_> =
                volumes.iter().filter(|one| !one.is_there).filter_map(|one| one.restored.clone()).collect();
            if ids.is_empty() {
                self.progress.settle();
                return Ok(());
            }
            let found = self.region.volumes(&[filter("volume-id", &ids)]).await?;
            let states: BTreeMap<_, _> = found.iter().map(|one| (one.id.as_str(), one.state.as_str())).collect();
            let mut creating = None;
            for planned in volumes.iter_mut().filter(|planned| !planned.is_there) {
                let Some(id) = planned.restored.clone() else { continue };
                let what = match states.get(id.as_str()) {
                    Some(&"available" | &"in-use") => {
                        planned.is_there = true;
                        continue;
                    }
                    Some(&"creating") => {
                        creating = Some(id);
                        continue;
                    }
                    Some(&"error") => "in error",
                    _ => "deleted",
                };
                problems.push(format!("{}: {}", planned.original, failed(planned, &id, what)));
                planned.restored = None;
            }
            self.show("volumes", total, volumes.iter().filter(|planned| planned.is_there).count());
            let Some(id) = creating else { continue };
            if Instant::now() > until {
                bail!(
                    "{id} is still creating after {} min; run this again to keep waiting",
                    LONGEST_WAIT.as_secs() / 60
                );
            }
            sleep(PAUSE).await;
        }
    }

    async fn attach(&mut self, plan: &mut RestorePlan) -> Result<()> {
        let Some(target) = plan.attach.clone() else { return Ok(()) };
        for place in 0..plan.volumes.len() {
            let planned = &plan.volumes[place];
            let (Some(id), Some(device), false) = (&planned.restored, &planned.origin.device, planned.is_attached)
            else {
                continue;
            };
            let call = self.region.client.attach_volume().volume_id(id).instance_id(&target.instance_id);
            if let Err(error) = call.device(device).send().await {
                let error =
                    error::from_sdk("AttachVolume", error).context(format!("{id} was created, but is not attached"));
                self.note_attached(plan, &target).await?;
                // An earlier attempt or a concurrent restore may have attached it.
                if !plan.volumes[place].is_attached {
                    return Err(error);
                }
            }
        }
        let until = Instant::now() + LONGEST_WAIT;
        while let Some(id) = self.note_attached(plan, &target).await? {
            if Instant::now() > until {
                let (instance, minutes) = (&target.instance_id, LONGEST_WAIT.as_secs() / 60);
                bail!("{id} was created, but is not attached to {instance} after {minutes} min");
            }
            sleep(PAUSE).await;
        }
        self.progress.settle();
        Ok(())
    }

    /// Records the volumes that are attached. Returns one that is not attached yet.
    async fn note_attached(&mut self, plan: &mut RestorePlan, target: &AttachTarget) -> Result<Option<String>> {
        let attached = self.region.volumes(&[filter("attachment.instance-id", [&target.instance_id])]).await?;
        let mut missing = None;
        for planned in plan.volumes.iter_mut().filter(|planned| !planned.is_attached) {
            let Some(id) = &planned.restored else { continue };
            if !attached.iter().any(|volume| volume.id == *id) {
                missing = Some(id.clone());
                continue;
            }
            let device = planned.origin.device.as_deref().unwrap_or_default();
            self.progress.say(Timestamp::now(), "AttachVolume", &format!("{id} to {} at {device}", target.instance_id));
            planned.is_attached = true;
        }
        let done = plan.volumes.iter().filter(|planned| planned.is_attached).count();
        self.show("attached", plan.volumes.len(), done);
        Ok(missing)
    }

    fn show(&mut self, what: &'static str, total: usize, done: usize) {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let (total, done) = (number(total), number(done));
        self.progress.show(what, MapCounts { total, done, failed: 0, in_flight: total - done });
    }
}

fn is_made(volume: &Volume, planned: &PlannedVolume) -> bool {
    volume.tags.get(RESTORED_FROM) == Some(&planned.snapshot_id)
        && volume.origin.zone == planned.origin.zone
        && matches!(volume.state.as_str(), "creating" | "available" | "in-use")
}

/// Returns the client token. For one restore point and zone, EC2 creates one volume, regardless of the number of calls and callers (EC2
/// developer guide, "Ensuring idempotency"; at most 64 characters). If that volume is gone, the next turn creates another.
fn token(planned: &PlannedVolume, turn: usize) -> String {
    format!("nightly-{}-{}-{turn}", planned.snapshot_id, planned.origin.zone)
}

/// Returns the error for a volume that failed, with the usual cause. If EBS cannot use a KMS key, it only reports that the volume does not
/// exist (EBS user guide, "How Amazon EBS encryption works").
fn failed(planned: &PlannedVolume, id: &str, what: &str) -> String {
    let which = planned.kms_key_id.as_ref().map(|key| format!(": `aws kms describe-key --key-id {key}`"));
    let cause = match planned.is_encrypted {
        true => {
            "usual cause: its KMS key is disabled, pending deletion, or not allowed for you".to_owned()
                + &which.unwrap_or_default()
        }
        false => "look at the AWS Health Dashboard".to_owned(),
    };
    format!("EBS could not create a volume from {}: {id} is {what}; {cause}; then run this again", planned.snapshot_id)
}
