//! What rules share: the template as JSON and its plans as states and graphs.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::graph::Graph;
use super::payload::Shapes;
use super::project::Project;
use super::reads::{Read, reads};
use super::stack_step::StackStep;
use super::written::{Existence, Written};
use crate::asl::{Scope, State};
use crate::document::{DocPath, Document, Segment};
use crate::plan::paths::OutputPaths;
use crate::plan::survey::{PlanResource, find_plans};
use crate::plan::{PlanProblem, RUNNER, translate};
use crate::problem::SourceSpot;

/// What is read from the template once and lives as long as the lint.
pub(super) struct Parsed {
    json: Value,
    plans: Vec<(PlanResource, Scope)>,
    refusals: Vec<PlanProblem>,
}

impl Parsed {
    pub(super) fn of(project: &Project) -> Self {
        let json = project.template.as_ref().map(Document::to_json).unwrap_or_default();
        let plans = find_plans(&json).into_iter().filter_map(|plan| {
            let scope = translate::read_plan(plan.definition(&json)?, &plan.path()).0;
            Some((plan, scope))
        });
        let plans = plans.collect();
        let refusals = if json.is_object() { crate::plan::check(&json) } else { Vec::new() };
        Self { json, plans, refusals }
    }
}

/// All that rules look at.
pub(super) struct Facts<'a> {
    pub(super) project: &'a Project,
    pub(super) template: Option<TemplateFacts<'a>>,
}

/// The init template.
pub(super) struct TemplateFacts<'a> {
    pub(super) document: &'a Document,
    pub(super) json: &'a Value,
    pub(super) plans: Vec<PlanFacts<'a>>,
    /// What the framework would refuse.
    pub(super) refusals: &'a [PlanProblem],
}

/// One plan.
pub(super) struct PlanFacts<'a> {
    pub(super) resource: &'a PlanResource,
    /// The properties of the plan's resource.
    pub(super) properties: Option<&'a Map<String, Value>>,
    pub(super) scopes: Vec<ScopeFacts<'a>>,
    /// All states, each after the one around it.
    pub(super) states: Vec<StateFacts<'a>>,
    /// What states read from the payload.
    pub(super) reads: Vec<Read>,
    pub(super) written: Written,
    pub(super) shapes: Shapes,
    /// Which of the outputs that are read exist, unless a default or somebody who writes all outputs may provide them.
    pub(super) outputs: Vec<OutputRead>,
    /// Steps that deploy stacks.
    pub(super) stacks: Vec<StackStep>,
}

/// An output that is read.
pub(super) struct OutputRead {
    /// Position in `PlanFacts::reads`.
    pub(super) read: usize,
    /// The name under `$.output`.
    pub(super) name: String,
    pub(super) existence: Existence,
}

/// States that can name each other.
pub(super) struct ScopeFacts<'a> {
    pub(super) scope: &'a Scope,
    /// The state around it.
    pub(super) owner: Option<usize>,
    pub(super) graph: Graph,
    /// Its states in the author's order, as positions in `PlanFacts::states`.
    pub(super) states: Vec<usize>,
}

/// One state.
pub(super) struct StateFacts<'a> {
    pub(super) state: &'a State,
    /// The scope it is in.
    pub(super) scope: usize,
    /// Its number in the scope's graph.
    pub(super) number: usize,
    /// The scopes inside of it.
    pub(super) inner: Vec<usize>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(project: &'a Project, parsed: &'a Parsed) -> Self {
        let template = project.template.as_ref().filter(|_| parsed.json.is_object()).map(|document| {
            let plans = parsed.plans.iter().map(|(resource, scope)| {
                let properties = parsed.json["Resources"][&resource.logical_id].get("Properties");
                PlanFacts::of(project, resource, properties.and_then(Value::as_object), scope)
            });
            TemplateFacts { document, json: &parsed.json, plans: plans.collect(), refusals: &parsed.refusals }
        });
        Self { project, template }
    }

    /// Returns every plan with its template.
    pub(super) fn plans(&self) -> impl Iterator<Item = (&TemplateFacts<'a>, &PlanFacts<'a>)> {
        self.template.iter().flat_map(|template| template.plans.iter().map(move |plan| (template, plan)))
    }

    /// Returns every state that the author wrote, with its plan.
    pub(super) fn states(&self) -> impl Iterator<Item = StateIn<'_, 'a>> {
        self.plans().flat_map(|(template, plan)| {
            let written = plan.states.iter().enumerate().filter(|(_, state)| state.state.made_for.is_none());
            written.map(move |(index, facts)| StateIn { template, plan, index, state: facts.state })
        })
    }
}

/// A state with what is around it.
pub(super) struct StateIn<'f, 'a> {
    pub(super) template: &'f TemplateFacts<'a>,
    pub(super) plan: &'f PlanFacts<'a>,
    pub(super) index: usize,
    pub(super) state: &'a State,
}

impl<'a> StateIn<'_, 'a> {
    /// Returns a field of the state; null counts as absent.
    pub(super) fn field(&self, key: &str) -> Option<&'a Value> {
        self.state.fields.get(key).filter(|value| !value.is_null())
    }

    /// Returns a property of an Attini step; null counts as absent.
    pub(super) fn property(&self, key: &str) -> Option<&'a Value> {
        self.field("Properties")?.get(key).filter(|value| !value.is_null())
    }

    /// Returns where the name of the state stands.
    pub(super) fn spot(&self) -> Option<SourceSpot> {
        state_spot(self.template.document, self.state)
    }
}

/// Returns where the name of a state stands.
pub(super) fn state_spot(document: &Document, state: &State) -> Option<SourceSpot> {
    match state.origin.segments().last() {
        Some(Segment::Index(_)) => document.spot(&state.origin.key("Name")),
        _ => document.key_spot(&state.origin),
    }
}

impl<'a> TemplateFacts<'a> {
    /// Returns the entries of a section: `Resources`, `Parameters`, …
    pub(super) fn section(&self, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        self.json.get(name).and_then(Value::as_object).into_iter().flatten()
    }

    /// Returns the runners by logical id.
    pub(super) fn runners(&self) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        let runners =
            self.section("Resources").filter(|(_, resource)| resource.get("Type").is_some_and(|t| t == RUNNER));
        runners.map(|(id, resource)| (id.as_str(), resource))
    }

    /// Returns the path of a resource.
    pub(super) fn resource_path(id: &str) -> DocPath {
        DocPath::root().key("Resources").key(id)
    }
}

impl<'a> PlanFacts<'a> {
    fn of(
        project: &Project,
        resource: &'a PlanResource,
        properties: Option<&'a Map<String, Value>>,
        root: &'a Scope,
    ) -> Self {
        let (mut scopes, mut states) = (Vec::new(), Vec::new());
        flatten(root, None, &mut scopes, &mut states);
        let written = Written::of(&scopes, &states);
        let shapes = Shapes::of(&scopes, &states);
        let names = states.iter().flat_map(|state| {
            std::iter::once(state.state.name.clone()).chain(crate::plan::kinds::generated_names(state.state))
        });
        let paths = OutputPaths::new(names);
        let reads = states.iter().enumerate().flat_map(|(index, state)| reads(index, state.state, &paths)).collect();
        let stacks = StackStep::all(project, &states);
        let outputs = Vec::new();
        let mut plan = Self { resource, properties, scopes, states, reads, written, shapes, outputs, stacks };
        plan.outputs = plan.outputs_read();
        plan
    }

    fn outputs_read(&self) -> Vec<OutputRead> {
        if self.states.iter().any(|state| state.state.fields.get("ResultPath").is_some_and(|path| path == "$.output")) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (index, read) in self.reads.iter().enumerate().filter(|(_, read)| self.shapes.lost[read.state].is_none()) {
            for names in &read.names {
                let [output, name, ..] = &names[..] else { continue };
                let has_default = self.default_outputs().is_some_and(|defaults| defaults.contains_key(name));
                if output == "output" && !has_default {
                    let existence = self.written.existence(self, name, read.state);
                    found.push(OutputRead { read: index, name: name.clone(), existence });
                }
            }
        }
        found
    }

    /// Returns a property of the plan's resource; null counts as absent.
    pub(super) fn property(&self, key: &str) -> Option<&'a Value> {
        self.properties?.get(key).filter(|value| !value.is_null())
    }

    /// Returns the path of a property of the plan's resource.
    pub(super) fn property_path(&self, key: &str) -> DocPath {
        TemplateFacts::resource_path(&self.resource.logical_id).key("Properties").key(key)
    }

    /// Returns the outputs that exist before the plan starts.
    pub(super) fn default_outputs(&self) -> Option<&'a Map<String, Value>> {
        self.property("PayloadDefaults")?.get("output")?.as_object()
    }

    /// Returns the names of the steps that the author wrote.
    pub(super) fn names(&self) -> BTreeSet<&'a str> {
        let written = self.states.iter().filter(|state| state.state.made_for.is_none());
        written.map(|state| state.state.name.as_str()).collect()
    }

    /// Returns the states around a state, the nearest first.
    pub(super) fn around(&self, index: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.scopes[self.states[index].scope].owner, |state| {
            self.scopes[self.states[*state].scope].owner
        })
    }
}

fn flatten<'a>(
    scope: &'a Scope,
    owner: Option<usize>,
    scopes: &mut Vec<ScopeFacts<'a>>,
    states: &mut Vec<StateFacts<'a>>,
) -> usize {
    let own = scopes.len();
    scopes.push(ScopeFacts { scope, owner, graph: Graph::of(scope), states: Vec::new() });
    for (number, state) in scope.states.iter().enumerate() {
        let index = states.len();
        scopes[own].states.push(index);
        states.push(StateFacts { state, scope: own, number, inner: Vec::new() });
        // The reader of plans limits the depth.
        let inner = state.scopes().iter().map(|inner| flatten(inner, Some(index), scopes, states)).collect();
        states[index].inner = inner;
    }
    own
}
