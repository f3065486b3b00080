//! Chooses the device at which a volume is attached.

use anyhow::{Result, bail};

use crate::account::ec2::Instance;

/// Disk of a root volume, as returned by [`disk`].
pub const ROOT: &str = "a";

/// Returns the part that two names of one device share. EC2 attaches nothing at `/dev/sdf` while `/dev/xvdf` is in use, and `/dev/sda1` is
/// the same device as `/dev/xvda`.
pub fn disk(name: &str) -> &str {
    let bare = name.strip_prefix("/dev/").unwrap_or(name);
    let disk = bare.strip_prefix("xvd").or(bare.strip_prefix("sd")).unwrap_or(bare);
    match disk.strip_prefix(ROOT) {
        Some(number) if number.chars().all(|one| one.is_ascii_digit()) => ROOT,
        _ => disk,
    }
}

/// Chooses the device for a volume. `had` is the device of the original. If `exactly`, no other device is chosen. A root volume goes to the
/// root device of the instance, which may have another name than on the original server.
///
/// # Errors
/// The device is in use, or none is free.
pub fn choose(instance: &Instance, asked: Option<&str>, had: Option<&str>, exactly: bool) -> Result<String> {
    let here = |device: &str| match instance.root.as_str() {
        root if !root.is_empty() && disk(device) == disk(root) => root.to_owned(),
        _ => device.to_owned(),
    };
    let (asked, had) = (asked.map(here), had.map(here));
    let wanted = asked.or(had.clone().filter(|_| exactly));
    match (wanted, had) {
        (Some(wanted), _) => match user(instance, &wanted) {
            None => Ok(wanted),
            Some((device, volume)) => bail!("{}", in_use(instance, device, volume)),
        },
        (None, Some(had)) if user(instance, &had).is_none() => Ok(had),
        _ => match free(instance) {
            Some(free) => Ok(free),
            None => bail!("{} has no free device of /dev/sdf to /dev/sdp: give --device", instance.called()),
        },
    }
}

/// Returns the name of a device on the instance, and the volume that is attached there.
fn user<'a>(instance: &'a Instance, device: &str) -> Option<(&'a String, &'a String)> {
    instance.devices.iter().find(|(name, _)| disk(name) == disk(device))
}

/// Returns the first free name that AWS recommends for data volumes (EC2 user guide, "Device names for volumes on Amazon EC2 instances").
fn free(instance: &Instance) -> Option<String> {
    let prefix = if instance.is_windows { "xvd" } else { "/dev/sd" };
    let mut names = ('f'..='p').map(|letter| format!("{prefix}{letter}"));
    names.find(|name| user(instance, name).is_none())
}

fn in_use(instance: &Instance, device: &str, volume: &str) -> String {
    let Instance { id, region, .. } = instance;
    let detach = format!("`aws ec2 detach-volume --region {region} --volume-id {volume} --instance-id {id}`");
    let stop = format!("`aws ec2 stop-instances --region {region} --instance-ids {id}`");
    let first = match (disk(device) == ROOT, instance.state.as_str()) {
        (true, "stopped") => format!("It is its root volume: {detach}"),
        (true, _) => format!("It is its root volume: {stop}, and when it is stopped {detach}"),
        (false, _) => format!("Unmount it on the server, then {detach}"),
    };
    format!("{device} of {} is in use by {volume}. {first}; and run this again", instance.called())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_two_spellings_and_so_has_the_root() {
        for (one, other) in
            [("/dev/sdf", "/dev/xvdf"), ("xvdf", "/dev/sdf"), ("/dev/sda1", "/dev/xvda"), ("/dev/sda", "/dev/sda1")]
        {
            assert_eq!(disk(one), disk(other), "{one} {other}");
        }
        for (one, other) in [("/dev/sdf", "/dev/sdg"), ("/dev/xvdaa", "/dev/xvda"), ("/dev/sdf", "/dev/sdf1")] {
            assert_ne!(disk(one), disk(other), "{one} {other}");
        }
    }
}
