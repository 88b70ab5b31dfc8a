//! What becomes of the payload on its way through a plan: whether a state may get something else instead.

use serde_json::Value;

use super::facts::{ScopeFacts, StateFacts};
use super::graph::catchers;
use crate::asl::State;
use crate::plan::frame::PAYLOAD_FIELDS;

/// Types whose states need the whole payload.
pub(super) const FRAMED: [&str; 6] =
    ["AttiniCfn", "AttiniSam", "AttiniCdk", "AttiniRunnerJob", "AttiniImport", "AttiniManualApproval"];

/// Why a state may not get the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loss {
    /// A state put its result in place of the payload.
    Result(usize),
    /// A state hands on a part of its output, or takes a part of its input.
    Part(usize),
    /// A catcher put the error in place of the payload.
    Error {
        /// The state that has the catcher.
        state: usize,
        /// Position of the catcher.
        catcher: usize,
    },
    /// The payloads of branches or iterations lie in a list.
    List(usize),
    /// The iterations of a `Map` get its items.
    Item(usize),
}

/// What each state gets.
#[derive(Debug)]
pub(super) struct Shapes {
    /// By state: what may have replaced the payload before it.
    pub(super) lost: Vec<Option<Loss>>,
    /// Losses with a state that cannot work because of them, each loss once.
    pub(super) broken: Vec<(Loss, usize)>,
}

impl Shapes {
    pub(super) fn of(scopes: &[ScopeFacts<'_>], states: &[StateFacts<'_>]) -> Self {
        let mut shapes = Self { lost: vec![None; states.len()], broken: Vec::new() };
        // An inner scope has a greater position than the one around it.
        for scope in scopes {
            let entry = scope.owner.and_then(|owner| inner(states[owner].state, owner, shapes.lost[owner]));
            shapes.scope(scope, states, entry);
        }
        shapes.broken.sort_unstable();
        shapes.broken.dedup_by_key(|(loss, _)| *loss);
        shapes
    }

    /// Goes through a scope; each node is visited again at most once, when its input turns out to be lost.
    fn scope(&mut self, scope: &ScopeFacts<'_>, states: &[StateFacts<'_>], entry: Option<Loss>) {
        let graph = &scope.graph;
        let Some(start) = graph.start() else { return };
        let mut known: Vec<Option<Option<Loss>>> = vec![None; graph.nodes()];
        known[start] = Some(entry);
        let mut open = vec![start];
        while let Some(node) = open.pop() {
            let before = known[node].flatten();
            let after = match graph.state_of(node) {
                Some((_, true)) => before,
                Some((number, false)) => {
                    let index = scope.states[number];
                    outcome(states[index].state, index, before)
                }
                None if node > graph.end() => {
                    let (number, position) = graph.catchers[node - graph.end() - 1];
                    let index = scope.states[number];
                    caught(states[index].state, index, position, before)
                }
                None => before,
            };
            for next in graph.next(node) {
                let is_new = match known[*next] {
                    None => true,
                    Some(None) => after.is_some(),
                    Some(Some(_)) => false,
                };
                if is_new {
                    known[*next] = Some(after);
                    open.push(*next);
                }
            }
        }
        for (number, index) in scope.states.iter().enumerate() {
            let state = states[*index].state;
            let mut lost = known[graph.enter(number)].flatten();
            if FRAMED.contains(&state.kind.as_str()) && is_part(state, "InputPath") {
                lost = Some(Loss::Part(*index));
            }
            self.lost[*index] = lost;
            if let Some(loss) = lost.filter(|_| FRAMED.contains(&state.kind.as_str())) {
                self.broken.push((loss, *index));
            }
        }
    }
}

/// What the scopes inside a state get.
fn inner(state: &State, index: usize, before: Option<Loss>) -> Option<Loss> {
    let selector = state.fields.get("ItemSelector").or_else(|| state.fields.get("Parameters"));
    match state.kind.as_str() {
        "AttiniMap" => before,
        "Map" if selector.is_some_and(keeps_payload) => before,
        "Map" => Some(Loss::Item(index)),
        _ if selector.is_some_and(|value| !keeps_payload(value)) || is_part(state, "InputPath") => {
            Some(Loss::Part(index))
        }
        _ => before,
    }
}

/// What follows a state gets.
fn outcome(state: &State, index: usize, before: Option<Loss>) -> Option<Loss> {
    let replaces = match state.fields.get("ResultPath") {
        None => true,
        Some(Value::String(path)) => path == "$",
        Some(_) => false,
    };
    let loss = match state.kind.as_str() {
        "AttiniMergeOutput" => match before {
            Some(Loss::List(_) | Loss::Item(_)) => None,
            other => return other,
        },
        "Parallel" | "Map" | "AttiniMap" if replaces => Some(Loss::List(index)),
        "Task" if replaces => Some(Loss::Result(index)),
        "Pass" if replaces => {
            let made = ["Result", "Parameters"].iter().find_map(|key| state.fields.get(*key));
            match made {
                Some(value) if keeps_payload(value) => None,
                Some(_) => Some(Loss::Result(index)),
                None if is_part(state, "InputPath") => Some(Loss::Part(index)),
                None => before,
            }
        }
        "Wait" | "Choice" if is_part(state, "InputPath") => Some(Loss::Part(index)),
        _ => before,
    };
    if is_part(state, "OutputPath") { Some(Loss::Part(index)) } else { loss }
}

fn caught(state: &State, index: usize, position: usize, before: Option<Loss>) -> Option<Loss> {
    let catcher = catchers(state).nth(position).and_then(|(_, catcher)| catcher.as_object());
    let replaces = match catcher.and_then(|catcher| catcher.get("ResultPath")) {
        None => true,
        Some(Value::String(path)) => path == "$",
        Some(_) => false,
    };
    if replaces { Some(Loss::Error { state: index, catcher: position }) } else { before }
}

/// Says whether a path field takes only a part.
fn is_part(state: &State, key: &str) -> bool {
    state.fields.get(key).is_some_and(|path| path != "$")
}

/// Says whether a value that is made anew has everything that steps need.
fn keeps_payload(value: &Value) -> bool {
    let has = |field: &str| value.get(field).is_some() || value.get(format!("{field}.$")).is_some();
    PAYLOAD_FIELDS.into_iter().all(has)
}
