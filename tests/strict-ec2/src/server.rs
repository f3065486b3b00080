//! The endpoint itself: reads a call, keeps the rules, hands on to the local cloud what they let through.

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    time::Instant,
};
use tokio::net::{TcpListener, TcpStream};
use xmltree::Element;

use crate::{
    Before, Call, Record,
    answer::{Answer, text, write},
    buckets::Buckets,
    fault::{Fault, throttled},
    pages::{self, Pages},
    rules::Rules,
    snapshots::{Snapshots, take_items},
    volumes::Volumes,
};

/// What decides whether a fault strikes a call.
pub type When = Box<dyn FnMut(&Call) -> bool + Send>;

/// Everything that changes while the endpoint runs.
#[derive(Default)]
pub struct State {
    pub rules: Rules,
    pub faults: Vec<(Fault, When)>,
    pub records: Vec<Record>,
    pub snapshots: Snapshots,
    pub volumes: Volumes,
    numbers: HashMap<String, usize>,
    buckets: Buckets,
    pages: Pages,
    /// The type of each volume that a snapshot was asked of.
    kinds: HashMap<String, String>,
}

/// The endpoint.
#[derive(Default)]
pub struct Server {
    pub upstream: OnceLock<String>,
    pub before: Mutex<Option<Arc<Before>>>,
    client: reqwest::Client,
    state: Mutex<State>,
    /// Held while a volume is made: of two calls with one client token at once, the second is answered as the first.
    making: tokio::sync::Mutex<()>,
}

impl Server {
    /// An endpoint that keeps these rules and calls the local cloud with this client.
    pub fn new(client: reqwest::Client, rules: Rules) -> Self {
        Self { client, state: Mutex::new(State { rules, ..State::default() }), ..Self::default() }
    }

    /// The state, for as long as nothing is awaited.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Answers until the runtime ends.
    pub async fn accept(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(self.clone().converse(stream));
        }
    }

    async fn converse(self: Arc<Self>, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let port = stream.peer_addr().map_or(0, |peer| peer.port());
        let service = service_fn(|request: Request<Incoming>| {
            let server = self.clone();
            async move {
                let headers = request.headers().clone();
                let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
                // A task of its own: EC2 goes on with a call whose caller has hung up.
                let heard = tokio::spawn(async move { server.hear(Call::read(port, headers, &body)).await });
                match heard.await.map_err(io::Error::other)? {
                    Answer::Said { status, body } => Ok(response(status, body)),
                    // An error of the service ends the connection before a byte of an answer is sent.
                    Answer::Cut => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                }
            }
        });
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn hear(&self, mut call: Call) -> Answer {
        let at = Instant::now();
        call.number = {
            let mut state = self.state();
            let number = state.numbers.entry(call.action.clone()).or_default();
            *number += 1;
            *number
        };
        let before = self.before.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        if let Some(before) = before {
            before(call.clone()).await;
        }
        let fault = self.state().faults.iter_mut().find_map(|(fault, when)| when(&call).then(|| fault.clone()));
        let answer = match fault {
            None => self.keep_rules(&call).await,
            Some(fault) => match fault.instead(&call).await {
                Ok(answer) => answer,
                Err(answer) => {
                    self.keep_rules(&call).await;
                    answer
                }
            },
        };
        let subject = call.subject().map(str::to_owned);
        let record = Record { action: call.action, region: call.region, subject, answer: answer.word(), at };
        self.state().records.push(record);
        answer
    }

    async fn keep_rules(&self, call: &Call) -> Answer {
        let now = Instant::now();
        let rules = {
            let mut state = self.state();
            let rules = state.rules.clone();
            if rules.throttle.is_some_and(|throttle| !state.buckets.take(call, throttle, now)) {
                return throttled();
            }
            rules
        };
        if call.get("DryRun") == Some("true") {
            let message = "Request would have succeeded, but DryRun flag is set.";
            return Answer::error(412, "DryRunOperation", message);
        }
        match call.action.as_str() {
            "CreateSnapshot" => self.create_snapshot(call, &rules, now).await,
            "DeleteSnapshot" => self.delete_snapshot(call).await,
            "CreateVolume" => self.create_volume(call, &rules, now).await,
            "AttachVolume" => self.attach_volume(call, now).await,
            "CreateTags" => self.create_tags(call, &rules, now).await,
            "DescribeSnapshots" => self.list(call, &rules, "snapshotSet").await,
            "DescribeVolumes" => self.list(call, &rules, "volumeSet").await,
            _ => self.hand_on(call, &call.parameters).await,
        }
    }

    async fn create_snapshot(&self, call: &Call, rules: &Rules, now: Instant) -> Answer {
        let volume = call.volume_id().unwrap_or_default();
        let kind = if rules.limit_pending { self.kind(call, volume).await } else { String::new() };
        if let Err(refusal) = self.state().snapshots.begin(volume, &kind, rules, now) {
            return refusal;
        }
        let answer = self.hand_on(call, &call.parameters).await;
        let Some(mut created) = document(&answer) else {
            self.state().snapshots.forget_beginning(volume);
            return answer;
        };
        self.state().snapshots.note(&mut created, rules, now);
        Answer::Said { status: 200, body: write(&created) }
    }

    /// A volume's type, asked of the local cloud once.
    async fn kind(&self, call: &Call, volume: &str) -> String {
        if let Some(kind) = self.state().kinds.get(volume) {
            return kind.clone();
        }
        let asked = [("Action", "DescribeVolumes"), ("Version", "2016-11-15"), ("VolumeId.1", volume)];
        let asked = asked.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let answer = document(&self.hand_on(call, &asked).await);
        let item = answer.as_ref().and_then(|answer| answer.get_child("volumeSet")?.get_child("item"));
        let kind = item.map(|item| text(item, "volumeType")).unwrap_or_default();
        self.state().kinds.insert(volume.to_owned(), kind.clone());
        kind
    }

    async fn delete_snapshot(&self, call: &Call) -> Answer {
        let snapshot = call.snapshot_id().unwrap_or_default();
        let refusal = self.state().snapshots.refuse_deletion(snapshot);
        if let Some(refusal) = refusal {
            return refusal;
        }
        let answer = self.hand_on(call, &call.parameters).await;
        if answer.is_granted() {
            self.state().snapshots.deleted(snapshot, Instant::now());
        }
        answer
    }

    async fn create_volume(&self, call: &Call, rules: &Rules, now: Instant) -> Answer {
        let _making = self.making.lock().await;
        let refusal = match self.state().volumes.answered(call) {
            Some(Ok(answer)) => return Answer::Said { status: 200, body: write(&answer) },
            Some(Err(refusal)) => Some(refusal),
            None => None,
        };
        let snapshot = call.snapshot_id().unwrap_or_default();
        if let Some(refusal) = refusal.or_else(|| self.state().snapshots.refuse_volume(snapshot, now)) {
            return refusal;
        }
        let answer = self.hand_on(call, &call.parameters).await;
        let Some(mut created) = document(&answer) else { return answer };
        self.state().volumes.note(call, &mut created, rules, now);
        Answer::Said { status: 200, body: write(&created) }
    }

    async fn attach_volume(&self, call: &Call, now: Instant) -> Answer {
        let refusal = self.state().volumes.refuse_attachment(call.volume_id().unwrap_or_default(), now);
        match refusal {
            Some(refusal) => refusal,
            None => self.hand_on(call, &call.parameters).await,
        }
    }

    async fn create_tags(&self, call: &Call, rules: &Rules, now: Instant) -> Answer {
        let tagged = call.parameters.iter().filter(|(name, _)| name.starts_with("ResourceId."));
        let hidden = {
            let state = self.state();
            tagged.map(|(_, id)| id).find(|id| state.snapshots.is_hidden(id, rules, now)).cloned()
        };
        match hidden {
            Some(id) => Answer::error(400, "InvalidSnapshot.NotFound", &format!("The snapshot '{id}' does not exist.")),
            None => self.hand_on(call, &call.parameters).await,
        }
    }

    async fn list(&self, call: &Call, rules: &Rules, set: &str) -> Answer {
        if let Some(refusal) = pages::refuse(call) {
            return refusal;
        }
        if let Some(token) = call.get("NextToken").filter(|token| !token.is_empty()) {
            return self.state().pages.go_on(token, call, rules);
        }
        let answer = self.hand_on(call, &call.whole()).await;
        let Some(mut frame) = document(&answer) else { return answer };
        let items = frame.get_mut_child(set).map(take_items).unwrap_or_default();
        let mut state = self.state();
        let items = match call.action.as_str() {
            "DescribeSnapshots" => state.snapshots.list(items, call, rules, Instant::now()),
            _ => state.volumes.list(items, call, Instant::now()),
        };
        state.pages.begin(frame, set, items, call, rules)
    }

    async fn hand_on(&self, call: &Call, parameters: &[(String, String)]) -> Answer {
        let Some(upstream) = self.upstream.get() else {
            return Answer::error(503, "Unavailable", "strict-ec2 was not told yet where to forward to");
        };
        let mut request = self.client.post(upstream).header("content-type", "application/x-www-form-urlencoded");
        for name in ["authorization", "x-amz-date", "x-amz-security-token"] {
            if let Some(value) = call.headers.get(name) {
                request = request.header(name, value);
            }
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let answer = async {
            let answer = request.body(body).send().await?;
            Ok::<_, reqwest::Error>(Answer::Said { status: answer.status().as_u16(), body: answer.text().await? })
        };
        answer.await.unwrap_or_else(|error| Answer::error(502, "BadGateway", &format!("the local cloud: {error}")))
    }
}

/// The document of an answer that grants a call.
fn document(answer: &Answer) -> Option<Element> {
    match answer {
        Answer::Said { body, .. } if answer.is_granted() => Element::parse(body.as_bytes()).ok(),
        _ => None,
    }
}

fn response(status: u16, body: String) -> Response<Full<Bytes>> {
    let builder = Response::builder().status(status).header("content-type", "text/xml;charset=UTF-8");
    builder.body(Full::new(body.into())).expect("a status and a header")
}
