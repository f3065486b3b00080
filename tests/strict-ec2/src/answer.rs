//! What a caller gets: an answer, or a connection that is cut.

use xmltree::{Element, XMLNode};

/// What a caller gets.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A status and a body.
    Said {
        /// The HTTP status.
        status: u16,
        /// XML.
        body: String,
    },
    /// The connection ends without a word.
    Cut,
}

impl Answer {
    /// EC2's error of a code.
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
        Self::Said { status, body: write(&response) }
    }

    /// Whether the call was granted.
    pub fn is_granted(&self) -> bool {
        matches!(self, Self::Said { status: 200..300, .. })
    }

    /// In a word: `Ok`, EC2's code, or what became of the connection.
    pub fn word(&self) -> String {
        match self {
            Self::Cut => "cut".to_owned(),
            Self::Said { status: 200..300, .. } => "Ok".to_owned(),
            Self::Said { status, body } => code(body).unwrap_or_else(|| status.to_string()),
        }
    }
}

fn code(body: &str) -> Option<String> {
    let response = Element::parse(body.as_bytes()).ok()?;
    let code = response.get_child("Errors")?.get_child("Error")?.get_child("Code")?.get_text()?;
    Some(code.into_owned())
}

/// An element as a document.
pub fn write(element: &Element) -> String {
    let mut body = Vec::new();
    element.write(&mut body).expect("a document in memory");
    String::from_utf8(body).expect("UTF-8")
}

/// The text of a child; empty where there is none.
pub fn text(element: &Element, child: &str) -> String {
    element.get_child(child).and_then(Element::get_text).map(|text| text.into_owned()).unwrap_or_default()
}

/// Sets the text of a child that is there.
pub fn set_text(element: &mut Element, child: &str, text: &str) {
    if let Some(child) = element.get_mut_child(child) {
        child.children = vec![XMLNode::Text(text.to_owned())];
    }
}
