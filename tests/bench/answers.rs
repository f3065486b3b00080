//! An emulator of AWS with one volume. It answers each call at once, so that a measurement only has the time of the function.

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tokio::net::TcpListener;

/// Starts the emulator. Returns its URL.
pub async fn listen() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
        }
    });
    url
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_listing = request.uri().query().is_some_and(|query| query.contains("list-type=2"));
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let action =
        form_urlencoded::parse(&body).find(|(name, _)| name == "Action").map(|(_, action)| action.into_owned());
    let (kind, text) = match (is_listing, action) {
        // S3: the object does not exist.
        (true, _) => ("application/xml", "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>".to_owned()),
        (false, Some(action)) => ("text/xml", format!("<{action}Response>{}</{action}Response>", ec2(&action))),
        (false, None) => ("application/octet-stream", String::new()),
    };
    Ok(Response::builder().header("content-type", kind).body(Full::new(text.into())).expect("an answer"))
}

fn ec2(action: &str) -> &'static str {
    match action {
        "CreateSnapshot" => "<snapshotId>snap-1</snapshotId><volumeId>vol-1</volumeId><status>pending</status>",
        "DescribeRegions" => "<regionInfo><item><regionName>us-east-1</regionName></item></regionInfo>",
        "DescribeSnapshots" => "<snapshotSet/>",
        "DescribeVolumes" => "<volumeSet><item><volumeId>vol-1</volumeId><status>in-use</status></item></volumeSet>",
        _ => "<return>true</return>",
    }
}
