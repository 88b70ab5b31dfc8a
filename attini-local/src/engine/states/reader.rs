mod parse;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::engine::action::{Action, EffectId, TaskRequest};
use crate::engine::definition::{InputType, Kind, Reader, State};
use crate::engine::execution::Execution;
use crate::engine::failure::{Failure, Fault, RUNTIME};
use crate::engine::frame::{FrameId, MapRun, Phase, Reading, ReadingStage};
use crate::engine::resource::{Resource, TaskPattern};

const FAILED: &str = "States.ItemReaderFailed";

impl Execution {
    /// Asks for the first object of an `ItemReader`.
    pub(super) fn start_reading(
        &mut self,
        id: FrameId,
        state: &State,
        reader: &Reader,
        selected: Value,
        mut run: MapRun,
    ) -> Result<(), Fault> {
        let Some(scope) = self.scope(id, state, None, None) else { return Ok(()) };
        let request = match &reader.arguments {
            Some(template) => scope.template(Some(template), Cow::Borrowed(&selected))?,
            None => json!({}),
        };
        let max_items = match scope.integer(reader.max_items.as_ref(), "MaxItems", &selected) {
            Ok(Some(number)) if number < 0 => {
                self.fail_run(id, Failure::new(FAILED, "field MaxItems must be positive"));
                return Ok(());
            }
            // The service takes 0 for no limit.
            Ok(number) => number.and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0),
            Err(fault) if fault.error == RUNTIME => {
                self.fail_run(id, Failure::new(FAILED, fault.text));
                return Ok(());
            }
            Err(fault) => return Err(fault),
        };
        let field = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
        run.source = Some(format!("s3://{}/{}", field("Bucket"), field(if reader.lists { "Prefix" } else { "Key" })));
        let stage = match (reader.lists, reader.is_manifest) {
            (true, _) => ReadingStage::List,
            (false, true) => ReadingStage::Manifest,
            (false, false) => ReadingStage::Data,
        };
        let reading = Reading {
            effect: EffectId::new(""),
            requests: 0,
            stage,
            request,
            pending: VecDeque::new(),
            items: Vec::new(),
            columns: Vec::new(),
            selected,
            max_items,
            run,
        };
        self.ask(id, state, reader, reading);
        Ok(())
    }

    /// Starts the task of the request under way.
    fn ask(&mut self, id: FrameId, state: &State, reader: &Reader, mut reading: Reading) {
        let action = if reading.stage == ReadingStage::List { "s3:listObjectsV2" } else { "s3:getObject" };
        let effect = EffectId(format!("{}/read.{}", self.effect_of(id, state), reading.requests));
        reading.requests += 1;
        reading.effect = effect.clone();
        let resource = sibling(&reader.resource, action);
        self.start_storage_task(id, state, effect, resource, reading.request.clone());
        if let Some(frame) = self.frames.get_mut(&id) {
            frame.phase = Phase::Reading(Box::new(reading));
        }
    }

    /// Starts a task that reads or writes an object for a Map.
    pub(super) fn start_storage_task(
        &mut self,
        id: FrameId,
        state: &State,
        effect: EffectId,
        resource: String,
        parameters: Value,
    ) {
        let task = TaskRequest {
            state: state.name.clone(),
            resource,
            parameters,
            credentials: None,
            pattern: TaskPattern::RequestResponse,
            token: None,
            timeout_seconds: None,
            heartbeat_seconds: None,
        };
        self.open_effect(effect.clone(), id);
        self.actions.push(Action::StartTask { effect, task });
    }

    /// A task that a Map started for an object has ended.
    pub(super) fn storage_answered(
        &mut self,
        id: FrameId,
        effect: &EffectId,
        answer: Result<Value, (Option<String>, Option<String>)>,
    ) {
        let definition = Arc::clone(&self.definition);
        self.close_effect(effect);
        let Some(frame) = self.frames.get_mut(&id) else { return };
        let Some(state) = definition.state(frame.state) else { return };
        let Kind::Map(map) = &state.kind else { return };
        let Some(distributed) = &map.distributed else { return };
        match (&mut frame.phase, &distributed.reader) {
            (Phase::Reading(reading), Some(reader)) => {
                let mut reading = reading.as_ref().clone();
                let read = match answer {
                    Ok(output) => take(&mut reading, reader, output),
                    Err((error, cause)) => {
                        Err(cause.or(error).unwrap_or_else(|| "the object could not be read".to_owned()))
                    }
                };
                match read {
                    Err(cause) => self.fail_run(id, Failure::new(FAILED, cause)),
                    Ok(true) => self.ask(id, state, reader, reading),
                    Ok(false) => {
                        let Reading { mut items, selected, run, max_items, .. } = reading;
                        items.truncate(max_items.unwrap_or(usize::MAX));
                        let result = self.start_children(id, state, map, items, selected, run);
                        self.settle(id, state, result);
                    }
                }
            }
            (Phase::Writing(_), _) => self.written(id, state, answer.map(drop)),
            _ => {}
        }
    }
}

/// The ARN of another action of the same service.
fn sibling(resource: &Resource, action: &str) -> String {
    let partition = resource.arn.split(':').nth(1).unwrap_or("aws");
    format!("arn:{partition}:states:::{action}")
}

/// Takes the answer to the request under way, and says whether there is another one to make.
fn take(reading: &mut Reading, reader: &Reader, answer: Value) -> Result<bool, String> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let bucket = text(&reading.request, "Bucket").unwrap_or_default();
    match reading.stage {
        ReadingStage::List => {
            let objects = match answer.get("Contents") {
                Some(Value::Array(objects)) => objects.clone(),
                _ => Vec::new(),
            };
            if reader.loads {
                let keys = objects.iter().filter_map(|object| text(object, "Key"));
                reading.pending.extend(keys.map(|key| (bucket.clone(), key)));
            } else {
                reading.items.extend(objects);
            }
            let more = text(&answer, "NextContinuationToken");
            let is_full = !reader.loads && reading.max_items.is_some_and(|most| reading.items.len() >= most);
            if let Some(token) = more.filter(|_| !is_full) {
                reading.request["ContinuationToken"] = token.into();
                return Ok(true);
            }
        }
        ReadingStage::Manifest => {
            let manifest = parse::body(answer)?;
            let files = parse::manifest(&manifest, reader.input_type, &bucket)?;
            reading.columns = files.columns;
            reading.pending.extend(files.objects);
        }
        ReadingStage::Data => {
            let key = text(&reading.request, "Key").unwrap_or_default();
            if reader.input_type == InputType::Inventory && key.ends_with(".gz") {
                return Err(format!(
                    "s3://{bucket}/{key} is compressed, which this engine cannot read; let the inventory name plain CSV files"
                ));
            }
            let body = parse::body(answer)?;
            reading.items.extend(parse::items(body, reader, &reading.columns)?);
        }
    }
    let is_full = reading.max_items.is_some_and(|most| reading.items.len() >= most);
    match reading.pending.pop_front().filter(|_| !is_full) {
        Some((bucket, key)) => {
            reading.stage = ReadingStage::Data;
            reading.request = json!({"Bucket": bucket, "Key": key});
            Ok(true)
        }
        None => Ok(false),
    }
}
