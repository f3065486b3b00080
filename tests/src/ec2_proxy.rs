//! An EC2 endpoint that stands between the functions and the local cloud's EC2 and does a thing of the test's own before it
//! hands a call on.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use std::{future::Future, pin::Pin, sync::Arc};
use tokio::net::TcpListener;

/// What happens before a call is handed on: it sees the call's form-encoded body.
pub type Before = dyn Fn(String) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

struct Proxy {
    upstream: std::sync::OnceLock<String>,
    before: std::sync::OnceLock<Box<Before>>,
    client: reqwest::Client,
}

/// A proxy that listens already; [`Ec2Proxy::serve`] says where it hands calls on to.
pub struct Ec2Proxy {
    /// Its address, for `AWS_ENDPOINT_URL_EC2`.
    pub url: String,
    proxy: Arc<Proxy>,
}

impl Ec2Proxy {
    /// Listens on a free port of the loopback.
    pub async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let proxy = Arc::new(Proxy { upstream: Default::default(), before: Default::default(), client });
        let router = Router::new().fallback(hand_on).with_state(proxy.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, proxy }
    }

    /// Hands every call on to `upstream`, after `before`.
    pub fn serve(&self, upstream: String, before: Box<Before>) {
        let set = self.proxy.upstream.set(upstream).is_ok() && self.proxy.before.set(before).is_ok();
        assert!(set, "a proxy serves one upstream");
    }
}

async fn hand_on(State(proxy): State<Arc<Proxy>>, headers: HeaderMap, body: Bytes) -> Response {
    let (Some(upstream), Some(before)) = (proxy.upstream.get(), proxy.before.get()) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    before(String::from_utf8_lossy(&body).into_owned()).await;
    let mut request = proxy.client.post(upstream).body(body);
    for name in ["authorization", "content-type", "x-amz-date"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    match request.send().await {
        Ok(answer) => {
            let status = answer.status();
            (status, answer.bytes().await.unwrap_or_default()).into_response()
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
