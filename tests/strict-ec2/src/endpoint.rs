//! The endpoint as Rust tests use it.

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener},
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime};

use crate::{Call, Fault, Rules, SnapshotState, VolumeState, matching::ActiveFault, server::Server};

/// A function that runs before a call is answered.
pub type Before = dyn Fn(Call) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// A call and its answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// For example `CreateSnapshot`.
    pub action: String,
    /// The Region in the signature.
    pub region: String,
    /// The ID of the snapshot, the volume or the first tagged resource in the call.
    pub subject: Option<String>,
    /// `Ok`, EC2's error code, the HTTP status of an answer without a code, or `cut` for a cut connection.
    pub answer: String,
    /// When the call arrived, by the endpoint's clock.
    pub at: Instant,
}

/// A running endpoint. It has its own runtime, so that it answers while a test blocks, and stops when it is dropped.
pub struct StrictEc2 {
    /// The endpoint's URL, for `AWS_ENDPOINT_URL_EC2`.
    pub url: String,
    server: Arc<Server>,
    runtime: Option<Runtime>,
}

impl fmt::Debug for StrictEc2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StrictEc2").field("url", &self.url).finish_non_exhaustive()
    }
}

impl StrictEc2 {
    /// Listens on a free port of 127.0.0.1. Call [`StrictEc2::forward_to`] before the first EC2 call.
    ///
    /// # Panics
    /// Panics if there is no free port. [`StrictEc2::listen_on`] returns the error instead.
    pub fn listen(rules: Rules) -> Self {
        Self::listen_on(SocketAddr::from(([127, 0, 0, 1], 0)), rules)
            .unwrap_or_else(|error| panic!("strict-ec2 cannot listen on a free port of 127.0.0.1: {error}"))
    }

    /// Listens on an address. Port 0 is a free port; [`StrictEc2::url`] names it.
    pub fn listen_on(address: SocketAddr, rules: Rules) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let client = reqwest::Client::builder().no_proxy().build().map_err(io::Error::other)?;
        let server = Arc::new(Server::new(client, rules));
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        runtime.spawn(server.clone().accept(listener));
        Ok(Self { url, server, runtime: Some(runtime) })
    }

    /// Forwards calls to the EC2 at this URL, for example `http://127.0.0.1:5000`. A second call replaces the first URL.
    pub fn forward_to(&self, upstream: &str) {
        self.server.state().upstream = Some(upstream.to_owned());
    }

    /// Replaces the rules.
    pub fn set_rules(&self, rules: Rules) {
        self.server.state().rules = rules;
    }

    /// Adds a fault that strikes each call for which `strikes` returns true. If several faults fit a call, the one that was
    /// added first strikes. `strikes` must not call methods of the endpoint: it runs while the endpoint's state is locked.
    pub fn inject(&self, fault: Fault, strikes: impl FnMut(&Call) -> bool + Send + 'static) {
        self.server.state().faults.push(ActiveFault::new(fault, Box::new(strikes)));
    }

    /// Removes every fault.
    pub fn clear_faults(&self) {
        self.server.state().faults.clear();
    }

    /// Runs this function before each call is answered. A second function replaces the first.
    pub fn before(&self, before: impl Fn(Call) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static) {
        self.server.state().before = Some(Arc::new(before));
    }

    /// Moves the endpoint's clock ahead, so that a test of [`Rules::between_snapshots`] and the other rules with a time does
    /// not wait. [`Fault::Hang`] waits in real time.
    pub fn advance(&self, time: Duration) {
        self.server.advance(time);
    }

    /// Sets the state of a snapshot.
    pub fn set_state(&self, snapshot_id: &str, state: SnapshotState) {
        self.server.state().snapshots.set_state(snapshot_id, state);
    }

    /// Sets the state of a volume.
    pub fn set_volume_state(&self, volume_id: &str, state: VolumeState) {
        self.server.state().volumes.set_state(volume_id, state);
    }

    /// Marks a snapshot as in use by a registered AMI, so that it cannot be deleted.
    pub fn use_in_ami(&self, snapshot_id: &str, image_id: &str) {
        self.server.state().snapshots.use_in_ami(snapshot_id, image_id);
    }

    /// Locks a snapshot, so that it cannot be deleted (EBS user guide, "Amazon EBS snapshot lock").
    pub fn lock(&self, snapshot_id: &str) {
        self.server.state().snapshots.lock(snapshot_id);
    }

    /// Returns every call in the order of the answers.
    pub fn calls(&self) -> Vec<Record> {
        self.server.state().records.clone()
    }

    /// Returns the number of answered calls of an action.
    pub fn count(&self, action: &str) -> usize {
        self.server.state().records.iter().filter(|record| record.action == action).count()
    }

    /// Empties the record of calls. [`Call::number`] goes on counting.
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
