//! An EC2 endpoint that stands between the callers and the EC2 of a local cloud, and behaves like the real one.
//!
//! A local cloud never throttles, never pages, completes every snapshot at once and never loses an answer; EC2 does all of it
//! every night. [`StrictEc2`] listens on the loopback for `AWS_ENDPOINT_URL_EC2`, keeps the [`Rules`] that it is given, and
//! does on demand what goes wrong ([`Fault`]).
//!
//! ```no_run
//! # async fn example() {
//! use strict_ec2::{Fault, Rules, StrictEc2};
//!
//! let ec2 = StrictEc2::listen(Rules { page: Some(3), empty_pages: true, ..Rules::default() });
//! ec2.forward_to("http://127.0.0.1:4567");
//! // The answer to the first CreateSnapshot is lost; the snapshot is made.
//! ec2.inject(Fault::LostAnswer, |call| call.action == "CreateSnapshot" && call.number == 1);
//! println!("AWS_ENDPOINT_URL_EC2={}", ec2.url);
//! # }
//! ```
//!
//! # Layout
//! - [`Rules`]: what is enforced. - [`Fault`]: what goes wrong. - [`Call`]: what either is told.
//! - `server`: the endpoint, with `buckets`, `pages`, `snapshots` and `volumes` for the rules of their names.

mod answer;
mod buckets;
mod call;
mod fault;
mod pages;
mod rules;
mod server;
mod snapshots;
mod volumes;

pub use call::Call;
pub use fault::Fault;
pub use rules::{NewSnapshots, NewVolumes, Rules, SnapshotState, Throttle, VolumeState};

use server::Server;
use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, runtime::Runtime};

/// What a test does before a call is heard.
pub type Before = dyn Fn(Call) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// A call and what came of it.
#[derive(Clone, Debug)]
pub struct Record {
    /// `CreateSnapshot`
    pub action: String,
    /// The Region that the caller signed for.
    pub region: String,
    /// The snapshot, the volume or the resource that it was about.
    pub subject: Option<String>,
    /// `Ok`, EC2's code, or `cut` where the connection was.
    pub answer: String,
    /// When it came.
    pub at: Instant,
}

/// An endpoint that listens. It has a runtime of its own, so that it answers while the test blocks; dropped, it ends.
pub struct StrictEc2 {
    /// Its address, for `AWS_ENDPOINT_URL_EC2`.
    pub url: String,
    server: Arc<Server>,
    runtime: Option<Runtime>,
}

impl StrictEc2 {
    /// Listens on a free port of the loopback; [`StrictEc2::forward_to`] says where it hands calls on to.
    pub fn listen(rules: Rules) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        listener.set_nonblocking(true).expect("a socket that does not block");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let server = Arc::new(Server::new(client, rules));
        let accepting = server.clone();
        runtime.spawn(async move { accepting.accept(TcpListener::from_std(listener).expect("a listener")).await });
        Self { url, server, runtime: Some(runtime) }
    }

    /// Hands what the rules let through on to the EC2 at this address. Said once.
    pub fn forward_to(&self, upstream: &str) {
        assert!(self.server.upstream.set(upstream.to_owned()).is_ok(), "strict-ec2 has one upstream");
    }

    /// Other rules from now on.
    pub fn set_rules(&self, rules: Rules) {
        self.server.state().rules = rules;
    }

    /// Lets this go wrong with each call for which `when` says so. Of several faults the first injected strikes.
    pub fn inject(&self, fault: Fault, when: impl FnMut(&Call) -> bool + Send + 'static) {
        self.server.state().faults.push((fault, Box::new(when)));
    }

    /// Nothing goes wrong any more.
    pub fn clear_faults(&self) {
        self.server.state().faults.clear();
    }

    /// Does this before each call is heard, in place of what was done before.
    pub fn before(&self, before: impl Fn(Call) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static) {
        *self.server.before.lock().expect("nobody panics with it") = Some(Arc::new(before));
    }

    /// Says what state a snapshot is in from now on.
    pub fn set_state(&self, snapshot_id: &str, state: SnapshotState) {
        self.server.state().snapshots.set_state(snapshot_id, state);
    }

    /// Says what state a volume is in from now on.
    pub fn set_volume_state(&self, volume_id: &str, state: VolumeState) {
        self.server.state().volumes.set_state(volume_id, state);
    }

    /// Says that a registered AMI uses a snapshot: it cannot be deleted.
    pub fn use_in_ami(&self, snapshot_id: &str, image_id: &str) {
        self.server.state().snapshots.use_in_ami(snapshot_id, image_id);
    }

    /// Locks a snapshot (EBS user guide, "Amazon EBS snapshot lock"): it cannot be deleted.
    pub fn lock(&self, snapshot_id: &str) {
        self.server.state().snapshots.lock(snapshot_id);
    }

    /// Every call so far, in the order of their answers.
    pub fn calls(&self) -> Vec<Record> {
        self.server.state().records.clone()
    }

    /// How many calls of this action there were.
    pub fn count(&self, action: &str) -> usize {
        self.server.state().records.iter().filter(|record| record.action == action).count()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.server.state().records.clear();
    }
}

impl Drop for StrictEc2 {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::ZERO);
        }
    }
}
