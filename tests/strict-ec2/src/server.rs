//! The server: reads calls, applies faults and rules, and records the answers.

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::net::{TcpListener, TcpStream};

use crate::{
    Before, Call, Record, answer::Answer, buckets::Buckets, control, matching::ActiveFault, milliseconds, pages::Pages,
    rules::Rules, snapshots::Snapshots, volumes::Volumes,
};

/// Pause after a connection that could not be accepted, for example because there were too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Everything that changes while the server runs.
#[derive(Default)]
pub struct State {
    pub rules: Rules,
    pub upstream: Option<String>,
    pub before: Option<Arc<Before>>,
    pub faults: Vec<ActiveFault>,
    pub records: Vec<Record>,
    pub snapshots: Snapshots,
    pub volumes: Volumes,
    pub buckets: Buckets,
    pub pages: Pages,
    /// The type of each volume, as the upstream returned it.
    pub volume_types: HashMap<String, String>,
    /// Calls by action and Region.
    counts: HashMap<String, HashMap<String, usize>>,
    /// How far the clock is ahead of the real one.
    ahead: Duration,
}

pub struct Server {
    pub client: reqwest::Client,
    state: Mutex<State>,
    pub started: Instant,
    /// Held while a volume is created: of two calls at once with one client token, the second gets the answer of the first.
    pub creating_volume: tokio::sync::Mutex<()>,
    /// Held while a volume is attached: of two calls at once with one device name, the second is refused.
    pub attaching_volume: tokio::sync::Mutex<()>,
}

impl Server {
    pub fn new(client: reqwest::Client, rules: Rules) -> Self {
        let state = Mutex::new(State { rules, ..State::default() });
        let (creating_volume, attaching_volume) = Default::default();
        Self { client, state, started: Instant::now(), creating_volume, attaching_volume }
    }

    /// Locks the state. Never held across an await.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the time of the server's clock.
    pub fn now(&self) -> Instant {
        Instant::now() + self.state().ahead
    }

    /// Moves the clock ahead, 100 years in total at most.
    pub fn advance(&self, time: Duration) {
        let mut state = self.state();
        state.ahead = state.ahead.saturating_add(time).min(milliseconds::MOST);
    }

    /// Serves connections until the runtime shuts down.
    pub async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(self.clone().serve(stream))),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let port = stream.peer_addr().map_or(0, |peer| peer.port());
        let service = service_fn(|request| self.clone().respond(port, request));
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn respond(self: Arc<Self>, port: u16, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        if let Some(path) = parts.uri.path().strip_prefix(control::PATH) {
            let (status, json) = control::respond(&self, &parts.method, path, &body);
            return http_response(status, "application/json", json);
        }
        if parts.method != Method::POST {
            let error =
                Answer::error(400, "InvalidAction", "strict-ec2 reads the query protocol in POST requests only.");
            return self.deliver(error);
        }
        // A task of its own, because EC2 completes a call even if its caller hangs up.
        let server = self.clone();
        let answer = tokio::spawn(async move { server.answer(Call::read(port, parts.headers, &body)).await });
        self.deliver(answer.await.map_err(io::Error::other)?)
    }

    fn deliver(&self, answer: Answer) -> io::Result<Response<Full<Bytes>>> {
        match answer {
            Answer::Http { status, body } => http_response(status, "text/xml;charset=UTF-8", body),
            // An error of the service cuts the connection before a byte of an answer.
            Answer::Cut => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        }
    }

    async fn answer(&self, mut call: Call) -> Answer {
        let at = self.now();
        self.count(&mut call);
        let before = self.state().before.clone();
        if let Some(before) = before {
            before(call.clone()).await;
        }
        let fault = self.state().faults.iter_mut().find_map(|fault| fault.strike(&call));
        let answer = match fault {
            None => self.enforce(&call).await,
            Some(fault) => match fault.answer(&call).await {
                Ok(answer) => answer,
                Err(answer) => {
                    self.enforce(&call).await;
                    answer
                }
            },
        };
        let subject = call.subject().map(str::to_owned);
        let record = Record { action: call.action, region: call.region, subject, answer: answer.code(), at };
        self.state().records.push(record);
        answer
    }

    fn count(&self, call: &mut Call) {
        let mut state = self.state();
        let regions = state.counts.entry(call.action.clone()).or_default();
        let in_region = regions.entry(call.region.clone()).or_default();
        *in_region += 1;
        call.number_in_region = *in_region;
        call.number = regions.values().sum();
    }
}

fn http_response(status: u16, content_type: &str, body: String) -> io::Result<Response<Full<Bytes>>> {
    let builder = Response::builder().status(status).header("content-type", content_type);
    builder.body(Full::new(body.into())).map_err(io::Error::other)
}
