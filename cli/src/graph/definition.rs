//! A definition in the Amazon States Language, as a tree of states: those within a Map or a Parallel are inside it.

use serde_json::Value;
use std::collections::VecDeque;

use super::trace::Outcome;

/// States that lead to one another: those of the whole machine, of a Map's processor, or of one branch of a Parallel.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The state that is entered first.
    pub start: String,
    /// Its states, in the order in which they may be reached.
    pub states: Vec<State>,
}

/// A state.
#[derive(Clone, Debug)]
pub struct State {
    /// Its name, which no other state of the whole definition has.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Where it leads.
    pub arrows: Vec<Arrow>,
    /// What runs inside: a Map's processor, a Parallel's branches.
    pub inside: Vec<Machine>,
    /// The definition's own words.
    pub source: Value,
}

/// A state's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of the Amazon States Language")]
pub enum Kind {
    Task,
    Choice,
    Pass,
    Wait,
    Succeed,
    Fail,
    Map,
    Parallel,
}

/// A way from a state to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// The other state; none where it ends.
    pub to: Option<String>,
    /// Whether it is the way of an error.
    pub catch: bool,
}

impl Machine {
    /// Reads a definition; what is not in it is not in the tree.
    pub fn read(definition: &Value) -> Self {
        let start = text(definition, "StartAt").unwrap_or_default();
        let mut left: Vec<State> = definition["States"].as_object().into_iter().flatten().map(State::read).collect();
        let (mut states, mut reached) = (Vec::new(), VecDeque::from([start.clone()]));
        while let Some(name) = reached.pop_front() {
            if let Some(at) = left.iter().position(|state| state.name == name) {
                let state = left.remove(at);
                reached.extend(state.arrows.iter().filter_map(|arrow| arrow.to.clone()));
                states.push(state);
            }
        }
        states.append(&mut left);
        Self { start, states }
    }

    /// The state of this name on this level.
    pub fn get(&self, name: &str) -> Option<&State> {
        self.states.iter().find(|state| state.name == name)
    }

    /// The state of this name on any level.
    pub fn find(&self, name: &str) -> Option<&State> {
        self.all().into_iter().find(|state| state.name == name)
    }

    /// Every state of every level.
    pub fn all(&self) -> Vec<&State> {
        self.states
            .iter()
            .flat_map(|state| [vec![state], state.inside.iter().flat_map(Self::all).collect()].concat())
            .collect()
    }

    /// The inside of the Distributed Map of this label: what a child execution of it runs.
    pub fn of_label(&self, label: &str) -> Option<&Value> {
        let map = self.all().into_iter().find(|state| state.is_distributed() && state.label() == label)?;
        map.processor()
    }
}

impl State {
    fn read((name, source): (&String, &Value)) -> Self {
        let kind = match source["Type"].as_str().unwrap_or_default() {
            "Choice" => Kind::Choice,
            "Pass" => Kind::Pass,
            "Wait" => Kind::Wait,
            "Succeed" => Kind::Succeed,
            "Fail" => Kind::Fail,
            "Map" => Kind::Map,
            "Parallel" => Kind::Parallel,
            _ => Kind::Task,
        };
        let mut state =
            Self { name: name.clone(), kind, arrows: arrows(source), inside: Vec::new(), source: source.clone() };
        state.inside = state.processor().into_iter().chain(list(source, "Branches")).map(Machine::read).collect();
        state
    }

    fn processor(&self) -> Option<&Value> {
        self.source.get("ItemProcessor").or_else(|| self.source.get("Iterator"))
    }

    /// Whether it is a Map whose items are child executions.
    pub fn is_distributed(&self) -> bool {
        self.processor().is_some_and(|processor| processor["ProcessorConfig"]["Mode"] == "DISTRIBUTED")
    }

    /// What the Map's child executions are told apart by.
    pub fn label(&self) -> &str {
        self.source["Label"].as_str().unwrap_or(&self.name)
    }

    /// Whether an error alone leads from here to there.
    pub fn catches_into(&self, to: &str) -> bool {
        let leads = |catch| self.arrows.iter().any(|arrow| arrow.catch == catch && arrow.to.as_deref() == Some(to));
        leads(true) && !leads(false)
    }

    /// Whether what it is in ends here when it has gone so.
    pub fn ends_with(&self, outcome: Outcome) -> bool {
        let well = outcome == Outcome::Succeeded || self.kind == Kind::Fail && outcome == Outcome::Failed;
        well && self.arrows.iter().any(|arrow| arrow.to.is_none())
    }

    /// Where it leads when all is well and there is no choice; the inner none is the end.
    pub fn next(&self) -> Option<Option<&str>> {
        let mut ways = self.arrows.iter().filter(|arrow| !arrow.catch);
        let way = ways.next()?;
        ways.next().is_none().then_some(way.to.as_deref())
    }

    /// What its box says of its type: for a Task the service that it calls.
    pub fn says(&self) -> &str {
        match self.kind {
            Kind::Task => service(self.source["Resource"].as_str().unwrap_or_default()),
            Kind::Choice => "Choice",
            Kind::Pass => "Pass",
            Kind::Wait => "Wait",
            Kind::Succeed => "Succeed",
            Kind::Fail => "Fail",
            Kind::Map if self.is_distributed() => "Distributed Map",
            Kind::Map => "Map",
            Kind::Parallel => "Parallel",
        }
    }
}

/// `arn:aws:states:::aws-sdk:ec2:describeSnapshots` is EC2's.
fn service(resource: &str) -> &str {
    let parts: Vec<_> = resource.split(':').collect();
    let name = match parts.as_slice() {
        [_, _, "states", _, _, "aws-sdk", name, ..] | [_, _, "states", _, _, name, ..] | [_, _, name, ..] => *name,
        _ => "Task",
    };
    match name {
        "lambda" => "Lambda",
        "sns" => "SNS",
        "sqs" => "SQS",
        "ec2" => "EC2",
        "s3" => "S3",
        "sfn" | "states" => "Step Functions",
        "dynamodb" => "DynamoDB",
        _ => name,
    }
}

fn arrows(source: &Value) -> Vec<Arrow> {
    let plain =
        text(source, "Next").into_iter().chain(list(source, "Choices").filter_map(|choice| text(choice, "Next")));
    let plain = plain.chain(text(source, "Default")).map(|to| Arrow { to: Some(to), catch: false });
    let caught =
        list(source, "Catch").filter_map(|catch| text(catch, "Next")).map(|to| Arrow { to: Some(to), catch: true });
    let ends = source["End"] == true || ["Succeed", "Fail"].iter().any(|kind| source["Type"] == *kind);
    let mut found = Vec::new();
    for arrow in plain.chain(caught).chain(ends.then_some(Arrow { to: None, catch: false })) {
        if !found.contains(&arrow) {
            found.push(arrow);
        }
    }
    found
}

fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}
