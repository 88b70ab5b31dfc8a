//! Which outputs exist when a state runs.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::facts::{PlanFacts, ScopeFacts, StateFacts};
use super::graph::catchers;
use super::reads::output_written;
use crate::asl::State;
use crate::plan::kinds::{approval_name, cdk_diff_name, package_sam_name, wants_diff};

/// Who writes what under `$.output`.
#[derive(Debug)]
pub(super) struct Written {
    writers: HashMap<String, Vec<Writer>>,
}

/// One place that writes an output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer {
    /// The state that writes, or that has the catcher which does.
    pub(super) state: usize,
    /// Node in the graph of the state's scope.
    node: usize,
    /// Whether it writes whenever the node is passed.
    always: bool,
}

/// Whether an output exists when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existence {
    /// Nobody writes it.
    Unknown,
    /// On every way.
    Always,
    /// On some ways only; the state writes it on those.
    Sometimes(usize),
    /// Only another branch of the same state writes it.
    OtherBranch {
        /// The state that writes it.
        writer: usize,
        /// The state whose branches they are.
        parallel: usize,
    },
    /// Whoever writes it can only run later.
    Later(usize),
}

impl Written {
    pub(super) fn of(scopes: &[ScopeFacts<'_>], states: &[StateFacts<'_>]) -> Self {
        let mut writers: HashMap<String, Vec<Writer>> = HashMap::new();
        for (index, facts) in states.iter().enumerate() {
            let node = scopes[facts.scope].graph.done(facts.number);
            for (name, always) in outputs(facts.state) {
                writers.entry(name).or_default().push(Writer { state: index, node, always });
            }
        }
        for scope in scopes {
            for (position, (number, catcher)) in scope.graph.catchers.iter().enumerate() {
                let index = scope.states[*number];
                let fields = catchers(states[index].state).nth(*catcher).and_then(|(_, fields)| fields.as_object());
                if let Some(name) = fields.and_then(output_written) {
                    let node = scope.graph.catcher(position);
                    writers.entry(name).or_default().push(Writer { state: index, node, always: true });
                }
            }
        }
        Self { writers }
    }

    /// Returns everything that is written.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.writers.keys().map(String::as_str)
    }

    /// Returns the states that write an output.
    pub(super) fn writers(&self, name: &str) -> impl Iterator<Item = usize> {
        self.writers.get(name).into_iter().flatten().map(|writer| writer.state)
    }

    /// Says whether an output exists when a state is entered.
    pub(super) fn existence(&self, plan: &PlanFacts<'_>, name: &str, reader: usize) -> Existence {
        let Some(writers) = self.writers.get(name) else { return Existence::Unknown };
        // From the reader outwards: each state around it, the reader first.
        let chain: Vec<usize> = std::iter::once(reader).chain(plan.around(reader)).collect();
        let mut sometimes = None;
        let mut other_branch = None;
        for (depth, at) in chain.iter().enumerate() {
            let scope = &plan.scopes[plan.states[*at].scope];
            let enter = scope.graph.enter(plan.states[*at].number);
            let mut surely = HashSet::new();
            for writer in writers {
                let Some((node, always)) = project_onto(plan, writer, plan.states[*at].scope) else { continue };
                let is_around = depth > 0 && node == scope.graph.done(plan.states[*at].number);
                if is_around {
                    // In the same state around; a scope in common was looked at before.
                    let below = plan.states[chain[depth - 1]].scope;
                    if project_onto(plan, writer, below).is_none() {
                        other_branch = Some(Existence::OtherBranch { writer: writer.state, parallel: *at });
                    }
                    continue;
                }
                if always && scope.graph.dominates(node, enter) {
                    return Existence::Always;
                }
                if scope.graph.leads_to(node, enter) {
                    sometimes.get_or_insert(writer.state);
                }
                if always {
                    surely.insert(node);
                }
            }
            // One of several on every way.
            if surely.len() > 1
                && scope.graph.is_reached(plan.states[*at].number)
                && !scope.graph.avoids(&surely, enter)
            {
                return Existence::Always;
            }
        }
        match (sometimes, other_branch) {
            (Some(writer), _) => Existence::Sometimes(writer),
            (None, Some(found)) => found,
            (None, None) => writers.first().map_or(Existence::Unknown, |writer| Existence::Later(writer.state)),
        }
    }
}

/// Returns the node of a scope after which a writer somewhere inside has written, and whether it surely has.
fn project_onto(plan: &PlanFacts<'_>, writer: &Writer, target: usize) -> Option<(usize, bool)> {
    let (mut state, mut node, mut always) = (writer.state, writer.node, writer.always);
    loop {
        let scope = &plan.scopes[plan.states[state].scope];
        if plan.states[state].scope == target {
            return Some((node, always));
        }
        let owner = scope.owner?;
        let around = plan.states[owner].state;
        if !hands_on(around) {
            return None;
        }
        // A map may have no items.
        always &= around.kind == "Parallel" && scope.graph.dominates(node, scope.graph.end());
        node = plan.scopes[plan.states[owner].scope].graph.done(plan.states[owner].number);
        state = owner;
    }
}

/// Says whether what happens to the payload inside of a state shows after it.
fn hands_on(state: &State) -> bool {
    match state.fields.get("ResultPath") {
        None => true,
        Some(Value::String(path)) => path == "$",
        Some(_) => false,
    }
}

/// Returns the outputs that a state writes when it succeeds, and whether it always does.
fn outputs(state: &State) -> Vec<(String, bool)> {
    let name = &state.name;
    match state.kind.as_str() {
        "AttiniCfn" | "AttiniRunnerJob" | "AttiniImport" | "AttiniManualApproval" | "AttiniLambdaInvoke" => {
            vec![(name.clone(), true)]
        }
        "AttiniSam" => vec![(name.clone(), true), (package_sam_name(name), true)],
        "AttiniCdk" if wants_diff(&state.fields) => {
            vec![(name.clone(), true), (cdk_diff_name(name), true), (approval_name(name), false)]
        }
        "AttiniCdk" => vec![(name.clone(), true)],
        "AttiniMergeOutput" => Vec::new(),
        _ => output_written(&state.fields).map(|name| (name, true)).into_iter().collect(),
    }
}
