//! The descriptive tags of a snapshot: the tags of its volume, and the properties of the volume that a restore needs.

use crate::{
    messages::SelectedVolume,
    tags::{IDENTITY, MOST, NAME, OURS, RESTORE_AS, RESTORE_SERVER, Tags},
    tags_at_creation::TagsAtCreation,
    tags_not_copied::TagsNotCopied,
};

const DESCRIPTION: &str = "Description";
const CLIENT: &str = "Client";
const PROJECT: &str = "Project";
/// Maximum number of characters in the Description field of a snapshot (AWSEC2 API reference, CreateSnapshot).
const LONGEST_DESCRIPTION: usize = 255;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    pub client: String,
    pub project: String,
}

impl Owner {
    /// Returns `Client` and `Project`, from the parameters or else from the tags of the volume.
    pub(crate) fn tags(&self, volume: &Tags) -> Tags {
        let tag = |(key, parameter): (&str, &str)| {
            let parameter = Some(parameter).filter(|value| !value.is_empty());
            Some((key.to_owned(), parameter.or(non_empty(volume, key))?.to_owned()))
        };
        [(CLIENT, self.client.as_str()), (PROJECT, self.project.as_str())].into_iter().filter_map(tag).collect()
    }
}

/// The tags that tag-snapshot adds, and the keys of the volume's tags that do not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescriptiveTags {
    /// Tags to add. Together with the identity tags, there are at most 50.
    pub tags: Tags,
    /// Keys of the volume's tags that were dropped because of the limit of 50.
    pub dropped: Vec<String>,
}

/// Returns the descriptive tags for a snapshot of a volume. If a tag has a default, an empty tag of the volume counts as absent. The
/// creation tags get room first, because the snapshot already has them.
pub fn descriptive_tags(
    volume: &SelectedVolume,
    creation: &TagsAtCreation,
    foreign: &TagsNotCopied,
) -> DescriptiveTags {
    let (origin, server, volume_id, volume) = (&volume.origin, &volume.server, &volume.volume_id, &volume.tags);
    let mut tags = Tags::from([
        (NAME.to_owned(), non_empty(volume, NAME).unwrap_or(volume_id).to_owned()),
        (DESCRIPTION.to_owned(), description(volume)),
    ]);
    tags.extend(origin.as_ref().map(|origin| (RESTORE_AS.to_owned(), origin.to_string())));
    tags.extend(server.as_ref().map(|server| (RESTORE_SERVER.to_owned(), server.clone())));
    tags.extend(creation.owner().tags(volume));
    let room = MOST - IDENTITY.len() - tags.len();
    let is_others = |key: &str| creation.contains(key) && !tags.contains_key(key) || is_copied(key, foreign);
    let mut others: Vec<_> = volume.iter().filter(|(key, _)| is_others(key)).collect();
    others.sort_by_key(|(key, _)| !creation.contains(key));
    let (copied, dropped) = others.split_at(room.min(others.len()));
    tags.extend(copied.iter().map(|(key, value)| (key.to_string(), value.to_string())));
    DescriptiveTags { tags, dropped: dropped.iter().map(|(key, _)| key.to_string()).collect() }
}

/// Returns the tags of the volume of a described snapshot, as far as they were copied. Omits every tag that [`descriptive_tags`] would have
/// written without the volume's tag.
pub fn volume_tags(snapshot: &Tags, volume_id: &str) -> Tags {
    let mut tags = snapshot.clone();
    tags.retain(|key, value| match key.as_str() {
        NAME => value != volume_id,
        DESCRIPTION => *value != description(&Tags::new()),
        RESTORE_AS | RESTORE_SERVER => false,
        key => !IDENTITY.contains(&key) && !key.starts_with("aws:"),
    });
    tags
}

/// Returns the `Description` tag for a snapshot of a volume with these tags.
pub fn description(volume: &Tags) -> String {
    non_empty(volume, DESCRIPTION).unwrap_or("Created by snapshot-one").to_owned()
}

/// Returns the same text, cut to the maximum length of a snapshot's Description field.
pub fn snapshot_description(volume: &Tags) -> String {
    description(volume).chars().take(LONGEST_DESCRIPTION).collect()
}

fn non_empty<'a>(tags: &'a Tags, key: &str) -> Option<&'a str> {
    tags.get(key).map(String::as_str).filter(|value| !value.is_empty())
}

/// Returns whether a tag of the volume is copied. EC2 distinguishes tag keys by case, but IAM does not. So a volume's tag `backupstack`
/// must not be added beside ours.
fn is_copied(key: &str, foreign: &TagsNotCopied) -> bool {
    let mut ours = OURS.iter().chain(&[DESCRIPTION, CLIENT, PROJECT]);
    !key.starts_with("aws:") && !ours.any(|own| own.eq_ignore_ascii_case(key)) && !foreign.contains(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Intervals, origin::Origin, tags::identity};
    use proptest::{collection::btree_map, prelude::*};

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    fn volume(tags: Tags) -> SelectedVolume {
        let volume_id = "vol-1".to_owned();
        SelectedVolume { volume_id, tags, ..SelectedVolume::default() }
    }

    #[test]
    fn describes_a_volume_without_tags_by_its_id() {
        let described = descriptive_tags(&volume(tags(&[])), &TagsAtCreation::default(), &TagsNotCopied::default());
        assert_eq!(described.tags, tags(&[("Name", "vol-1"), ("Description", "Created by snapshot-one")]));
    }

    #[test]
    fn copies_the_volumes_tags_but_never_aws_ones_nor_an_identity() {
        let of = [("Name", "db"), ("aws:cloudformation:stack-name", "x"), ("Night", "1999-01-01"), ("Team", "")];
        let described = descriptive_tags(&volume(tags(&of)), &TagsAtCreation::default(), &TagsNotCopied::default());
        assert_eq!(described.tags, tags(&[("Name", "db"), ("Description", "Created by snapshot-one"), ("Team", "")]));
    }

    #[test]
    fn says_what_the_volume_was_and_takes_no_other_word_for_it() {
        let origin = Origin { kind: "gp3".into(), zone: "us-east-1a".into(), ..Origin::default() };
        let of = tags(&[("RestoreServer", "another"), ("RestoreAs", "type=sc1 zone=x")]);
        let volume = SelectedVolume { origin: Some(origin), server: Some("db".into()), ..volume(of) };
        let described = descriptive_tags(&volume, &TagsAtCreation::default(), &TagsNotCopied::default()).tags;
        assert_eq!(described["RestoreAs"], "type=gp3 zone=us-east-1a");
        assert_eq!(described["RestoreServer"], "db");
    }

    #[test]
    fn the_parameters_win_over_the_volumes_client_and_project() {
        let owner = Owner { client: "acme".into(), project: String::new() };
        let creation = TagsAtCreation::read(owner, "").unwrap();
        let described = descriptive_tags(
            &volume(tags(&[("Client", "other"), ("Project", "shop")])),
            &creation,
            &TagsNotCopied::default(),
        );
        assert_eq!(described.tags["Client"], "acme");
        assert_eq!(described.tags["Project"], "shop");
    }

    #[test]
    fn the_volumes_tags_are_read_back_from_its_snapshots() {
        let night = "2026-12-30".parse().unwrap();
        let intervals: Intervals = "Daily".parse().unwrap();
        for of in [tags(&[]), tags(&[("Name", "db"), ("Description", "ledger"), ("Client", "acme"), ("Team", "")])] {
            let origin = Some(Origin { kind: "gp3".into(), zone: "a".into(), ..Origin::default() });
            let mut snapshot = descriptive_tags(
                &SelectedVolume { origin, server: Some("db".into()), ..volume(of.clone()) },
                &TagsAtCreation::default(),
                &TagsNotCopied::default(),
            )
            .tags;
            snapshot.extend(identity("prod", night, &intervals, "default", "vol-1"));
            assert_eq!(volume_tags(&snapshot, "vol-1"), of);
        }
    }

    #[test]
    fn cuts_the_snapshots_own_description_by_characters() {
        let volume = tags(&[("Description", &"🦀".repeat(256))]);
        assert_eq!(snapshot_description(&volume), "🦀".repeat(255));
        assert_eq!(description(&volume), "🦀".repeat(256));
    }

    #[test]
    fn a_tag_of_creation_finds_room_before_all_others() {
        let mut of: Tags = (0..50).map(|number| (format!("k{number:02}"), String::new())).collect();
        of.insert("zone".into(), "z".into());
        let creation = TagsAtCreation::read(Owner::default(), "zone").unwrap();
        let described = descriptive_tags(&volume(of), &creation, &TagsNotCopied::default());
        assert!(described.tags.contains_key("zone") && described.tags.len() + IDENTITY.len() == MOST);
    }

    proptest! {
        #[test]
        fn never_exceeds_fifty_and_loses_no_key_silently(
            of in btree_map("(aws:)?[a-zA-Z]{1,6}|Name|Night|Client", ".{0,8}", 0..60),
            client in "(acme)?",
        ) {
            let creation = TagsAtCreation::read(Owner { client, project: String::new() }, "zzz").unwrap();
            let described = descriptive_tags(&SelectedVolume { server: Some("db".into()), ..volume(of.clone()) }, &creation, &TagsNotCopied::default());
            prop_assert!(described.tags.len() + IDENTITY.len() <= MOST);
            for key in of.keys().filter(|key| is_copied(key, &TagsNotCopied::default())) {
                prop_assert!(described.tags.contains_key(key) != described.dropped.contains(key));
            }
            let full = described.tags.len() + IDENTITY.len() == MOST;
            prop_assert!(described.dropped.is_empty() || full);
            let forbidden = |key: &String| key.starts_with("aws:") || IDENTITY.contains(&key.as_str());
            prop_assert!(!described.tags.keys().any(forbidden));
        }
    }
}
