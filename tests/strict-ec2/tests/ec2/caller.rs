//! A caller of EC2 that speaks the query protocol without an SDK.

use xmltree::Element;

use crate::{DEADLINE, moto::Moto};

pub struct Caller {
    url: String,
    client: reqwest::Client,
    _moto: Moto,
}

impl Caller {
    pub fn new(url: &str, moto: Moto) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().expect("a client");
        Self { url: url.to_owned(), client, _moto: moto }
    }

    /// Returns the status and the document of an answer, or `None` if the connection is cut.
    pub async fn call(&self, call: &str) -> Option<(u16, Element)> {
        let signature = "AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/ec2/aws4_request, Signature=0";
        let request = self.client.post(&self.url).header("authorization", signature);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = match request.body(format!("{call}&Version=2016-11-15")).send().await {
            Ok(answer) => answer,
            Err(error) => {
                assert!(!error.is_timeout(), "{call} was not answered in time");
                return None;
            }
        };
        let status = answer.status().as_u16();
        let body = answer.text().await.expect("a body");
        Some((status, Element::parse(body.as_bytes()).unwrap_or_else(|_| Element::new("NotXml"))))
    }

    /// Returns the text at a path of the answer, or the document's name if there is none. Returns EC2's code if the call
    /// fails, and `cut` if the connection is cut.
    pub async fn text(&self, call: &str, path: &[&str]) -> String {
        let Some((status, document)) = self.call(call).await else { return "cut".to_owned() };
        let path = if status == 200 { path } else { &["Errors", "Error", "Code"] };
        let found = path.iter().try_fold(&document, |at, name| at.get_child(*name));
        found.and_then(|found| found.get_text()).map_or(document.name.clone(), |text| text.into_owned())
    }

    /// Creates a volume of a type. Returns its ID.
    pub async fn volume(&self, kind: &str) -> String {
        let call = format!("Action=CreateVolume&AvailabilityZone=us-east-1a&Size=500&VolumeType={kind}");
        self.text(&call, &["volumeId"]).await
    }

    /// Creates a snapshot of a volume. Returns its ID or EC2's code.
    pub async fn snapshot(&self, volume: &str) -> String {
        self.text(&format!("Action=CreateSnapshot&VolumeId={volume}"), &["snapshotId"]).await
    }

    pub async fn delete(&self, snapshot: &str) -> String {
        self.text(&format!("Action=DeleteSnapshot&SnapshotId={snapshot}"), &[]).await
    }

    /// Lists the snapshots with their states, and the length of each page.
    pub async fn list(&self, parameters: &str) -> (Vec<(String, String)>, Vec<usize>) {
        let (mut token, mut found, mut pages) = (String::new(), Vec::new(), Vec::new());
        loop {
            let next = if token.is_empty() { String::new() } else { format!("&NextToken={token}") };
            let call = format!("Action=DescribeSnapshots&Owner.1=self{parameters}{next}");
            let (_, answer) = self.call(&call).await.expect("an answer");
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
