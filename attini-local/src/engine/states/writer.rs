use std::borrow::Cow;
use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use crate::engine::action::EffectId;
use crate::engine::context::Moment;
use crate::engine::definition::{Kind, ResultForm, State, Writer};
use crate::engine::execution::Execution;
use crate::engine::failure::{Failure, Fault};
use crate::engine::frame::{FrameId, MapRun, Phase, Run, Writing};

const FAILED: &str = "States.ResultWriterFailed";

impl Execution {
    /// Writes the results of a distributed Map as its `ResultWriter` says.
    pub(super) fn start_writing(
        &mut self,
        id: FrameId,
        state: &State,
        writer: &Writer,
        results: Vec<Value>,
        selected: &Value,
        run: &MapRun,
    ) -> Result<(), Fault> {
        let Some(target) = &writer.target else { return Ok(()) };
        let Some(scope) = self.scope(id, state, None, None) else { return Ok(()) };
        let arguments = match &target.arguments {
            Some(template) => scope.template(Some(template), Cow::Borrowed(selected))?,
            None => json!({}),
        };
        let argument = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        let bucket = argument("Bucket");
        let prefix = argument("Prefix").trim_end_matches('/');
        let folder = if prefix.is_empty() { run.id.clone() } else { format!("{prefix}/{}", run.id) };
        let (pending, output) = files(writer, results, run, bucket, &folder);
        self.write_next(id, state, Writing { effect: EffectId::new(""), requests: 0, pending, output })
    }

    fn write_next(&mut self, id: FrameId, state: &State, mut writing: Writing) -> Result<(), Fault> {
        let Some(request) = writing.pending.pop_front() else { return self.leave_run(id, state, writing.output) };
        let Kind::Map(map) = &state.kind else { return Ok(()) };
        let writer = map.distributed.as_ref().and_then(|distributed| distributed.writer.as_ref());
        let Some(target) = writer.and_then(|writer| writer.target.as_ref()) else { return Ok(()) };
        let effect = EffectId(format!("{}/write.{}", self.effect_of(id, state), writing.requests));
        writing.requests += 1;
        writing.effect = effect.clone();
        self.start_storage_task(id, state, effect, target.resource.arn.clone(), request);
        if let Some(frame) = self.frames.get_mut(&id) {
            frame.phase = Phase::Writing(Box::new(writing));
        }
        Ok(())
    }

    /// An object was written, or not.
    pub(super) fn written(&mut self, id: FrameId, state: &State, answer: Result<(), (Option<String>, Option<String>)>) {
        let Some(Phase::Writing(writing)) = self.frames.get(&id).map(|frame| &frame.phase) else { return };
        let writing = writing.as_ref().clone();
        match answer {
            Ok(()) => {
                let result = self.write_next(id, state, writing);
                self.settle(id, state, result);
            }
            Err((error, cause)) => {
                let cause = cause.or(error).unwrap_or_else(|| "the object could not be written".to_owned());
                self.fail_run(id, Failure::new(FAILED, cause));
            }
        }
    }
}

/// Returns the objects to write, the manifest last, and what the state returns then.
fn files(writer: &Writer, results: Vec<Value>, run: &MapRun, bucket: &str, folder: &str) -> (VecDeque<Value>, Value) {
    let (mut succeeded, mut failed) = (Vec::new(), Vec::new());
    for (slot, result) in results.into_iter().enumerate() {
        if run.failed.contains(&slot) { failed.push(result) } else { succeeded.push(result) }
    }
    let extension = if writer.lines { "jsonl" } else { "json" };
    let mut pending = VecDeque::new();
    let mut named = Map::new();
    for (status, results) in [("FAILED", failed), ("PENDING", Vec::new()), ("SUCCEEDED", succeeded)] {
        let mut entries = Vec::new();
        if !results.is_empty() {
            let body = text(&joined(writer, results));
            let key = format!("{folder}/{status}_0.{extension}");
            entries.push(json!({"Key": key, "Size": body.len()}));
            pending.push_back(json!({"Bucket": bucket, "Key": key, "Body": body}));
        }
        named.insert(status.to_owned(), entries.into());
    }
    let key = format!("{folder}/manifest.json");
    let manifest = json!({"DestinationBucket": bucket, "MapRunArn": run.arn, "ResultFiles": named});
    pending.push_back(json!({"Bucket": bucket, "Key": key, "Body": manifest.to_string()}));
    (pending, json!({"MapRunArn": run.arn, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}))
}

/// Returns the results in the form that the writer wants.
pub(super) fn joined(writer: &Writer, results: Vec<Value>) -> Value {
    let results = match writer.form {
        ResultForm::Described | ResultForm::Compact => results,
        ResultForm::Flat => results
            .into_iter()
            .flat_map(|result| match result {
                Value::Array(items) => items,
                other => vec![other],
            })
            .collect(),
    };
    if !writer.lines {
        return Value::Array(results);
    }
    let lines: Vec<String> = results.iter().map(Value::to_string).collect();
    Value::String(lines.join("\n"))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns what the service tells of an execution that a Map started.
pub(super) fn described(run: &Run, end: Result<Value, Failure>, stopped: Moment) -> Value {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    let status = match end {
        Ok(output) => {
            set("Output", output.to_string().into());
            set("OutputDetails", json!({"Included": true}));
            "SUCCEEDED"
        }
        Err(failure) => {
            if let Some(cause) = failure.cause {
                set("Cause", cause.into());
            }
            if let Some(error) = failure.error {
                set("Error", error.into());
            }
            "FAILED"
        }
    };
    set("ExecutionArn", run.arn.as_str().into());
    set("Input", run.input.to_string().into());
    set("InputDetails", json!({"Included": true}));
    set("Name", run.name.as_str().into());
    set("RedriveCount", 0.into());
    if status == "SUCCEEDED" {
        set("RedriveStatus", "NOT_REDRIVABLE".into());
        set("RedriveStatusReason", "Execution is SUCCEEDED and cannot be redriven".into());
    } else {
        set("RedriveStatus", "REDRIVABLE".into());
    }
    set("StartDate", run.started.0.to_string().into());
    set("StateMachineArn", run.machine_arn.as_str().into());
    set("Status", status.into());
    set("StopDate", stopped.0.to_string().into());
    Value::Object(fields)
}
