//! Faults with the calls that they strike. A fault from Rust has a closure; a fault from the control endpoint has data.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{Call, Fault};

/// Decides whether a fault strikes a call.
pub type Predicate = Box<dyn FnMut(&Call) -> bool + Send>;

/// A fault in force.
#[derive(Serialize)]
pub struct ActiveFault {
    fault: Fault,
    /// Null for a fault with a closure.
    #[serde(rename = "match")]
    data: Option<CallMatch>,
    /// How many calls it struck.
    struck: usize,
    #[serde(skip)]
    strikes: Predicate,
}

impl ActiveFault {
    pub fn new(fault: Fault, strikes: Predicate) -> Self {
        Self { fault, data: None, struck: 0, strikes }
    }

    /// Returns the fault if it strikes the call.
    pub fn strike(&mut self, call: &Call) -> Option<Fault> {
        (self.strikes)(call).then(|| {
            self.struck += 1;
            self.fault.clone()
        })
    }
}

/// A fault of the control endpoint.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    fault: Fault,
    #[serde(rename = "match", default)]
    calls: CallMatch,
}

impl FaultRule {
    pub fn check(&self) -> Result<(), String> {
        self.fault.check()?;
        if self.calls.times == Some(0) {
            return Err("match.times: 0 strikes no call; use 1 or more, or leave the field out".to_owned());
        }
        let names = [("action", &self.calls.action), ("region", &self.calls.region), ("filter", &self.calls.filter)];
        match names.into_iter().find(|(_, value)| value.as_deref() == Some("")) {
            Some((name, _)) => Err(format!("match.{name}: an empty text fits no call; leave the field out")),
            None => Ok(()),
        }
    }

    pub fn activate(self) -> ActiveFault {
        let calls = self.calls.clone();
        let mut fitting = 0;
        let strikes = move |call: &Call| {
            let fits = calls.fits(call);
            fitting += usize::from(fits);
            fits && fitting > calls.skip && calls.times.is_none_or(|times| fitting - calls.skip <= times)
        };
        ActiveFault { data: Some(self.calls), ..ActiveFault::new(self.fault, Box::new(strikes)) }
    }
}

/// The calls that a fault strikes: those that fit every condition, from number `skip + 1` on, `times` of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CallMatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_contains: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<String, String>,
    skip: usize,
    times: Option<usize>,
}

impl CallMatch {
    fn fits(&self, call: &Call) -> bool {
        let has_parameters = self.parameters.iter().all(|(name, value)| call.get(name) == Some(value));
        let subject = call.subject().unwrap_or_default();
        self.action.as_ref().is_none_or(|action| *action == call.action)
            && self.region.as_ref().is_none_or(|region| *region == call.region)
            && self.subject_contains.as_ref().is_none_or(|part| subject.contains(part.as_str()))
            && self.filter.as_ref().is_none_or(|filter| call.filters().iter().any(|(name, _)| name == filter))
            && has_parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn strikes(rule: &str, calls: &[(&str, &str)]) -> Vec<bool> {
        let mut fault = json::read::<FaultRule>(rule.as_bytes()).expect("a fault").activate();
        calls.iter().map(|(region, body)| fault.strike(&Call::signed_for(region, body)).is_some()).collect()
    }

    #[test]
    fn every_condition_of_a_match_must_hold() {
        let call =
            [("eu-west-1", "Action=DescribeVolumes&VolumeId.1=vol-12&Filter.1.Name=tag:A&Filter.1.Value.1=x&Size=8")];
        for (condition, expected) in [
            (r#""action": "DescribeVolumes""#, true),
            (r#""action": "CreateVolume""#, false),
            (r#""region": "eu-west-1""#, true),
            (r#""region": "us-east-1""#, false),
            (r#""subject_contains": "ol-12""#, true),
            (r#""subject_contains": "ol-13""#, false),
            (r#""filter": "tag:A""#, true),
            (r#""filter": "tag:B""#, false),
            (r#""parameters": {"Size": "8"}"#, true),
            (r#""parameters": {"Size": "9"}"#, false),
        ] {
            let rule = format!(r#"{{"fault": "reset", "match": {{{condition}}}}}"#);
            assert_eq!(strikes(&rule, &call), [expected], "{condition}");
        }
        assert_eq!(strikes(r#"{"fault": "reset"}"#, &call), [true], "no match is every call");
    }

    #[test]
    fn a_match_counts_only_the_calls_that_fit_so_a_region_has_its_own_count() {
        let (us, eu) = (("us-east-1", "Action=CreateSnapshot"), ("eu-west-1", "Action=CreateSnapshot"));
        let second = r#"{"fault": "reset", "match": {"region": "eu-west-1", "skip": 1, "times": 1}}"#;
        assert_eq!(strikes(second, &[us, eu, us, eu, eu]), [false, false, false, true, false]);
        let later = r#"{"fault": "reset", "match": {"skip": 2}}"#;
        assert_eq!(strikes(later, &[us, eu, us, eu]), [false, false, true, true]);
    }
}
