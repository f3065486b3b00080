//! Tests that differ only in data share one cloud. Each has its own backup, with two servers in its own Region.

use std::{future::Future, pin::Pin};
use tests::cloud::Cloud;
use tokio::task::JoinSet;

use crate::{bad_input, coverage, schedule, selection};

type Story = fn(Cloud) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// The name of a stack, its Region, its parameters and its test.
const STORIES: [(&str, &str, &[&str], Story); 7] = [
    ("schedule", "us-east-2", &["ScheduleExpression=rate(1 minute)"], |cloud| {
        Box::pin(schedule::the_schedule_starts_the_run_with_its_scheduled_time(cloud))
    }),
    ("foretold", "eu-west-1", &["Keep=Daily=1,Quarterly=1,Annual=forever"], |cloud| {
        Box::pin(coverage::a_snapshot_goes_on_the_very_night_that_list_and_why_announce(cloud))
    }),
    ("coverage", "eu-west-2", &[], |cloud| {
        Box::pin(coverage::coverage_is_whole_after_a_night_and_a_new_server_comes_first_until_the_next(cloud))
    }),
    ("gone", "eu-west-3", &["Keep=Daily=3,Quarterly=5,Annual=forever"], |cloud| {
        Box::pin(coverage::a_gone_volume_is_listed_by_its_name_and_loses_by_age_what_was_announced(cloud))
    }),
    ("bad-input", "us-west-1", &[], |cloud| Box::pin(bad_input::a_malformed_time_and_an_unknown_key_are_named(cloud))),
    ("bad-region", "us-west-2", &["Regions=us-west-2,mars-north-1"], |cloud| {
        Box::pin(bad_input::a_region_that_does_not_exist_stops_the_other_regions_too(cloud))
    }),
    ("selection", "ca-central-1", &["VolumeTag=Role=db=primary"], |cloud| {
        Box::pin(selection::a_volume_tag_narrows_the_night_and_one_that_matches_nothing_is_no_success(cloud))
    }),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn backups_side_by_side_in_one_account_do_what_each_does_alone() {
    let cloud = Cloud::up("side-by-side", &[]);
    let mut stories = JoinSet::new();
    for (stack, region, parameters, story) in STORIES {
        let cloud = cloud.beside(stack, region, parameters);
        stories.spawn(async move { tokio::spawn(story(cloud)).await.map_err(|error| format!("{stack}: {error}")) });
    }
    let ended = stories.join_all().await;
    let failed: Vec<_> = ended.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
