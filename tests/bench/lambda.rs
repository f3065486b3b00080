//! The Lambda Runtime API (Lambda developer guide, "Using the Lambda runtime API for custom runtimes") for one process.

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{
    convert::Infallible,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tests::fleet::peak_of;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    time::timeout,
};

/// The longest timeout of a function in the template.
const PATIENCE: Duration = Duration::from_secs(900);

/// Sets the variables of a function: those of Lambda, and the settings from the template.
pub fn prepare(command: &mut Command, endpoint: &str) {
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
        ("BACKUP_STACK", "bench"),
        ("TIME_ZONE", "Europe/Berlin"),
        ("LEDGER_BUCKET", "ledger"),
        ("KEEP", "Daily=7,Quarterly=5,Annual=forever"),
        ("PLANS", ""),
        ("WEEKLY_ON", "Sunday"),
        ("DAYS_BETWEEN_RUNS", "1"),
        ("SNAPSHOTS_PER_SECOND", "5"),
        ("REGIONS", "us-east-1"),
    ];
    command.envs(variables).stdin(Stdio::null()).stdout(Stdio::null());
}

type Answer = Response<Full<Bytes>>;

/// A function process that polls for its next invocation.
pub struct Function {
    /// Time from the start of the process to its first poll.
    pub start: Duration,
    process: Child,
    poll: Option<oneshot::Sender<Answer>>,
    polls: mpsc::Receiver<oneshot::Sender<Answer>>,
    answers: mpsc::Receiver<Result<Bytes, Bytes>>,
}

impl Function {
    /// Starts a process and waits for its first poll.
    pub async fn start(mut command: Command) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let (polled, polls) = mpsc::channel(1);
        let (answered, answers) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (polled, answered) = (polled.clone(), answered.clone());
                let service = service_fn(move |request| answer(request, polled.clone(), answered.clone()));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        command.env("AWS_LAMBDA_RUNTIME_API", address);
        let began = Instant::now();
        let process = command.spawn().expect("a function that starts");
        let mut function = Self { start: Duration::ZERO, process, poll: None, polls, answers };
        function.poll = timeout(PATIENCE, function.polls.recv()).await.expect("a function that polls");
        function.start = began.elapsed();
        function
    }

    /// Invokes the function. Returns the time until the answer, and the answer.
    pub async fn invoke(&mut self, input: &Value) -> (Duration, Value) {
        let invocation = Response::builder()
            .header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000000")
            .header("Lambda-Runtime-Deadline-Ms", "4102444800000")
            .header("Content-Type", "application/json")
            .header("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000")
            .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:bench")
            .body(Full::new(input.to_string().into()))
            .expect("an invocation");
        let began = Instant::now();
        self.poll.take().expect("a poll").send(invocation).expect("a function that waits");
        let answer = timeout(PATIENCE, self.answers.recv()).await.expect("a function that answers").expect("an answer");
        let took = began.elapsed();
        self.poll = self.polls.recv().await;
        let answer = answer.unwrap_or_else(|error| panic!("the function failed: {}", String::from_utf8_lossy(&error)));
        (took, serde_json::from_slice(&answer).expect("JSON"))
    }

    /// Returns the peak resident memory in bytes, or `None` if there is no `/proc`.
    pub fn peak(&self) -> Option<usize> {
        peak_of(&Path::new("/proc").join(self.process.id().to_string()))
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn answer(
    request: Request<Incoming>,
    polled: mpsc::Sender<oneshot::Sender<Answer>>,
    answered: mpsc::Sender<Result<Bytes, Bytes>>,
) -> Result<Answer, Infallible> {
    let path = request.uri().path().to_owned();
    if path.ends_with("/next") {
        let (give, invocation) = oneshot::channel();
        let _ = polled.send(give).await;
        return Ok(invocation.await.unwrap_or_default());
    }
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let _ = answered.send(if path.ends_with("/response") { Ok(body) } else { Err(body) }).await;
    Ok(Response::builder().status(202).body(Full::default()).expect("an answer"))
}
