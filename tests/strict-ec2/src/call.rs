//! A call to EC2 in the query protocol: a form of parameters.

use hyper::{HeaderMap, header::AUTHORIZATION};

/// A call to EC2.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// For example `CreateSnapshot`.
    pub action: String,
    /// The Region in the signature.
    pub region: String,
    /// The number of the call among those of its action in all Regions, starting at 1.
    pub number: usize,
    /// The number of the call among those of its action in its Region, starting at 1.
    pub number_in_region: usize,
    /// Every parameter in order, for example `("Filter.1.Name", "status")`.
    pub parameters: Vec<(String, String)>,
    /// The TCP port of the caller.
    pub port: u16,
    pub(crate) headers: HeaderMap,
}

impl Call {
    pub(crate) fn read(port: u16, headers: HeaderMap, body: &[u8]) -> Self {
        let parameters: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        let action = parameters.iter().find(|(name, _)| name == "Action").map(|(_, action)| action.clone());
        let region =
            headers.get(AUTHORIZATION).and_then(|value| signed_region(value.to_str().ok()?)).unwrap_or_default();
        Self { action: action.unwrap_or_default(), region, number: 0, number_in_region: 0, parameters, port, headers }
    }

    /// Returns the value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the ID of the volume in the call, `vol-...`.
    pub fn volume_id(&self) -> Option<&str> {
        self.get("VolumeId").or(self.get("VolumeId.1"))
    }

    /// Returns the ID of the snapshot in the call, `snap-...`.
    pub fn snapshot_id(&self) -> Option<&str> {
        self.get("SnapshotId").or(self.get("SnapshotId.1"))
    }

    /// Returns the ID of the snapshot, the volume or the first tagged resource in the call.
    pub fn subject(&self) -> Option<&str> {
        self.snapshot_id().or(self.volume_id()).or(self.get("ResourceId.1"))
    }

    /// Returns the filters, each with its name and its values.
    pub fn filters(&self) -> Vec<(&str, Vec<&str>)> {
        let names = (1..).map_while(|number| Some((number, self.get(&format!("Filter.{number}.Name"))?)));
        let values = |number| (1..).map_while(move |value| self.get(&format!("Filter.{number}.Value.{value}")));
        names.map(|(number, name)| (name, values(number).collect())).collect()
    }

    /// Returns whether the call is of this action and has a filter of this name.
    pub fn is_filtered(&self, action: &str, filter: &str) -> bool {
        self.action == action && self.filters().iter().any(|(name, _)| *name == filter)
    }

    /// Returns whether a listing has a filter, an ID or a page.
    pub(crate) fn is_narrow(&self) -> bool {
        let narrows = |name: &str| {
            ["Filter.", "MaxResults", "NextToken", "SnapshotId.", "VolumeId."].iter().any(|it| name.starts_with(it))
        };
        self.parameters.iter().any(|(name, _)| narrows(name))
    }

    /// Returns the parameters of a listing without its page and without a filter by state, because the upstream
    /// does not know the states that a test sets.
    pub(crate) fn unpaged_parameters(&self) -> Vec<(String, String)> {
        let is_left_out = |name: &str| name == "MaxResults" || name == "NextToken" || name.starts_with("Filter.");
        let mut parameters = self.parameters.clone();
        parameters.retain(|(name, _)| !is_left_out(name));
        let others = self.filters().into_iter().filter(|(name, _)| *name != "status");
        for (number, (name, values)) in (1..).zip(others) {
            parameters.push((format!("Filter.{number}.Name"), name.to_owned()));
            let values = (1..).zip(values).map(|(at, value)| (format!("Filter.{number}.Value.{at}"), value.to_owned()));
            parameters.extend(values);
        }
        parameters
    }
}

/// Returns the Region of a signature: `... Credential=<key>/<date>/<Region>/ec2/aws4_request, ...`.
fn signed_region(authorization: &str) -> Option<String> {
    let scope = authorization.split("Credential=").nth(1)?;
    scope.split('/').nth(2).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Call {
        /// Reads a call with a signature for a Region.
        pub(crate) fn signed_for(region: &str, body: &str) -> Self {
            let mut headers = HeaderMap::new();
            let signed = format!("AWS4-HMAC-SHA256 Credential=k/20261123/{region}/ec2/aws4_request, Signature=0");
            headers.insert(AUTHORIZATION, signed.parse().expect("a header value"));
            Self::read(0, headers, body.as_bytes())
        }
    }

    #[test]
    fn a_call_has_the_region_of_its_signature_and_its_filters() {
        let body = "Action=DescribeSnapshots&Filter.1.Name=status&Filter.1.Value.1=error&Filter.2.Name=tag%3AA\
                    &Filter.2.Value.1=x&Filter.2.Value.2=y&MaxResults=5";
        let call = Call::signed_for("eu-west-1", body);
        assert_eq!((call.action.as_str(), call.region.as_str()), ("DescribeSnapshots", "eu-west-1"));
        assert_eq!(call.filters(), [("status", vec!["error"]), ("tag:A", vec!["x", "y"])]);
        let parameters = call.unpaged_parameters();
        let unpaged = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let expected = "Action=DescribeSnapshots&Filter.1.Name=tag%3AA&Filter.1.Value.1=x&Filter.1.Value.2=y";
        assert_eq!(unpaged, expected);
    }
}
