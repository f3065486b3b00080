//! A call to EC2, read: the query protocol's form of parameters.

use hyper::{HeaderMap, header::AUTHORIZATION};

/// A call, as it came.
#[derive(Clone, Debug)]
pub struct Call {
    /// `CreateSnapshot`
    pub action: String,
    /// The Region that the caller signed for.
    pub region: String,
    /// How many calls of this action there were, this one included.
    pub number: usize,
    /// Every parameter in order: `("Filter.1.Name", "status")`.
    pub parameters: Vec<(String, String)>,
    /// The caller's port on the loopback.
    pub port: u16,
    pub(crate) headers: HeaderMap,
}

impl Call {
    pub(crate) fn read(port: u16, headers: HeaderMap, body: &[u8]) -> Self {
        let parameters: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        let action = parameters.iter().find(|(name, _)| name == "Action").map(|(_, action)| action.clone());
        let region = headers.get(AUTHORIZATION).and_then(|value| signed_for(value.to_str().ok()?)).unwrap_or_default();
        Self { action: action.unwrap_or_default(), region, number: 0, parameters, port, headers }
    }

    /// A parameter's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The volume that the call is about: `vol-…`
    pub fn volume_id(&self) -> Option<&str> {
        self.get("VolumeId").or(self.get("VolumeId.1"))
    }

    /// The snapshot that the call is about: `snap-…`
    pub fn snapshot_id(&self) -> Option<&str> {
        self.get("SnapshotId").or(self.get("SnapshotId.1"))
    }

    /// What the call is about: its snapshot, its volume or the first resource that it tags.
    pub fn subject(&self) -> Option<&str> {
        self.snapshot_id().or(self.volume_id()).or(self.get("ResourceId.1"))
    }

    /// Its filters, each a name and the values that it accepts.
    pub fn filters(&self) -> Vec<(&str, Vec<&str>)> {
        let names = (1..).map_while(|number| Some((number, self.get(&format!("Filter.{number}.Name"))?)));
        let values = |number| (1..).map_while(move |value| self.get(&format!("Filter.{number}.Value.{value}")));
        names.map(|(number, name)| (name, values(number).collect())).collect()
    }

    /// Whether it is this action and narrows by a filter of this name.
    pub fn is_filtered(&self, action: &str, filter: &str) -> bool {
        self.action == action && self.filters().iter().any(|(name, _)| *name == filter)
    }

    /// Whether it narrows what it lists, or pages through it.
    pub(crate) fn is_narrow(&self) -> bool {
        let narrows = |name: &str| {
            ["Filter.", "MaxResults", "NextToken", "SnapshotId.", "VolumeId."].iter().any(|it| name.starts_with(it))
        };
        self.parameters.iter().any(|(name, _)| narrows(name))
    }

    /// The same call for everything at once: no page asked for, and no filter by a state that only we know.
    pub(crate) fn whole(&self) -> Vec<(String, String)> {
        let set_aside = |name: &str| name == "MaxResults" || name == "NextToken" || name.starts_with("Filter.");
        let mut parameters = self.parameters.clone();
        parameters.retain(|(name, _)| !set_aside(name));
        let others = self.filters().into_iter().filter(|(name, _)| *name != "status");
        for (number, (name, values)) in (1..).zip(others) {
            parameters.push((format!("Filter.{number}.Name"), name.to_owned()));
            let values = (1..).zip(values).map(|(at, value)| (format!("Filter.{number}.Value.{at}"), value.to_owned()));
            parameters.extend(values);
        }
        parameters
    }
}

/// The Region of a signature: `… Credential=<key>/<date>/<Region>/ec2/aws4_request, …`.
fn signed_for(authorization: &str) -> Option<String> {
    let scope = authorization.split("Credential=").nth(1)?;
    scope.split('/').nth(2).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_region_the_subject_and_the_filters() {
        let mut headers = HeaderMap::new();
        let signed = "AWS4-HMAC-SHA256 Credential=k/20261123/eu-west-1/ec2/aws4_request, Signature=0";
        headers.insert(AUTHORIZATION, signed.parse().unwrap());
        let body = "Action=DescribeSnapshots&Filter.1.Name=status&Filter.1.Value.1=error&Filter.2.Name=tag%3AA\
                    &Filter.2.Value.1=x&Filter.2.Value.2=y&MaxResults=5";
        let call = Call::read(0, headers, body.as_bytes());
        assert_eq!((call.action.as_str(), call.region.as_str()), ("DescribeSnapshots", "eu-west-1"));
        assert_eq!(call.filters(), [("status", vec!["error"]), ("tag:A", vec!["x", "y"])]);
        let whole = form_urlencoded::Serializer::new(String::new()).extend_pairs(call.whole()).finish();
        let expected = "Action=DescribeSnapshots&Filter.1.Name=tag%3AA&Filter.1.Value.1=x&Filter.1.Value.2=y";
        assert_eq!(whole, expected);
    }
}
