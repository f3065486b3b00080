//! A proxy in front of the local cloud's S3 or Step Functions. It records the calls and loses answers on demand: the call takes effect,
//! and the connection is cut. For EC2, use strict-ec2.

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    io,
    sync::{Arc, Mutex, OnceLock},
};
use tokio::net::{TcpListener, TcpStream};

type Loses = Box<dyn FnMut(&str) -> bool + Send>;

/// A running proxy, for `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL_SFN`.
pub struct LossyProxy {
    pub url: String,
    state: Arc<ProxyState>,
}

#[derive(Default)]
struct ProxyState {
    upstream: OnceLock<String>,
    client: reqwest::Client,
    calls: Mutex<Vec<String>>,
    loses: Mutex<Option<Loses>>,
}

impl LossyProxy {
    /// Listens on a free loopback port, on the runtime of the test.
    pub fn listen() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        listener.set_nonblocking(true).expect("a socket that does not block");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let state = Arc::new(ProxyState { client, ..ProxyState::default() });
        let accepting = state.clone();
        tokio::spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().converse(stream));
            }
        });
        Self { url, state }
    }

    /// Forwards every call to this URL. Call it once.
    pub fn forward_to(&self, upstream: &str) {
        assert!(self.state.upstream.set(upstream.to_owned()).is_ok(), "a hop has one upstream");
    }

    /// Returns the calls since the last time, for example `AWSStepFunctions.ListMapRuns` or `PUT /bucket/key`.
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state.calls.lock().expect("nobody panics with it"))
    }

    /// Loses the answer of each call for which `loses` returns true. Its argument is the call in the form of [`LossyProxy::take_calls`].
    pub fn lose(&self, loses: impl FnMut(&str) -> bool + Send + 'static) {
        *self.state.loses.lock().expect("nobody panics with it") = Some(Box::new(loses));
    }
}

impl ProxyState {
    async fn converse(self: Arc<Self>, stream: TcpStream) {
        let service = service_fn(|request| {
            let state = self.clone();
            async move { state.hand_on(request).await.map_err(io::Error::other) }
        });
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn hand_on(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
        let (head, body) = request.into_parts();
        let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let call = target.map_or_else(|| format!("{} {}", head.method, head.uri.path()), str::to_owned);
        self.calls.lock().expect("nobody panics with it").push(call.clone());
        let upstream = self.upstream.get().ok_or("not told yet where to forward to")?;
        let mut headers = head.headers;
        headers.remove("host");
        let sent = self.client.request(head.method, format!("{upstream}{}", head.uri)).headers(headers);
        let answer = sent.body(body.collect().await?.to_bytes()).send().await?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        headers.remove("transfer-encoding");
        let body = answer.bytes().await?;
        if self.loses.lock().expect("nobody panics with it").as_mut().is_some_and(|loses| loses(&call)) {
            return Err(format!("the answer to {call} is lost").into());
        }
        let mut response = Response::new(Full::new(body));
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Ok(response)
    }
}
