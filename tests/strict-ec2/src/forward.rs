//! Calls to the upstream.

use crate::{Call, answer::Answer, server::Server};

/// The headers that a local cloud reads.
const HEADERS: [&str; 3] = ["authorization", "x-amz-date", "x-amz-security-token"];

impl Server {
    /// Sends these parameters to the upstream with the headers of a call.
    pub async fn forward(&self, call: &Call, parameters: &[(String, String)]) -> Answer {
        let Some(upstream) = self.state().upstream.clone() else {
            let message = "strict-ec2 has no upstream. Call forward_to with the URL of the local cloud.";
            return Answer::error(503, "Unavailable", message);
        };
        let mut request = self.client.post(&upstream).header("content-type", "application/x-www-form-urlencoded");
        for name in HEADERS {
            if let Some(value) = call.headers.get(name) {
                request = request.header(name, value);
            }
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let answer = async {
            let answer = request.body(body).send().await?;
            Ok::<_, reqwest::Error>(Answer::Http { status: answer.status().as_u16(), body: answer.text().await? })
        };
        answer.await.unwrap_or_else(|error| {
            let message = format!("The upstream {upstream} did not answer ({error}). Check that the local cloud runs.");
            Answer::error(502, "BadGateway", &message)
        })
    }
}
