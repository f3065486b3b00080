//! Snapshots of AWS Marketplace images.

use anyhow::{Result, bail};
use aws_sdk_ec2::types::{ProductCodeValues, SnapshotAttributeName};

use super::plan::RestorePlan;
use crate::account::{ec2::Region, error};

/// Refuses to attach a volume with a Marketplace product code to a running instance, because EC2 only attaches it to a stopped one (AWS EC2
/// API reference, AttachVolume). A volume has the product codes of its snapshot. If the codes cannot be read, the plan gets a note.
///
/// # Errors
/// A restore point has a Marketplace product code.
pub async fn require_stopped(region: &Region, plan: &mut RestorePlan) -> Result<()> {
    let Some(target) = plan.attach.as_ref().filter(|target| target.state == "running") else { return Ok(()) };
    for planned in plan.volumes.iter().filter(|planned| !planned.is_attached) {
        let id = &planned.snapshot_id;
        let asked = region.client.describe_snapshot_attribute().snapshot_id(id);
        let codes = match asked.attribute(SnapshotAttributeName::ProductCodes).send().await {
            Ok(answer) => answer.product_codes.unwrap_or_default(),
            Err(error) => {
                plan.notes.push(format!(
                    "{:#}: it is unknown whether {id} has an AWS Marketplace product code.",
                    error::from_sdk("DescribeSnapshotAttribute", error)
                ));
                return Ok(());
            }
        };
        let is_marketplace =
            |code: &aws_sdk_ec2::types::ProductCode| code.product_code_type() == Some(&ProductCodeValues::Marketplace);
        if let Some(code) = codes.iter().find(|code| is_marketplace(code)).and_then(|code| code.product_code_id()) {
            bail!(
                "{id} has the AWS Marketplace product code {code}, and its volume can be attached to a stopped instance only: \
                 `aws ec2 stop-instances --region {} --instance-ids {}`, and run this again when it is stopped",
                region.name,
                target.instance_id
            );
        }
    }
    Ok(())
}
