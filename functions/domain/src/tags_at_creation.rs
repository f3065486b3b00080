//! The tags that an account requires in the request that creates a snapshot or a volume. Without them, a service control policy denies the
//! request (IAM user guide, "Controlling access during AWS requests").

use crate::{
    Error,
    descriptive_tags::Owner,
    tags::{OURS, Tags},
};

/// Maximum number of keys in the parameter. The limit leaves room for our tags and the volume's other tags.
const MOST: usize = 20;

/// The tags `Client` and `Project`, and the volume's tags with some keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagsAtCreation {
    owner: Owner,
    keys: Vec<String>,
}

impl TagsAtCreation {
    /// Parses the parameter `TagsAtCreation`, a comma-separated list of tag keys.
    ///
    /// # Errors
    /// [`crate::ErrorName::BadInput`] for a key that AWS or this project reserves, and for too many keys.
    pub fn read(owner: Owner, parameter: &str) -> Result<Self, Error> {
        let keys: Vec<_> =
            parameter.split(',').map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect();
        let is_reserved = |key: &&String| {
            key.to_ascii_lowercase().starts_with("aws:") || OURS.iter().any(|own| own.eq_ignore_ascii_case(key))
        };
        if let Some(wrong) = keys.iter().find(is_reserved) {
            let problem = "is a reserved tag key; remove it from the list";
            return Err(Error::bad_input("TagsAtCreation", format!("{wrong:?}"), problem));
        }
        if keys.len() > MOST {
            return Err(Error::bad_input(
                "TagsAtCreation",
                keys.len(),
                format!("keys are too many; name at most {MOST}"),
            ));
        }
        Ok(Self { owner, keys })
    }

    pub fn contains(&self, key: &str) -> bool {
        self.keys.iter().any(|own| own == key)
    }

    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Selects the tags for the request from the tags of the volume or of its snapshot.
    pub fn select(&self, tags: &Tags) -> Tags {
        let mut chosen = self.owner.tags(tags);
        let own = self.keys.iter().filter_map(|key| Some((key.clone(), tags.get(key)?.clone())));
        chosen.extend(own);
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parameter: &str) -> Result<TagsAtCreation, Error> {
        TagsAtCreation::read(Owner { client: "acme".into(), project: String::new() }, parameter)
    }

    #[test]
    fn the_owner_and_the_named_tags_go_with_the_request() {
        let volume = [("CostCenter", "42"), ("Project", "shop"), ("Team", "core"), ("Client", "other")];
        let volume = volume.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let selected = read("CostCenter, Environment").unwrap().select(&volume);
        let expected = [("Client", "acme"), ("CostCenter", "42"), ("Project", "shop")];
        assert_eq!(selected, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn a_key_that_cannot_be_a_volumes_own_is_refused() {
        for wrong in ["aws:x", "AWS:x", "Night", "backupstack", "Name"] {
            let refused = read(wrong).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("BadInput: TagsAtCreation \"{wrong}\" is a")), "{refused}");
        }
        assert!(read(&vec!["k"; 21].join(",")).is_err() && read(&vec!["k"; 20].join(",")).is_ok());
    }
}
