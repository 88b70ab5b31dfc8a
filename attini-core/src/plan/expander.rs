//! From the states of a plan to those of the state machine (deployment-plan.md 8.1).

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::frame::{Link, PAYLOAD_FIELDS};
use super::kinds::{FIRST_STATE, generated_names, merge_state_name};
use super::paths::{OutputPaths, each_path, stack_parameters_read};
use super::problem::PlanProblem;
use super::redirect::Redirects;
use super::{references, retry, steps};
use crate::asl::{AslProblem, IteratorKey, MAX_NAME_LENGTH, Nested, Scope, State};
use crate::document::{DocPath, Segment};
use crate::framework::ACTION_FUNCTION;

/// What the steps of one plan need to know about it and its template.
#[derive(Debug)]
pub(super) struct PlanContext {
    /// Second part of generated ARNs.
    pub(super) partition: &'static str,
    /// The region the stack is deployed in; unknown when a template is only checked.
    pub(super) region: Option<String>,
    /// Whether it is an app deployment plan.
    pub(super) app: bool,
    /// Seconds between two looks of a new execution that waits for a running one; `None` when it does not wait.
    pub(super) queue_interval: Option<u32>,
    /// The runner of steps that name none.
    pub(super) default_runner: String,
    /// Logical ids of the runners in the template.
    pub(super) runners: BTreeSet<String>,
    /// Template parameters whose values must not be shown.
    pub(super) no_echo: BTreeSet<String>,
}

impl PlanContext {
    /// Returns the payload fields that framed states and map iterations hand on.
    pub(super) fn payload_fields(&self) -> impl Iterator<Item = &'static str> + use<> {
        PAYLOAD_FIELDS.into_iter().chain(self.app.then_some("appConfig"))
    }

    /// Returns the ARN of a function of the framework, in the stack's own region and account.
    pub(super) fn function(&self, name: &str) -> Value {
        let partition = self.partition;
        json!({"Fn::Sub": format!("arn:{partition}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{name}")})
    }
}

/// One step on its way: links redirected, paths rewritten.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) state: &'a State,
    pub(super) fields: Map<String, Value>,
    /// The step and the steps around it, for messages.
    trail: String,
    /// Whether the step is in the iterator of an `AttiniMap`, directly or in a `Parallel` there.
    pub(super) in_attini_map: bool,
}

impl Step<'_> {
    pub(super) fn name(&self) -> &str {
        &self.state.name
    }

    /// Returns what follows the step: `Next` wins over `End`, and without `Next` the scope ends.
    pub(super) fn link(&self) -> Link {
        self.fields.get("Next").and_then(Value::as_str).map_or(Link::End, |next| Link::To(next.to_owned()))
    }

    /// Returns where the author wrote something in the step.
    fn path(&self, way: &[Segment]) -> DocPath {
        path_in(self.state, way)
    }
}

/// A `Choice` of the list syntax holds its rule in `Condition`, which became `Choices[0]`.
pub(super) fn path_in(state: &State, way: &[Segment]) -> DocPath {
    let listed = matches!(state.origin.segments().last(), Some(Segment::Index(_)));
    let (base, way) = match way {
        [Segment::Key(first), Segment::Index(_), rest @ ..] if listed && first == "Choices" => {
            (state.origin.key("Condition"), rest)
        }
        way => (state.origin.clone(), way),
    };
    way.iter().fold(base, |path, segment| match segment {
        Segment::Key(key) => path.key(key),
        Segment::Index(index) => path.index(*index),
    })
}

/// Collects what the steps of a plan become.
#[derive(Debug)]
pub(super) struct Expander<'a> {
    pub(super) plan: &'a PlanContext,
    pub(super) problems: Vec<PlanProblem>,
    /// Entries of `AttiniSteps`.
    pub(super) listed: Vec<Value>,
    /// Logical ids of the runners that steps name or fall back to.
    pub(super) used_runners: BTreeSet<String>,
    paths: OutputPaths,
}

impl<'a> Expander<'a> {
    pub(super) fn new(plan: &'a PlanContext) -> Self {
        Self {
            plan,
            problems: Vec::new(),
            listed: Vec::new(),
            used_runners: BTreeSet::new(),
            paths: OutputPaths::default(),
        }
    }

    /// Expands a whole plan to the definition of its state machine.
    pub(super) fn machine(&mut self, plan: &Scope) -> Value {
        self.names(plan);
        let (start, mut states) = self.scope(plan, &[], false);
        states.shift_insert(0, FIRST_STATE.to_owned(), self.first_state(&start));
        let mut machine = Map::new();
        for key in ["Comment", "Version", "TimeoutSeconds"] {
            if let Some(value) = plan.fields.get(key) {
                machine.insert(key.to_owned(), value.clone());
            }
        }
        machine.insert("StartAt".to_owned(), Value::String(FIRST_STATE.to_owned()));
        machine.insert("States".to_owned(), Value::Object(states));
        Value::Object(machine)
    }

    /// Reports a problem of a step; `way` leads to the field that is wrong, and is empty for the step itself.
    pub(super) fn report(&mut self, step: &Step<'_>, way: &[&str], text: impl Into<String>, help: Option<String>) {
        let way: Vec<Segment> = way.iter().map(|key| Segment::Key((*key).to_owned())).collect();
        self.problems.push(PlanProblem::new(step.path(&way), Some(&step.trail), text.into()).help(help));
    }

    /// Reports a word that is none of the candidates.
    pub(super) fn report_word(
        &mut self,
        step: &Step<'_>,
        way: &[&str],
        text: impl Into<String>,
        word: &str,
        candidates: &[&str],
    ) {
        let help = crate::asl::nearest(word, candidates.iter().copied()).map(|near| format!("did you mean {near}?"));
        self.report(step, way, text, help);
    }

    /// Warns of a word that is none of the candidates.
    pub(super) fn warn_of_word(
        &mut self,
        step: &Step<'_>,
        way: &[&str],
        text: impl Into<String>,
        word: &str,
        candidates: &[&str],
    ) {
        self.report_word(step, way, text, word, candidates);
        if let Some(problem) = self.problems.pop() {
            self.problems.push(problem.warning());
        }
    }

    /// Adds a state to the list that goes to the deployment's record.
    pub(super) fn list(&mut self, name: &str, kind: &str) {
        self.listed.push(json!({"name": name, "type": kind}));
    }

    /// Checks generated names against the author's, and learns all of them.
    fn names(&mut self, plan: &Scope) {
        let mut written = Vec::new();
        collect(plan, &mut Vec::new(), &mut written);
        let trails: HashMap<&str, &str> =
            written.iter().map(|(state, trail)| (state.name.as_str(), trail.as_str())).collect();
        let mut all: Vec<String> = Vec::with_capacity(written.len());
        let mut found = Vec::new();
        for (state, trail) in &written {
            all.push(state.name.clone());
            if state.name == FIRST_STATE {
                let text = format!("the name {FIRST_STATE} is taken by the first state of every plan");
                found.push(PlanProblem::new(state.origin.clone(), Some(trail), text));
            }
            for name in generated_names(state) {
                let length = name.chars().count();
                if length > MAX_NAME_LENGTH {
                    let text =
                        format!("the state {name} made for it has {length} characters, {MAX_NAME_LENGTH} at most");
                    found.push(PlanProblem::new(state.origin.clone(), Some(trail), text));
                }
                if let Some(other) = trails.get(name.as_str()) {
                    let text = format!("the state {name} made for it has the name of step {other}");
                    found.push(PlanProblem::new(state.origin.clone(), Some(trail), text));
                }
                all.push(name);
            }
        }
        drop(trails);
        self.problems.extend(found);
        self.paths = OutputPaths::new(all);
    }

    /// Expands one scope; returns where it starts, and its states.
    fn scope(&mut self, scope: &Scope, trail: &[&str], in_attini_map: bool) -> (String, Map<String, Value>) {
        let redirects = Redirects::of(scope);
        let mut states = Map::new();
        for state in &scope.states {
            let trail = [trail, &[state.name.as_str()]].concat();
            let mut step = Step { state, fields: state.fields.clone(), trail: trail.join(" > "), in_attini_map };
            self.check_references(&step);
            redirects.apply(&mut step.fields);
            self.adapt_paths(&mut step);
            self.step(step, scope, &trail, &mut states);
        }
        (redirects.entry(&scope.start).to_owned(), states)
    }

    fn step(&mut self, step: Step<'_>, scope: &Scope, trail: &[&str], states: &mut Map<String, Value>) {
        match step.state.kind.as_str() {
            "AttiniCfn" => steps::cfn::expand(&step, self, states),
            "AttiniSam" => steps::sam::expand(&step, self, states),
            "AttiniCdk" => steps::cdk::expand(&step, self, states),
            "AttiniRunnerJob" => steps::runner_job::expand(&step, self, states),
            "AttiniImport" => steps::import::expand(&step, self, states),
            "AttiniManualApproval" => steps::approval::expand(&step, self, states),
            "AttiniLambdaInvoke" => steps::lambda_invoke::expand(&step, self, states),
            "AttiniMergeOutput" => steps::merge::expand(&step, self, states),
            _ => {
                let mut object = Map::new();
                let (name, state) = (step.name().to_owned(), step.state);
                object.insert("Type".to_owned(), Value::String(state.kind.clone()));
                object.extend(step.fields);
                if merges_three_way(state, scope) {
                    object.insert("ResultPath".to_owned(), Value::String(crate::payload::branch_results_path()));
                }
                self.nested(state, trail, step.in_attini_map, &mut object);
                states.insert(name, Value::Object(object));
            }
        }
    }

    /// Expands the scopes inside a `Parallel`, `Map` or `AttiniMap`.
    fn nested(&mut self, state: &State, trail: &[&str], in_attini_map: bool, object: &mut Map<String, Value>) {
        match &state.nested {
            Nested::None => {}
            Nested::Branches(branches) => {
                let branches = branches.iter().map(|branch| self.inner(branch, trail, in_attini_map)).collect();
                object.insert("Branches".to_owned(), Value::Array(branches));
            }
            Nested::Iterator(key, iterator) => {
                steps::map::check(state, iterator, trail, &mut self.problems);
                let attini = state.kind == "AttiniMap";
                if attini {
                    steps::map::frame(self.plan, *key, object);
                }
                let value = self.inner(iterator, trail, attini);
                object.insert(IteratorKey::as_str(*key).to_owned(), value);
            }
        }
    }

    fn inner(&mut self, scope: &Scope, trail: &[&str], in_attini_map: bool) -> Value {
        let (start, states) = self.scope(scope, trail, in_attini_map);
        let mut object = scope.fields.clone();
        object.insert("StartAt".to_owned(), Value::String(start));
        object.insert("States".to_owned(), Value::Object(states));
        Value::Object(object)
    }

    /// Rewrites paths that need brackets, and refuses those that lead to a value nobody may see.
    fn adapt_paths(&mut self, step: &mut Step<'_>) {
        let Self { plan, paths, problems, .. } = self;
        let (state, trail) = (step.state, &step.trail);
        each_path(&mut step.fields, &mut |way, text| {
            for parameter in stack_parameters_read(text) {
                if plan.no_echo.contains(parameter) {
                    let text =
                        format!("reads $.stackParameters.{parameter}, but a NoEcho parameter is not in the payload");
                    problems.push(PlanProblem::new(path_in(state, &way.segments()), Some(trail), text));
                }
            }
            paths.rewrite(text);
        });
    }

    /// Refuses `Ref`s to runners, which are no resources any more when the template is deployed.
    fn check_references(&mut self, step: &Step<'_>) {
        for (key, value) in &step.fields {
            let Some(runner) = references::runner_in(value, &self.plan.runners) else { continue };
            let named = key == "Properties" && step.fields[key].get("Runner").is_some_and(Value::is_object);
            if !named {
                let text = format!("{key} has a Ref to the runner {runner}");
                self.report(step, &[key], text, Some("use the plain runner name".to_owned()));
            }
        }
    }

    /// The state in front of every plan, which loads the payload (deployment-plan.md 8.13).
    fn first_state(&self, next: &str) -> Value {
        let parameters = if self.plan.app {
            json!({
                "payload.$": "$",
                "distributionName.$": "$.distributionName",
                "objectIdentifier.$": "$.objectIdentifier",
                "platformDistributionName.$": "$.platformDistributionName",
                "platformDistributionIdentifier.$": "$.platformDistributionIdentifier",
                "appConfig.$": "$.appConfig",
                "attiniActionType": "GetAppDeployOriginData",
                "sfnArn.$": "$$.StateMachine.Id",
                "executionArn.$": "$$.Execution.Id",
            })
        } else {
            json!({
                "customData.$": "$",
                "attiniActionType": "GetDeployOriginData",
                "sfnArn.$": "$$.StateMachine.Id",
                "executionArn.$": "$$.Execution.Id",
            })
        };
        let mut retriers = vec![retry::lambda_service()];
        retriers.extend(self.plan.queue_interval.map(retry::queued_deployment));
        json!({
            "Type": "Task",
            "Resource": self.plan.function(ACTION_FUNCTION),
            "Parameters": parameters,
            "Retry": retriers,
            "ResultPath": "$",
            "Next": next,
        })
    }
}

/// Says whether the merge after a `Parallel` can be three-way: see [`crate::payload`] for the arrangement.
fn merges_three_way(state: &State, scope: &Scope) -> bool {
    const SHAPING: [&str; 5] = ["InputPath", "Parameters", "ResultSelector", "ResultPath", "OutputPath"];
    if state.kind != "Parallel" || SHAPING.iter().any(|key| state.fields.contains_key(*key)) {
        return false;
    }
    let merge = merge_state_name(&state.name);
    state.fields.get("Next").is_some_and(|next| *next == merge)
        && scope.state(&merge).is_some_and(|state| state.kind == "AttiniMergeOutput")
}

/// Lists all states with the names of the states around them.
fn collect<'s>(scope: &'s Scope, trail: &mut Vec<&'s str>, found: &mut Vec<(&'s State, String)>) {
    for state in &scope.states {
        trail.push(&state.name);
        found.push((state, trail.join(" > ")));
        for inner in state.scopes() {
            collect(inner, trail, found);
        }
        trail.pop();
    }
}

/// Refuses plans in JSONata: the states that Attini makes read their input by JSONPath.
pub(super) fn check_language(plan: &Scope) -> Option<AslProblem> {
    let language = plan.fields.get("QueryLanguage").filter(|language| *language != "JSONPath")?;
    let shown = language.as_str().unwrap_or("the one given");
    let text = format!("QueryLanguage must be JSONPath, steps of Attini cannot use {shown}");
    Some(AslProblem::new(plan.origin.key("QueryLanguage"), &[], text))
}
