//! A stand-in for SSM Run Command. It records the commands sent and answers GetCommandInvocation with the output that the test sets.

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::{
    io,
    sync::{Arc, Mutex},
};
use tokio::net::{TcpListener, TcpStream};

/// The status, stdout and stderr of a command (SSM API reference, GetCommandInvocation).
pub type CommandOutput = (&'static str, String, String);

type Responder = Box<dyn FnMut(&Value) -> CommandOutput + Send>;

/// A running stand-in, for `AWS_ENDPOINT_URL_SSM`.
pub struct Ssm {
    pub url: String,
    state: Arc<SsmState>,
}

#[derive(Default)]
struct SsmState {
    sent: Mutex<Vec<Value>>,
    responder: Mutex<Option<Responder>>,
}

impl Ssm {
    /// Listens on a free loopback port, on the runtime of the test.
    pub fn listen() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        listener.set_nonblocking(true).expect("a socket that does not block");
        let state = Arc::new(SsmState::default());
        let accepting = state.clone();
        tokio::spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().converse(stream));
            }
        });
        Self { url, state }
    }

    /// Answers each GetCommandInvocation with the result of `responder` for the SendCommand request.
    pub fn respond_with(&self, responder: impl FnMut(&Value) -> CommandOutput + Send + 'static) {
        *self.state.responder.lock().expect("nobody panics with it") = Some(Box::new(responder));
    }

    /// Returns the commands sent since the last call.
    pub fn take_sent(&self) -> Vec<Value> {
        std::mem::take(&mut self.state.sent.lock().expect("nobody panics with it"))
    }
}

impl SsmState {
    async fn converse(self: Arc<Self>, stream: TcpStream) {
        let service = service_fn(|request: Request<Incoming>| {
            let state = self.clone();
            async move {
                let (head, body) = request.into_parts();
                let target =
                    head.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).map(str::to_owned);
                let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
                let asked = serde_json::from_slice(&body).map_err(io::Error::other)?;
                let (status, answer) = state.answer(&target.unwrap_or_default(), asked);
                let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.1");
                response.body(Full::new(Bytes::from(answer.to_string()))).map_err(io::Error::other)
            }
        });
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    fn answer(&self, target: &str, asked: Value) -> (u16, Value) {
        let mut sent = self.sent.lock().expect("nobody panics with it");
        match target {
            "AmazonSSM.SendCommand" => {
                sent.push(asked);
                (200, json!({"Command": {"CommandId": format!("command-{}", sent.len()), "Status": "Pending"}}))
            }
            "AmazonSSM.GetCommandInvocation" => {
                let number = asked["CommandId"].as_str().and_then(|id| id.strip_prefix("command-")?.parse().ok());
                let Some(command) = number.and_then(|number: usize| sent.get(number - 1)) else {
                    return (400, json!({"__type": "InvocationDoesNotExist", "message": "no such command"}));
                };
                let mut responder = self.responder.lock().expect("nobody panics with it");
                let (status, stdout, stderr) = responder.as_mut().expect("what it says")(command);
                let said = json!({
                    "CommandId": asked["CommandId"], "Status": status, "StatusDetails": status,
                    "ResponseCode": i32::from(status == "Failed"),
                    "StandardOutputContent": stdout, "StandardErrorContent": stderr,
                });
                (200, said)
            }
            _ => (400, json!({"__type": "UnknownOperationException", "message": target})),
        }
    }
}
