//! State machine definition in the Amazon States Language, as a tree of states. A Map contains the states of its processor. No definition
//! of this project has a Parallel state.

use anyhow::{Context, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

use super::outcome::StateOutcome;

/// States on one level: those of the whole machine, or of a Map's processor.
#[derive(Clone, Debug)]
pub struct Machine {
    pub start: String,
    /// States in the order in which they may be reached.
    pub states: Vec<State>,
}

#[derive(Clone, Debug)]
pub struct State {
    pub name: String,
    pub kind: StateKind,
    /// Whether the state is a Map whose items are child executions.
    pub is_distributed: bool,
    pub arrows: Vec<Arrow>,
    /// A Map's processor.
    pub inside: Option<Machine>,
    /// AWS service that a Task calls.
    service: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema, Serialize)]
pub enum StateKind {
    Task,
    Choice,
    Pass,
    Wait,
    Succeed,
    Fail,
    Map,
}

/// Transition from a state to another, or to the end of its level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    pub to: Option<String>,
    /// Whether the transition is a Catch.
    pub catch: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    start_at: String,
    states: BTreeMap<String, Source>,
    #[serde(default)]
    processor_config: ProcessorConfig,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ProcessorConfig {
    mode: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Source {
    r#type: StateKind,
    next: Option<String>,
    default: Option<String>,
    #[serde(default)]
    choices: Vec<Way>,
    #[serde(default)]
    catch: Vec<Way>,
    #[serde(default)]
    end: bool,
    #[serde(default)]
    resource: String,
    item_processor: Option<Box<Definition>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Way {
    next: String,
}

impl Machine {
    /// Reads a definition.
    ///
    /// # Errors
    /// The definition is not in the Amazon States Language.
    pub fn read(definition: &str) -> Result<Self> {
        let definition: Definition =
            serde_json::from_str(definition).context("the state machine's definition cannot be read")?;
        Ok(definition.into())
    }

    /// Returns the state with this name on this level.
    pub fn get(&self, name: &str) -> Option<&State> {
        self.states.iter().find(|state| state.name == name)
    }

    /// Returns the state with this name on any level.
    pub fn find(&self, name: &str) -> Option<&State> {
        self.all().into_iter().find(|state| state.name == name)
    }

    pub fn all<'a>(&'a self) -> Vec<&'a State> {
        let inside = |state: &'a State| state.inside.iter().flat_map(Self::all);
        self.states.iter().flat_map(|state| std::iter::once(state).chain(inside(state)).collect::<Vec<_>>()).collect()
    }
}

impl From<Definition> for Machine {
    fn from(mut definition: Definition) -> Self {
        let (mut states, mut reached) = (Vec::<State>::new(), VecDeque::from([definition.start_at.clone()]));
        while let Some(name) = reached.pop_front() {
            if let Some(source) = definition.states.remove(&name) {
                let state = State::new(name, source);
                reached.extend(state.arrows.iter().filter_map(|arrow| arrow.to.clone()));
                states.push(state);
            }
        }
        Self { start: definition.start_at, states }
    }
}

impl State {
    fn new(name: String, source: Source) -> Self {
        let arrows = arrows(&source);
        let mode = source.item_processor.as_ref().map(|processor| processor.processor_config.mode.as_str());
        let is_distributed = mode == Some("DISTRIBUTED");
        let inside = source.item_processor.map(|processor| Machine::from(*processor));
        Self { name, kind: source.r#type, is_distributed, arrows, inside, service: service(&source.resource) }
    }

    /// Returns whether only a Catch leads from this state to `to`.
    pub fn catches_into(&self, to: &str) -> bool {
        let leads = |catch| self.arrows.iter().any(|arrow| arrow.catch == catch && arrow.to.as_deref() == Some(to));
        leads(true) && !leads(false)
    }

    /// Returns whether the level ends after this state has this outcome.
    pub fn ends_with(&self, outcome: StateOutcome) -> bool {
        let well =
            outcome == StateOutcome::Succeeded || self.kind == StateKind::Fail && outcome == StateOutcome::Failed;
        well && self.arrows.iter().any(|arrow| arrow.to.is_none())
    }

    /// Returns the transition that is not a Catch, if there is exactly one.
    pub fn only_way(&self) -> Option<&Arrow> {
        let mut ways = self.arrows.iter().filter(|arrow| !arrow.catch);
        ways.next().filter(|_| ways.next().is_none())
    }

    /// Returns the state's type, or for a Task the service that it calls.
    pub fn label(&self) -> &str {
        match self.kind {
            StateKind::Task => self.service,
            StateKind::Choice => "Choice",
            StateKind::Pass => "Pass",
            StateKind::Wait => "Wait",
            StateKind::Succeed => "Succeed",
            StateKind::Fail => "Fail",
            StateKind::Map if self.is_distributed => "Distributed Map",
            StateKind::Map => "Map",
        }
    }
}

/// Returns the service of a resource such as `arn:aws:states:::lambda:invoke`.
fn service(resource: &str) -> &'static str {
    match resource.split(':').nth(5) {
        Some("lambda") => "Lambda",
        Some("sns") => "SNS",
        _ => "Task",
    }
}

fn arrows(source: &Source) -> Vec<Arrow> {
    let choices = source.choices.iter().map(|way| &way.next);
    let plain = source.next.iter().chain(choices).chain(&source.default).map(|to| (Some(to.clone()), false));
    let caught = source.catch.iter().map(|way| (Some(way.next.clone()), true));
    let ends = source.end || matches!(source.r#type, StateKind::Succeed | StateKind::Fail);
    let mut found = Vec::new();
    for (to, catch) in plain.chain(caught).chain(ends.then_some((None, false))) {
        let arrow = Arrow { to, catch };
        if !found.contains(&arrow) {
            found.push(arrow);
        }
    }
    found
}
