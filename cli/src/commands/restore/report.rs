//! A plan or its result as text.

use domain::Night;
use schemars::JsonSchema;
use serde::Serialize;

use super::plan::{AttachTarget, PlannedVolume, RestorePlan};
use crate::ui::{
    terminal::Terminal,
    text::{plural, safe},
};

/// Result of a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RestoreOutcome {
    /// Nothing was done, because of `--plan`.
    Planned,
    /// An earlier restore had already done everything.
    Found,
    Done,
    Partly,
}

impl RestorePlan {
    pub fn text(&self, outcome: RestoreOutcome, terminal: Terminal) -> String {
        let mut text = terminal.prose(0, &terminal.heading(&safe(&self.headline(outcome))));
        for planned in &self.volumes {
            text += "\n";
            text += &planned.text(self.night, self.attach.as_ref(), outcome, terminal);
        }
        for note in &self.notes {
            text += "\n";
            text += &terminal.prose(0, &safe(note));
        }
        for step in self.next(outcome) {
            text += "\n";
            text += &terminal.prose(0, &safe(&step));
        }
        text
    }

    fn headline(&self, outcome: RestoreOutcome) -> String {
        let what = match (&self.server, self.volumes.as_slice()) {
            (Some(name), volumes) => {
                format!("{} of {name} as of the Night {}", plural(volumes.len(), "volume"), self.night)
            }
            (None, [one]) => format!("{} as of {}", one.called(), one.time),
            (None, volumes) => plural(volumes.len(), "volume"),
        };
        match outcome {
            RestoreOutcome::Planned => format!("Would restore {what}. Nothing was changed."),
            RestoreOutcome::Found => format!("Restored before: {what}. Nothing was changed."),
            RestoreOutcome::Done => format!("Restored {what}."),
            RestoreOutcome::Partly => format!("NOT ALL RESTORED: {what}."),
        }
    }

    /// Returns the next steps.
    fn next(&self, outcome: RestoreOutcome) -> Vec<String> {
        if outcome == RestoreOutcome::Partly {
            return vec![
                "Next: fix the error, then run the same command again. It continues, and creates nothing twice."
                    .to_owned(),
            ];
        }
        if outcome == RestoreOutcome::Planned {
            return vec!["Next: run the same command without --plan.".to_owned()];
        }
        let ids: Vec<_> = self.volumes.iter().filter_map(|planned| planned.restored.as_deref()).collect();
        match &self.attach {
            // The note about the volume has the remedy.
            None if self.volumes.iter().any(|planned| planned.is_attached) => Vec::new(),
            None => {
                let first = self.volumes.first().map(|planned| planned.original.clone()).unwrap_or_default();
                let asked = self.server.as_ref().map_or(first, |name| format!("--server={}", quoted(name)));
                let delete = format!("`aws ec2 delete-volume --region {} --volume-id", self.region);
                vec![
                    format!("Next: `nightly restore {asked} --night {} --attach INSTANCE` attaches the new volumes.", self.night),
                    match ids.as_slice() {
                        [one] => format!("Not needed after all? {delete} {one}`"),
                        several => format!("Not needed after all? {delete}` with each of {}", several.join(", ")),
                    },
                ]
            }
            Some(target) if target.state == "stopped" => {
                vec![format!("Next: `aws ec2 start-instances --region {} --instance-ids {}`", self.region, target.instance_id)]
            }
            Some(target) if target.is_windows => vec![
                "Next, on the server, as Administrator: `Get-Disk` shows it (its SerialNumber is the volume's id without the hyphen); if it is offline, \
                 `Set-Disk -Number N -IsOffline $false` opens it, and `Set-Disk -Number N -IsReadOnly $false` allows writing."
                    .to_owned(),
            ],
            Some(_) => vec![
                "Next, on the server, as root: `lsblk -o NAME,SIZE,SERIAL,FSTYPE,MOUNTPOINT` shows it (SERIAL is the volume's id without the hyphen), \
                 and `mount -o ro,nouuid /dev/nvme1n1p1 /mnt`, with the NAME shown, opens an XFS (others without nouuid)."
                    .to_owned(),
            ],
        }
    }
}

/// Quotes a name for the shell, because anybody with permission to tag a server can choose it.
fn quoted(name: &str) -> String {
    shlex::try_quote(name).map_or_else(|_| "NAME".to_owned(), |quoted| quoted.into_owned())
}

impl PlannedVolume {
    fn called(&self) -> String {
        if self.name.is_empty() { self.original.clone() } else { format!("{} ({})", self.original, self.name) }
    }

    fn text(&self, night: Night, target: Option<&AttachTarget>, outcome: RestoreOutcome, terminal: Terminal) -> String {
        let made = match (&self.restored, outcome) {
            (Some(id), RestoreOutcome::Planned) => format!("{id}, which already exists"),
            (Some(id), _) => id.clone(),
            (None, RestoreOutcome::Planned) => "to be created".to_owned(),
            (None, _) => terminal.bad("not created"),
        };
        let mut lines = vec![("new volume", made)];
        if self.restored.is_some() || outcome == RestoreOutcome::Planned {
            lines.extend([
                ("original", safe(&self.called())),
                ("data from", format!("{}, {} of the Night {night}", self.time, self.snapshot_id)),
            ]);
        } else {
            lines.push(("original", safe(&self.called())));
        }
        lines.extend([("settings", self.attributes()), ("zone", self.origin.zone.clone())]);
        lines.extend(match target {
            Some(target) => Some(("attached", self.attachment(target, outcome))),
            None => self.origin.instance.as_ref().map(|instance| {
                ("was attached", format!("{} of {instance}", self.origin.device.as_deref().unwrap_or("a device")))
            }),
        });
        let tags: Vec<_> = self.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        lines.push(("tags", safe(&tags.join(", "))));
        lines.extend(self.notes.iter().map(|note| ("note", safe(note))));
        lines.into_iter().map(|(label, line)| terminal.prose(2, &format!("{label:<12} {line}"))).collect()
    }

    /// Returns the attributes: `gp3, 20 GiB, 3000 IOPS, 125 MiB/s, encrypted with arn:…`.
    fn attributes(&self) -> String {
        let origin = &self.origin;
        let parts = [
            Some(origin.kind.clone()),
            Some(format!("{} GiB", self.gibibytes)),
            origin.iops.map(|iops| format!("{iops} IOPS")),
            origin.throughput.map(|throughput| format!("{throughput} MiB/s")),
            origin.multi_attach.then(|| "multi-attach".to_owned()),
            Some(match &self.kms_key_id {
                Some(key) => format!("encrypted with {key}"),
                None if self.is_encrypted => "encrypted".to_owned(),
                None => "not encrypted".to_owned(),
            }),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn attachment(&self, target: &AttachTarget, outcome: RestoreOutcome) -> String {
        let device = self.origin.device.as_deref().unwrap_or_default();
        let name = Some(&target.name).filter(|name| !name.is_empty()).map(|name| format!(", {}", safe(name)));
        let place = format!("to {} ({}{}) at {device}", target.instance_id, target.state, name.unwrap_or_default());
        if self.is_attached || outcome == RestoreOutcome::Planned { place } else { format!("not yet, {place}") }
    }
}
