//! Stops a drill in each of its states. It is reported in an email, and the next drill deletes its volumes.

use serde_json::json;
use std::sync::{Arc, Mutex};
use strict_ec2::Call;

use crate::drill::DrillCloud;

/// A state in which the drill is stopped, and the call that shows that the drill has reached it.
type State = (&'static str, fn(&Call) -> bool);

const STATES: [State; 6] = [
    ("DrillChoose", |call| call.action == "DescribeSnapshots"),
    ("RemoveLeftovers", |call| call.is_filtered("DescribeVolumes", "tag:RestoreDrill")),
    ("DrillRestore", |call| call.action == "CreateVolume"),
    ("DrillCheck, or DrillRemove as it looks", |call| {
        call.action == "DescribeVolumes" && !call.filters().iter().any(|(name, _)| name.starts_with("tag:"))
    }),
    ("DrillRemove", |call| call.action == "DeleteVolume"),
    ("DrillRemove, the last", |call| call.action == "DeleteVolume" && call.number % 2 == 0),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_that_is_stopped_is_mailed_and_the_next_leaves_nothing_of_it() {
    stop_in("drill-death", &STATES[2..3]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_that_is_stopped_in_any_state_is_mailed_and_the_next_leaves_nothing_of_it_in_full() {
    stop_in("drill-deaths", &STATES).await;
}

async fn stop_in(name: &str, states: &'static [State]) {
    let ground = DrillCloud::lay(name, &[]).await;
    ground.night("2027-01-02").await;
    for (state, is_in) in states {
        let sfn = aws_sdk_sfn::Client::new(&ground.cloud.aws().await);
        let running: Arc<Mutex<Option<String>>> = Arc::default();
        let stopped = running.clone();
        ground.strict.before(move |call| {
            let running = if is_in(&call) { stopped.lock().unwrap().take() } else { None };
            let sfn = sfn.clone();
            Box::pin(async move {
                if let Some(execution) = running {
                    sfn.stop_execution().execution_arn(execution).send().await.expect("it is stopped");
                }
            })
        });
        // Holds the call until the ARN is known.
        let start = {
            let mut running = running.lock().unwrap();
            let execution = tokio::task::block_in_place(|| {
                let start = ground.cloud.start("DRILL_STATE_MACHINE_ARN", json!({"all": true}));
                tokio::runtime::Handle::current().block_on(start)
            });
            *running = Some(execution.clone());
            execution
        };
        assert_eq!(ground.cloud.ended(start).await.status, "ABORTED", "{state}");
        ground.strict.before(|_| Box::pin(async {}));
        // The email comes from EventBridge.
        let mut mail = Vec::new();
        for _ in 0..120 {
            mail.extend(ground.cloud.mail(&ground.mailbox).await);
            if !mail.is_empty() {
                break;
            }
        }
        assert!(
            mail.len() == 1 && mail[0].1.contains(" of nightly-backup ended ABORTED without a report"),
            "{state}: {mail:?}"
        );
        assert!(mail[0].1.contains("nightly drill --stack nightly-backup"), "{}", mail[0].1);

        let next = ground.drill().await;
        assert_eq!(next.status, "SUCCEEDED", "{state}: {} {}", next.error, next.cause);
        assert!(ground.made().await.is_empty(), "{state}: {:?}", ground.made().await);
        assert!(ground.cloud.mail(&ground.mailbox).await.is_empty(), "{state}");
    }
}
