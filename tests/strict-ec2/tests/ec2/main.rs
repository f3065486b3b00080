//! The strict endpoint over HTTP, before moto's EC2.

mod rules;
mod volumes;

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use strict_ec2::{Rules, StrictEc2};
use xmltree::Element;

/// moto with a volume of each type, and the strict endpoint before it.
struct Ec2 {
    strict: StrictEc2,
    moto: Child,
    client: reqwest::Client,
}

impl Ec2 {
    async fn with(rules: Rules) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/moto_server");
        let mut moto = Command::new(venv);
        moto.args(["-H", "127.0.0.1", "-p", &port.to_string()]).env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false");
        let moto = moto.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("moto, which `make up` installs");
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(50));
        }
        let strict = StrictEc2::listen(rules);
        strict.forward_to(&format!("http://127.0.0.1:{port}"));
        Self { strict, moto, client: reqwest::Client::builder().no_proxy().build().expect("a client") }
    }

    /// The answer to a call: its status and its document; none where the connection is cut.
    async fn call(&self, call: &str) -> Option<(u16, Element)> {
        let signed = "AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/ec2/aws4_request, Signature=0";
        let request = self.client.post(&self.strict.url).header("authorization", signed);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(format!("{call}&Version=2016-11-15")).send().await.ok()?;
        let status = answer.status().as_u16();
        let body = answer.text().await.expect("a body");
        Some((status, Element::parse(body.as_bytes()).unwrap_or_else(|_| Element::new("Nonsense"))))
    }

    /// What a call comes to in a word: the text at the end of a path, or EC2's code.
    async fn word(&self, call: &str, path: &[&str]) -> String {
        let Some((status, document)) = self.call(call).await else { return "cut".to_owned() };
        let path = if status == 200 { path } else { &["Errors", "Error", "Code"] };
        let found = path.iter().try_fold(&document, |at, name| at.get_child(*name));
        found.and_then(|found| found.get_text()).map_or(document.name.clone(), |text| text.into_owned())
    }

    async fn volume(&self, kind: &str) -> String {
        let call = format!("Action=CreateVolume&AvailabilityZone=us-east-1a&Size=500&VolumeType={kind}");
        self.word(&call, &["volumeId"]).await
    }

    async fn snapshot(&self, volume: &str) -> String {
        self.word(&format!("Action=CreateSnapshot&VolumeId={volume}"), &["snapshotId"]).await
    }

    async fn delete(&self, snapshot: &str) -> String {
        self.word(&format!("Action=DeleteSnapshot&SnapshotId={snapshot}"), &[]).await
    }

    /// The snapshots that a listing comes to, page after page, and how long each page was.
    async fn list(&self, call: &str) -> (Vec<(String, String)>, Vec<usize>) {
        let (mut token, mut found, mut pages) = (String::new(), Vec::new(), Vec::new());
        loop {
            let next = if token.is_empty() { String::new() } else { format!("&NextToken={token}") };
            let (_, answer) =
                self.call(&format!("Action=DescribeSnapshots&Owner.1=self{call}{next}")).await.expect("an answer");
            let text = |element: &Element, name: &str| {
                element.get_child(name).and_then(|it| it.get_text()).unwrap_or_default().into_owned()
            };
            let set = answer.get_child("snapshotSet").expect("a set");
            let items = set.children.iter().filter_map(|node| node.as_element());
            let page: Vec<_> = items.map(|item| (text(item, "snapshotId"), text(item, "status"))).collect();
            pages.push(page.len());
            found.extend(page);
            token = text(&answer, "nextToken");
            if token.is_empty() {
                return (found, pages);
            }
        }
    }
}

impl Drop for Ec2 {
    fn drop(&mut self) {
        let _ = self.moto.kill();
        let _ = self.moto.wait();
    }
}
