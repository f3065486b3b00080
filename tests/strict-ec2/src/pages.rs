//! Pages of a listing. The upstream returns the whole listing; the caller gets it in pages.

use std::collections::HashMap;
use xmltree::{Element, XMLNode};

use crate::{
    Call,
    answer::{Answer, write},
    rules::Rules,
};

/// The unfinished listings by token.
#[derive(Default)]
pub struct Pages(HashMap<String, Remainder>);

struct Remainder {
    /// The answer without its items.
    frame: Element,
    set: String,
    items: Vec<Element>,
    /// Whether the next page is empty.
    empty_next: bool,
}

impl Pages {
    /// Returns the first page of a listing. `frame` is the answer without the items of its `set`.
    pub fn begin(&mut self, frame: Element, set: &str, items: Vec<Element>, call: &Call, rules: &Rules) -> Answer {
        self.next(Remainder { frame, set: set.to_owned(), items, empty_next: rules.empty_pages }, call, rules)
    }

    /// Returns the page of a token.
    pub fn resume(&mut self, token: &str, call: &Call, rules: &Rules) -> Answer {
        match self.0.remove(token) {
            Some(rest) => self.next(rest, call, rules),
            None => Answer::error(400, "InvalidNextToken", &format!("The token '{token}' is invalid")),
        }
    }

    fn next(&mut self, mut rest: Remainder, call: &Call, rules: &Rules) -> Answer {
        let asked = call.get("MaxResults").and_then(|asked| asked.parse().ok());
        let most = asked.into_iter().chain(rules.page).min().unwrap_or(usize::MAX);
        let page: Vec<Element> = match rest.empty_next && !rest.items.is_empty() {
            true => Vec::new(),
            false => rest.items.drain(..most.min(rest.items.len())).collect(),
        };
        let mut answer = rest.frame.clone();
        if let Some(set) = answer.get_mut_child(rest.set.as_str()) {
            set.children = page.into_iter().map(XMLNode::Element).collect();
        }
        if !rest.items.is_empty() {
            rest.empty_next = rules.empty_pages && !rest.empty_next;
            let token: String = std::iter::repeat_with(fastrand::alphanumeric).take(64).collect();
            let mut element = Element::new("nextToken");
            element.children = vec![XMLNode::Text(token.clone())];
            answer.children.push(XMLNode::Element(element));
            self.0.insert(token, rest);
        } else if rules.empty_pages {
            // A listing may end with an empty token (AWSEC2 API reference, DescribeSnapshots).
            answer.children.push(XMLNode::Element(Element::new("nextToken")));
        }
        Answer::Http { status: 200, body: write(&answer) }
    }
}

/// Returns EC2's refusal of a page size: a page has 5 to 1,000 items, and a call with IDs has no pages (AWSEC2 API
/// reference, DescribeSnapshots).
pub fn page_size_error(call: &Call) -> Option<Answer> {
    let asked = call.get("MaxResults")?;
    if call.snapshot_id().is_some() || call.volume_id().is_some() {
        let message = "The parameter MaxResults cannot be used with the parameter snapshotSet or volumeSet";
        return Some(Answer::error(400, "InvalidParameterCombination", message));
    }
    let fits = asked.parse().is_ok_and(|asked: usize| (5..=1_000).contains(&asked));
    let message = format!("Value ( {asked} ) for parameter maxResults is invalid. Expecting a value from 5 to 1000.");
    (!fits).then(|| Answer::error(400, "InvalidParameterValue", &message))
}
