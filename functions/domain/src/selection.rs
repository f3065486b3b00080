//! The selection of the in-use volumes to back up.

use crate::{Error, tags::Tags};

/// Tag that leaves a volume out if its value is `false`.
pub const OPT_OUT: &str = "Backup";

/// The selection by the `VolumeTag` parameter: volumes with one tag's key and value, or all volumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection(Option<(String, String)>);

impl Selection {
    /// Parses the `VolumeTag` parameter, which is empty or `Key=Value`. The key ends at the first `=`, so the value may contain more.
    pub fn read(parameter: &str) -> Result<Self, Error> {
        match parameter.split_once('=') {
            None if parameter.is_empty() => Ok(Self(None)),
            Some((key, value)) if !key.is_empty() => Ok(Self(Some((key.to_owned(), value.to_owned())))),
            _ => Err(Error::bad_input("VolumeTag", format!("{parameter:?}"), "must have the form Key=Value")),
        }
    }

    /// Returns whether an in-use volume with these tags is backed up.
    pub fn selects(&self, tags: &Tags) -> bool {
        let wanted = self.0.as_ref().is_none_or(|(key, value)| tags.get(key) == Some(value));
        wanted && !opted_out(tags)
    }
}

/// Returns whether a volume with these tags is left out, regardless of `VolumeTag`.
pub fn opted_out(tags: &Tags) -> bool {
    tags.get(OPT_OUT).is_some_and(|value| value.eq_ignore_ascii_case("false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn takes_every_volume_unless_it_opted_out() {
        let all = Selection::read("").unwrap();
        assert!(all.selects(&tags(&[])));
        assert!(all.selects(&tags(&[("Backup", "true")])));
        assert!(all.selects(&tags(&[("backup", "false")])));
        assert!(!all.selects(&tags(&[("Backup", "false")])));
        assert!(!all.selects(&tags(&[("Backup", "False")])));
    }

    #[test]
    fn narrows_to_one_tag_and_still_lets_a_volume_opt_out() {
        let narrow = Selection::read("Role=db=primary").unwrap();
        assert!(narrow.selects(&tags(&[("Role", "db=primary")])));
        assert!(!narrow.selects(&tags(&[("Role", "db")])));
        assert!(!narrow.selects(&tags(&[])));
        assert!(!narrow.selects(&tags(&[("Role", "db=primary"), ("Backup", "false")])));
    }

    #[test]
    fn says_what_is_wrong_with_a_volume_tag() {
        for text in ["Role", "=db"] {
            let error = Selection::read(text).unwrap_err();
            assert_eq!(error.to_string(), format!("BadInput: VolumeTag \"{text}\" must have the form Key=Value"));
        }
    }
}
