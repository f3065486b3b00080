//! Answers to a caller.

use xmltree::{Element, XMLNode};

/// An answer, or a connection that is cut.
#[derive(Clone, Debug)]
pub enum Answer {
    Http {
        status: u16,
        /// XML.
        body: String,
    },
    /// The connection ends before a byte of an answer.
    Cut,
}

impl Answer {
    /// Returns an EC2 error.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let element = |name: &str, children: Vec<XMLNode>| {
            let mut element = Element::new(name);
            element.children = children;
            XMLNode::Element(element)
        };
        let text = |name: &str, text: &str| element(name, vec![XMLNode::Text(text.to_owned())]);
        let error = element("Error", vec![text("Code", code), text("Message", message)]);
        let mut response = Element::new("Response");
        response.children =
            vec![element("Errors", vec![error]), text("RequestID", "00000000-0000-4000-8000-000000000000")];
        Self::Http { status, body: write(&response) }
    }

    pub fn is_success(&self) -> bool {
        matches!(self, Self::Http { status: 200..300, .. })
    }

    /// Returns the answer's document if the call succeeded.
    pub fn document(&self) -> Option<Element> {
        match self {
            Self::Http { body, .. } if self.is_success() => Element::parse(body.as_bytes()).ok(),
            _ => None,
        }
    }

    /// Returns `Ok`, EC2's error code, the HTTP status of an answer without a code, or `cut`.
    pub fn code(&self) -> String {
        match self {
            Self::Cut => "cut".to_owned(),
            Self::Http { status: 200..300, .. } => "Ok".to_owned(),
            Self::Http { status, body } => error_code(body).unwrap_or_else(|| status.to_string()),
        }
    }
}

fn error_code(body: &str) -> Option<String> {
    let response = Element::parse(body.as_bytes()).ok()?;
    let code = response.get_child("Errors")?.get_child("Error")?.get_child("Code")?.get_text()?;
    Some(code.into_owned())
}

/// Returns an element as a document.
pub fn write(element: &Element) -> String {
    let mut body = Vec::new();
    element.write(&mut body).expect("writing to memory succeeds");
    String::from_utf8(body).expect("the writer writes UTF-8")
}

/// Returns the text of a child, or an empty text if the child does not exist.
pub fn text(element: &Element, child: &str) -> String {
    element.get_child(child).and_then(Element::get_text).map(|text| text.into_owned()).unwrap_or_default()
}

/// Sets the text of a child, if the child exists.
pub fn set_text(element: &mut Element, child: &str, text: &str) {
    if let Some(child) = element.get_mut_child(child) {
        child.children = vec![XMLNode::Text(text.to_owned())];
    }
}

/// Moves the elements out of a set.
pub fn take_items(set: &mut Element) -> Vec<Element> {
    let children = std::mem::take(&mut set.children);
    children.into_iter().filter_map(|node| if let XMLNode::Element(item) = node { Some(item) } else { None }).collect()
}
