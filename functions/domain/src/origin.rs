//! Properties of the original volume that its snapshot does not store. A restore creates the new volume with them.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

use crate::tags::{self, Tags};

/// The properties of a volume at the time of its snapshot. EC2 does not store them with the snapshot (AWSEC2 API reference, Snapshot). So
/// the snapshot has the tag [`tags::RESTORE_AS`], written as `type=gp3 iops=3000 throughput=125 zone=us-east-1a device=/dev/xvda
/// instance=i-0123`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// Volume type, as EC2 writes it, such as `gp3`.
    #[serde(rename = "type")]
    pub kind: String,
    /// I/O operations per second, if the volume type has the setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iops: Option<i32>,
    /// MiB per second, if the volume type has the setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput: Option<i32>,
    pub zone: String,
    /// Device name of the first attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Instance of the first attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Whether the volume may be attached to several instances at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub multi_attach: bool,
}

impl Origin {
    /// Reads the properties of the volume from a snapshot's tags. Returns none if the snapshot is older than the tag, or if somebody
    /// changed the tag to an invalid value.
    pub fn from_tags(snapshot: &Tags) -> Option<Self> {
        snapshot.get(tags::RESTORE_AS)?.parse().ok()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type={}", self.kind)?;
        let number = |number: Option<i32>| number.map(|number| number.to_string());
        for (name, value) in [
            ("iops", number(self.iops)),
            ("throughput", number(self.throughput)),
            ("zone", Some(self.zone.clone())),
            ("device", self.device.clone()),
            ("instance", self.instance.clone()),
            ("multi-attach", self.multi_attach.then(|| "true".to_owned())),
        ] {
            if let Some(value) = value {
                write!(f, " {name}={value}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Origin {
    type Err = String;

    /// Parses the output of `Display`. Ignores an unknown name, because it comes from a later release.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut origin = Self::default();
        for word in text.split(' ') {
            let (name, value) = word.split_once('=').ok_or_else(|| format!("{word:?} is no name=value"))?;
            let number = || value.parse().map(Some).map_err(|_| format!("{name}: {value:?} is not a number"));
            match name {
                "type" => origin.kind = value.to_owned(),
                "iops" => origin.iops = number()?,
                "throughput" => origin.throughput = number()?,
                "zone" => origin.zone = value.to_owned(),
                "device" => origin.device = Some(value.to_owned()),
                "instance" => origin.instance = Some(value.to_owned()),
                "multi-attach" => origin.multi_attach = value == "true",
                _ => {}
            }
        }
        if origin.kind.is_empty() || origin.zone.is_empty() {
            return Err(format!("{text:?} has no type or no zone"));
        }
        Ok(origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{option, prelude::*};

    proptest! {
        #[test]
        fn reads_back_what_it_writes_within_the_length_of_a_tag(
            kind in "[a-z]{2,3}[0-9]?", iops in option::of(100..256_000i32), throughput in option::of(125..2_000i32),
            device in option::of("/dev/[a-z0-9]{3,8}"), instance in option::of("i-[0-9a-f]{17}"), multi_attach in any::<bool>(),
        ) {
            let zone = "ap-northeast-1a".to_owned();
            let origin = Origin { kind, iops, throughput, zone, device, instance, multi_attach };
            let text = origin.to_string();
            prop_assert!(text.len() <= 256);
            prop_assert_eq!(text.parse(), Ok(origin));
        }
    }

    #[test]
    fn what_somebody_changed_is_not_believed() {
        for text in ["", "gp3", "type=gp3", "type=gp3 zone=a iops=many"] {
            let tags = Tags::from([(tags::RESTORE_AS.to_owned(), text.to_owned())]);
            assert_eq!(Origin::from_tags(&tags), None, "{text}");
        }
        let later = "type=gp3 zone=a colour=blue".parse::<Origin>().unwrap();
        assert_eq!((later.kind.as_str(), later.zone.as_str()), ("gp3", "a"));
    }
}
