//! What stands in for the world while a case runs: the steps of Attini do their own work, mocks do the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use attini_core::framework::{ACTION_FUNCTION, Framework, Settings};
use attini_core::guard::{Answer as Answered, Approval, answer_approval, stack_event};
use attini_core::port::{StackEvent, TemplateLocation};
use attini_core::runner::{error_name, failure_cause, interpret_output};
use attini_core::step::run_action;
use attini_core::value::{KeyPrefix, ObjectKey, Place, StackName};
use futures::executor::block_on;
use serde_json::{Map, Value, json};

use super::file::{Case, lay_over};
use super::iteration::iterations;
use super::model::{Answer, Verdict};
use super::ports::{Desk, Files, Stacks};
use super::project::Machine;
use super::run::MissingAnswer;
use crate::engine::{self, EffectId, Mocks, TaskEnd, TaskPattern, TaskRequest};

/// One call of a step.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) step: String,
    /// What the step asked for, as an expectation writes it; `None` for steps of which nothing can be expected.
    pub(super) wanted: Option<Value>,
    /// Values in it that nobody may see.
    pub(super) secrets: Vec<String>,
}

/// The world of one case.
pub(super) struct Bench<'a> {
    case: &'a Case,
    machine: &'a Machine,
    framework: Framework,
    desk: Arc<Desk>,
    stacks: Arc<Stacks>,
    /// How many calls a step, or one iteration of it, has had.
    counts: BTreeMap<(String, Option<Vec<usize>>), usize>,
    /// The answers that served a call, by step and number.
    pub(super) used: BTreeSet<(String, usize)>,
    /// All calls, in order.
    pub(super) calls: Vec<Call>,
    /// Steps that asked for an approval, in order.
    pub(super) approvals: Vec<String>,
    pub(super) missing: Vec<MissingAnswer>,
    /// Mocks that cannot be: where, and why.
    pub(super) impossible: Vec<(attini_core::document::DocPath, String)>,
}

/// How an Attini step ended.
type Ended = Result<Value, (String, String)>;

impl<'a> Bench<'a> {
    pub(super) fn new(case: &'a Case, machine: &'a Machine) -> Self {
        let desk = Arc::new(Desk::new(case.parameter_store.clone()));
        let stacks = Arc::new(Stacks::new(machine.place.clone(), machine.files.clone()));
        let files = Arc::new(machine.files.clone());
        let nothing = Arc::new(Files { root: machine.files.root.clone(), prefix: KeyPrefix::closed("uploads") });
        let framework = Framework {
            place: machine.place.clone(),
            settings: Settings::default(),
            origin: nothing,
            artifacts: files,
            inventory: Arc::new(machine.records.clone()),
            parameters: desk.clone(),
            init_stacks: stacks.clone(),
            stacks: stacks.clone(),
            workflows: desk.clone(),
            tokens: desk.clone(),
            jobs: desk.clone(),
            fleet: desk.clone(),
            functions: desk.clone(),
            notifications: desk.clone(),
            clock: desk.clone(),
            ids: desk.clone(),
        };
        Self {
            case,
            machine,
            framework,
            desk,
            stacks,
            counts: BTreeMap::new(),
            used: BTreeSet::new(),
            calls: Vec::new(),
            approvals: Vec::new(),
            missing: Vec::new(),
            impossible: Vec::new(),
        }
    }

    /// Returns the answer to the next call of a step, with its number among the answers of the step.
    fn next(&mut self, step: &str, effect: &EffectId) -> Option<(usize, Answer)> {
        let mocked = self.case.mocks.get(step)?;
        let around = iterations(effect, &self.machine.kinds);
        let of_iteration = |answer: &Answer| answer.iteration.as_ref().is_some_and(|wanted| wanted.is(&around));
        let is_special = mocked.answers.iter().any(|(_, answer)| of_iteration(answer));
        let serves = |answer: &Answer| if is_special { of_iteration(answer) } else { answer.iteration.is_none() };
        let count = self.counts.entry((step.to_owned(), is_special.then_some(around.clone()))).or_default();
        let call = *count;
        *count += 1;
        let mut served = 0;
        let mut last = None;
        for (number, (_, answer)) in mocked.answers.iter().enumerate().filter(|(_, (_, answer))| serves(answer)) {
            last = Some((number, answer));
            served += answer.attempts.unwrap_or(1);
            if call < served {
                break;
            }
        }
        let (number, answer) = last?;
        self.used.insert((step.to_owned(), number));
        Some((number, answer.clone()))
    }

    fn call(&mut self, step: &str, wanted: Option<Value>, secrets: Vec<String>) {
        self.calls.push(Call { step: step.to_owned(), wanted, secrets });
    }

    /// Notes that nothing answers a call, once per step; only a timeout can end the step then.
    fn unanswered(&mut self, step: &str, effect: &EffectId, kind: &str, lines: Vec<String>) -> engine::Answer {
        if !self.missing.iter().any(|missing| missing.step == step) {
            let iteration = iterations(effect, &self.machine.kinds);
            self.missing.push(MissingAnswer { step: step.to_owned(), kind: kind.to_owned(), iteration, lines });
        }
        engine::Answer::of(TaskEnd::Silent)
    }

    fn run(&self, payload: Value) -> Ended {
        block_on(run_action(&self.framework, payload)).map_err(|failure| (failure.error, failure.cause))
    }

    /// The first state of the plan.
    fn prepare(&mut self, effect: &EffectId, task: &TaskRequest) -> engine::Answer {
        if let Some((_, answer)) = self.next(&task.state, effect)
            && let Some(error) = answer.error.clone()
        {
            return ended(Err((error, answer.cause.clone().unwrap_or_default())), &answer);
        }
        let mut prepared = self.run(task.parameters.clone());
        if let Ok(payload) = &mut prepared {
            lay_over(payload, self.case.payload.clone());
        }
        engine::Answer::of(end(prepared))
    }

    fn merge(&mut self, effect: &EffectId, task: &TaskRequest, payload: &Value) -> engine::Answer {
        self.call(&task.state, None, Vec::new());
        if let Some((_, answer)) = self.next(&task.state, effect)
            && let Some(error) = answer.error.clone()
        {
            return ended(Err((error, answer.cause.clone().unwrap_or_default())), &answer);
        }
        engine::Answer::of(end(self.run(payload.clone()).map(|merged| json!({"Payload": merged, "StatusCode": 200}))))
    }

    fn stack(&mut self, effect: &EffectId, task: &TaskRequest, payload: &Value) -> engine::Answer {
        let step = task.state.as_str();
        let refused = self.run(payload.clone()).err();
        let calls = self.stacks.take_calls();
        let asked = calls.last().map(|call| call.wanted.clone());
        match calls.into_iter().next_back() {
            Some(call) => self.call(step, Some(call.wanted), call.secrets),
            None => self.call(step, None, Vec::new()),
        }
        if let Some(failure) = refused {
            return engine::Answer::of(end(Err(failure)));
        }
        // Without an operation there is nothing to wait for: a wrong configuration, a stack that is gone already.
        if let Some(answered) = self.desk.take_answer() {
            return engine::Answer::of(end(answered));
        }
        let deletes = asked.as_ref().is_some_and(|asked| asked["action"] == "Delete");
        let answer = match self.next(step, effect) {
            Some((number, answer)) => {
                self.check_outputs(step, number, &answer, asked.as_ref());
                answer
            }
            None if deletes => Answer::outputs(Map::new()),
            None => {
                let lines = self.output_lines(asked.as_ref());
                self.stacks.refuse();
                return self.unanswered(step, effect, "AttiniCfn", lines);
            }
        };
        if let Some(error) = answer.error.clone() {
            if error.ends_with("_FAILED") {
                self.stacks.end(None);
            } else {
                self.stacks.refuse();
            }
            return ended(Err((error, answer.cause.clone().unwrap_or_default())), &answer);
        }
        let outputs = answer.outputs.clone().unwrap_or_default();
        let outputs = outputs.into_iter().map(|(name, value)| (name, scalar(&value))).collect();
        if let Some((place, event)) = self.stacks.end(Some(outputs)) {
            self.tell(&place, &event);
        }
        match self.desk.take_answer() {
            Some(answered) => ended(answered, &answer),
            None => engine::Answer::of(TaskEnd::Silent),
        }
    }

    /// Has the guard answer the step.
    fn tell(&self, place: &Place, event: &StackEvent) {
        if let Err(failure) = block_on(stack_event(&self.framework, place, event)) {
            self.desk.put_answer(Err((failure.error, failure.cause)));
        }
    }

    /// Returns the names of the outputs that the template of a call declares; `None` when nobody can tell.
    fn outputs_of(&self, asked: Option<&Value>) -> Option<Vec<String>> {
        let path = asked?.get("template")?.as_str()?.strip_prefix('/')?;
        let name = StackName::parse(asked?.get("name")?.as_str()?).ok()?;
        let key: ObjectKey = self.machine.files.prefix.key(path);
        let template = self.stacks.template(&name, &TemplateLocation::Artifact(key)).ok()?;
        // A transform may add some.
        if template.get("Transform").is_some_and(|transform| !transform.is_null()) {
            return None;
        }
        let outputs = template.get("Outputs").and_then(Value::as_object);
        Some(outputs.into_iter().flatten().map(|(name, _)| name.clone()).collect())
    }

    fn check_outputs(&mut self, step: &str, number: usize, answer: &Answer, asked: Option<&Value>) {
        let Some(outputs) = &answer.outputs else { return };
        let Some(declared) = self.outputs_of(asked) else { return };
        let Some((path, _)) = self.case.mocks.get(step).and_then(|mocked| mocked.answers.get(number)) else { return };
        for name in outputs.keys().filter(|name| !declared.contains(name)) {
            let template = asked.and_then(|asked| asked["template"].as_str()).unwrap_or_default();
            let known = if declared.is_empty() { "none".to_owned() } else { declared.join(", ") };
            let text = format!("the template {template} of step `{step}` has no output `{name}`; it has {known}");
            let place = (path.key("outputs").key(name.as_str()), text);
            if !self.impossible.contains(&place) {
                self.impossible.push(place);
            }
        }
    }

    fn output_lines(&self, asked: Option<&Value>) -> Vec<String> {
        let names = self.outputs_of(asked).unwrap_or_default();
        if names.is_empty() {
            return vec!["outputs: {}".to_owned()];
        }
        let lines = names.iter().map(|name| format!("  {name}: \"\""));
        std::iter::once("outputs:".to_owned()).chain(lines).collect()
    }

    fn job(&mut self, effect: &EffectId, task: &TaskRequest, payload: &Value) -> engine::Answer {
        let step = task.state.as_str();
        let refused = self.run(payload.clone()).err();
        let message = self.desk.take_job().and_then(|message| serde_json::from_str::<Value>(&message).ok());
        let wanted = message.as_ref().map(|message| {
            let properties = &message["Properties"];
            json!({"commands": properties["Commands"], "environment": properties["Environment"],
                "runner": properties["Runner"]})
        });
        self.call(step, wanted, self.machine.secrets.clone());
        if let Some(failure) = refused {
            return engine::Answer::of(end(Err(failure)));
        }
        if let Some(answered) = self.desk.take_answer() {
            return engine::Answer::of(end(answered));
        }
        let Some((_, answer)) = self.next(step, effect) else {
            return self.unanswered(step, effect, "AttiniRunnerJob", vec!["output: \"\"".to_owned()]);
        };
        ended(job_end(&answer), &answer)
    }

    fn approval(&mut self, effect: &EffectId, task: &TaskRequest, payload: &Value) -> engine::Answer {
        let step = task.state.as_str();
        self.call(step, None, Vec::new());
        self.approvals.push(step.to_owned());
        if let Err(failure) = self.run(payload.clone()) {
            return engine::Answer::of(end(Err(failure)));
        }
        if let Some(answered) = self.desk.take_answer() {
            return engine::Answer::of(end(answered));
        }
        let Some((_, answer)) = self.next(step, effect) else {
            return self.unanswered(step, effect, "AttiniManualApproval", vec!["approve: true".to_owned()]);
        };
        if let Some(error) = answer.error.clone() {
            return ended(Err((error, answer.cause.clone().unwrap_or_default())), &answer);
        }
        let (abort, verdict) = match (&answer.reject, &answer.approve) {
            (Some(verdict), _) => (true, Some(verdict)),
            (None, verdict) => (false, verdict.as_ref()),
        };
        let message = verdict.and_then(|verdict| match verdict {
            Verdict::Message(text) => Some(text.clone()),
            Verdict::Plain(_) => None,
        });
        let text = |path: &str| payload.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let approval = Approval {
            environment: text("/deploymentOriginData/environment"),
            distribution: text("/deploymentOriginData/distributionName"),
            step: Some(step.to_owned()),
            abort,
            message,
            user: "test".to_owned(),
        };
        match block_on(answer_approval(&self.framework, &approval)) {
            Ok(Answered::Taken { .. }) => {}
            Ok(other) => return ended(Err(("InternalError".to_owned(), format!("{other:?}"))), &answer),
            Err(failure) => return ended(Err((failure.error, failure.cause)), &answer),
        }
        match self.desk.take_answer() {
            Some(answered) => ended(answered, &answer),
            None => engine::Answer::of(TaskEnd::Silent),
        }
    }

    /// A task that is the author's own call, or a step that this version cannot run.
    fn other(&mut self, effect: &EffectId, task: &TaskRequest) -> engine::Answer {
        let step = task.state.as_str();
        let kind = self.machine.steps.get(step).map_or("Task", String::as_str).to_owned();
        self.call(step, Some(task.parameters.clone()), self.machine.secrets.clone());
        let Some((_, answer)) = self.next(step, effect) else {
            let kind = if kind == "Task" { format!("Task {}", task.resource) } else { kind };
            let line = if task.pattern == TaskPattern::RequestResponse { "result: {}" } else { "output: {}" };
            return self.unanswered(step, effect, &kind, vec![line.to_owned()]);
        };
        if let Some(error) = answer.error.clone() {
            let end = TaskEnd::Failed { error: Some(error), cause: answer.cause.clone() };
            return engine::Answer { submitted: None, end, delay: delay(&answer) };
        }
        let value = answer.output.clone().or_else(|| answer.result.clone());
        let value = value.or_else(|| answer.outputs.clone().map(|outputs| json!(outputs))).unwrap_or_default();
        let value = match kind.as_str() {
            "AttiniLambdaInvoke" => json!({"ExecutedVersion": "$LATEST", "Payload": value, "StatusCode": 200}),
            _ => value,
        };
        let submitted = answer.output.as_ref().and(answer.result.clone());
        engine::Answer { submitted, end: TaskEnd::Succeeded(value), delay: delay(&answer) }
    }
}

impl Mocks for Bench<'_> {
    fn answer(&mut self, effect: &EffectId, task: &TaskRequest) -> engine::Answer {
        let function = format!(":function:{ACTION_FUNCTION}");
        if task.resource.ends_with(&function) {
            return self.prepare(effect, task);
        }
        let is_ours = task.parameters.get("FunctionName").is_some_and(|name| name == ACTION_FUNCTION);
        let payload = task.parameters.get("Payload").filter(|_| is_ours).cloned().unwrap_or_default();
        match payload.get("attiniActionType").and_then(Value::as_str) {
            Some("AttiniMergeOutput") => self.merge(effect, task, &payload),
            Some("DeployCfn") => self.stack(effect, task, &payload),
            Some("ExecuteRunner") => self.job(effect, task, &payload),
            Some("ManualApproval") => self.approval(effect, task, &payload),
            _ => self.other(effect, task),
        }
    }
}

impl Answer {
    fn outputs(outputs: Map<String, Value>) -> Self {
        Self {
            outputs: Some(outputs.into_iter().collect()),
            output: None,
            result: None,
            exit_code: None,
            log: None,
            approve: None,
            reject: None,
            error: None,
            cause: None,
            attempts: None,
            delay: None,
            iteration: None,
        }
    }
}

/// Returns how the runner answers for a job.
fn job_end(answer: &Answer) -> Ended {
    if let Some(error) = &answer.error {
        return Err((error.clone(), answer.cause.clone().unwrap_or_default()));
    }
    let code = answer.exit_code.unwrap_or_default();
    if code != 0 {
        let what = format!("Script exited with code {code}");
        let cause = failure_cause(&what, answer.log.iter().flat_map(|log| log.lines()));
        return Err((error_name::SCRIPT_EXECUTION_ERROR.to_owned(), cause));
    }
    let content = match &answer.output {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    interpret_output(content.as_bytes()).map_err(|error| (error_name::OUTPUT_TOO_LARGE.to_owned(), error.to_string()))
}

/// Returns a value as CloudFormation has it.
fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn delay(answer: &Answer) -> Duration {
    Duration::try_from_secs_f64(answer.delay.unwrap_or_default()).unwrap_or_default()
}

fn end(ended: Ended) -> TaskEnd {
    match ended {
        Ok(output) => TaskEnd::Succeeded(output),
        Err((error, cause)) => TaskEnd::Failed { error: Some(error), cause: Some(cause) },
    }
}

fn ended(how: Ended, answer: &Answer) -> engine::Answer {
    engine::Answer { submitted: None, end: end(how), delay: delay(answer) }
}
