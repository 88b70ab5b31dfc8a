use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use attini_core::value::Timestamp;
use serde_json::{Value, json};

use crate::engine::context::Moment;
use crate::engine::definition::{Batcher, Distributed, Kind, Map, ResultForm, State};
use crate::engine::execution::Execution;
use crate::engine::failure::{Failure, Fault};
use crate::engine::frame::{Children, Frame, FrameId, Item, MapRun, Phase, Run};
use crate::engine::history::error_details;
use crate::engine::limits::size;
use crate::engine::states::writer;

const EXCEEDED: &str = "States.ExceedToleratedFailureThreshold";
/// The most children of a distributed Map that the service runs side by side.
const MAX_CONCURRENCY: usize = 10_000;

impl MapRun {
    /// Whether more has failed than the Map tolerates, which is nothing unless it says so.
    fn is_exceeded(&self, items: usize) -> bool {
        let count = match (self.tolerated_count, self.tolerated_percentage) {
            (None, None) => Some(0),
            (count, _) => count,
        };
        #[expect(clippy::cast_precision_loss, reason = "numbers of items are far below 2^53")]
        let percentage = self.failed_items as f64 * 100.0 / items.max(1) as f64;
        count.is_some_and(|count| self.failed_items > count)
            || self.tolerated_percentage.is_some_and(|tolerated| percentage > tolerated)
    }
}

impl Execution {
    /// Starts a distributed Map, with the items and the input they come from.
    pub(super) fn start_run(
        &mut self,
        id: FrameId,
        state: &State,
        map: &Map,
        distributed: &Distributed,
        (items, selected): (Vec<Value>, Value),
        concurrency: usize,
    ) -> Result<(), Fault> {
        let Some(scope) = self.scope(id, state, None, None) else { return Ok(()) };
        let tolerated_count = scope.whole(map.tolerated_failure_count.as_ref(), "ToleratedFailureCount", &selected)?;
        let tolerated_percentage =
            scope.percentage(map.tolerated_failure_percentage.as_ref(), "ToleratedFailurePercentage", &selected)?;
        let run_id = self.context.seed.uuid("map run", self.effect_of(id, state).as_str());
        let (start, machine) = arn_parts(&self.context.machine_arn);
        let run = MapRun {
            arn: format!("{start}:mapRun:{machine}/{}:{run_id}", label(distributed, &run_id)),
            id: run_id,
            concurrency: if concurrency == 0 { MAX_CONCURRENCY } else { concurrency.min(MAX_CONCURRENCY) },
            tolerated_count,
            tolerated_percentage,
            failed_items: 0,
            batches: Vec::new(),
            failed: BTreeSet::new(),
            source: None,
        };
        self.record_for(id, "MapRunStarted", json!({"mapRunArn": run.arn}));
        match &distributed.reader {
            Some(reader) => self.start_reading(id, state, reader, selected, run),
            None => self.start_children(id, state, map, items, selected, run),
        }
    }

    /// Starts the executions of the items.
    pub(super) fn start_children(
        &mut self,
        id: FrameId,
        state: &State,
        map: &Map,
        items: Vec<Value>,
        selected: Value,
        run: MapRun,
    ) -> Result<(), Fault> {
        let phase = Phase::Map { children: Children::default(), items, selected, next: 0, run: Some(Box::new(run)) };
        if let Some(frame) = self.frames.get_mut(&id) {
            frame.phase = phase;
        }
        self.go_on_with_run(id, state, map)
    }

    /// Starts as many children as may run, or ends the run.
    fn go_on_with_run(&mut self, id: FrameId, state: &State, map: &Map) -> Result<(), Fault> {
        loop {
            let Some(frame) = self.frames.get(&id) else { return Ok(()) };
            let Phase::Map { children, items, next, run: Some(run), .. } = &frame.phase else { return Ok(()) };
            if *next < items.len() && children.open.len() < run.concurrency {
                self.start_child(id, state, map)?;
            } else if *next >= items.len() && children.open.is_empty() {
                return self.run_succeeded(id, state, map);
            } else {
                return Ok(());
            }
        }
    }

    fn start_child(&mut self, id: FrameId, state: &State, map: &Map) -> Result<(), Fault> {
        let Some(distributed) = &map.distributed else { return Ok(()) };
        let (input, count) = match &distributed.batcher {
            None => {
                let input = self.next_input(id, state, map)?.unwrap_or_default();
                self.pass_item(id);
                (input, 1)
            }
            Some(batcher) => self.batch(id, state, map, batcher)?,
        };
        let Some(Phase::Map { run: Some(run), .. }) = self.frames.get_mut(&id).map(|frame| &mut frame.phase) else {
            return Ok(());
        };
        let slot = run.batches.len();
        run.batches.push(count);
        let label = label(distributed, &run.id).to_owned();
        let name = self.context.seed.uuid("child execution", &format!("{}[{slot}]", self.effect_of(id, state)));
        let (start, machine) = arn_parts(&self.context.machine_arn);
        let child_run = Run {
            arn: format!("{start}:execution:{machine}/{label}:{name}"),
            name,
            machine_arn: format!("{}/{label}", self.context.machine_arn),
            input: input.clone(),
            started: Moment(Timestamp::from_ms(self.now_ms)),
            // It begins with `ExecutionStarted`.
            events: 1,
        };
        let child = self.open_frame(map.processor, Some((id, slot)), None, input, 0);
        self.runs.insert(child, child_run);
        if let Some(frame) = self.frames.get_mut(&child) {
            frame.run = Some(child);
            frame.item = None;
        }
        if let Some(Phase::Map { children, .. }) = self.frames.get_mut(&id).map(|frame| &mut frame.phase) {
            children.open.insert(child);
        }
        Ok(())
    }

    /// Returns what the next item becomes as input, without going on to the one after it.
    fn next_input(&mut self, id: FrameId, state: &State, map: &Map) -> Result<Option<Value>, Fault> {
        let Some(Phase::Map { items, next, run: Some(run), .. }) =
            self.frames.get_mut(&id).map(|frame| &mut frame.phase)
        else {
            return Ok(None);
        };
        let Some(value) = items.get(*next) else { return Ok(None) };
        if map.item_selector.is_none() {
            return Ok(Some(value.clone()));
        }
        let source = run.source.clone().unwrap_or_else(|| "STATE_DATA".to_owned());
        let item = Item { index: *next, value: value.clone(), source: Some(source) };
        self.item_input(id, state, map, &item).map(Some)
    }

    /// Goes on to the next item; nobody needs this one any more.
    fn pass_item(&mut self, id: FrameId) {
        if let Some(Phase::Map { items, next, .. }) = self.frames.get_mut(&id).map(|frame| &mut frame.phase) {
            if let Some(item) = items.get_mut(*next) {
                item.take();
            }
            *next += 1;
        }
    }

    /// Joins the next items up to the limits of a batch; one item always fits.
    fn batch(&mut self, id: FrameId, state: &State, map: &Map, batcher: &Batcher) -> Result<(Value, usize), Fault> {
        let Some(scope) = self.scope(id, state, None, None) else { return Ok((Value::Null, 0)) };
        let Phase::Map { selected, .. } = &scope.frame.phase else { return Ok((Value::Null, 0)) };
        let most = scope.whole(batcher.max_items.as_ref(), "MaxItemsPerBatch", selected)?;
        let most = most.filter(|most| *most > 0).map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let room = scope.whole(batcher.max_bytes.as_ref(), "MaxInputBytesPerBatch", selected)?;
        let room = room.filter(|room| *room > 0).map_or(usize::MAX, |room| usize::try_from(room).unwrap_or(usize::MAX));
        let mut input = json!({});
        if let Some(template) = &batcher.batch_input {
            input["BatchInput"] = scope.template(Some(template), Cow::Borrowed(selected))?;
        }
        input["Items"] = json!([]);
        let mut bytes = size(&input).unwrap_or(usize::MAX);
        let mut batch = Vec::new();
        while batch.len() < most {
            let Some(item) = self.next_input(id, state, map)? else { break };
            bytes = bytes.saturating_add(size(&item).unwrap_or(usize::MAX)).saturating_add(1);
            if bytes > room && !batch.is_empty() {
                break;
            }
            batch.push(item);
            self.pass_item(id);
        }
        let count = batch.len();
        input["Items"] = Value::Array(batch);
        Ok((input, count))
    }

    /// Whether the frame is in a Map whose items have executions of their own.
    pub(in crate::engine) fn is_map_run(&self, id: FrameId) -> bool {
        self.frames.get(&id).is_some_and(|frame| matches!(frame.phase, Phase::Map { run: Some(_), .. }))
    }

    /// The execution of an item or a batch has ended.
    pub(super) fn run_ended(&mut self, id: FrameId, child_id: FrameId, child: &Frame, end: Result<Value, Failure>) {
        let definition = Arc::clone(&self.definition);
        let ended = self.runs.remove(&child_id);
        let now = Moment(Timestamp::from_ms(self.now_ms));
        let Some(frame) = self.frames.get_mut(&id) else { return };
        let Some(state) = definition.state(frame.state) else { return };
        let Kind::Map(map) = &state.kind else { return };
        let Phase::Map { children, items, run: Some(run), .. } = &mut frame.phase else { return };
        let form =
            map.distributed.as_ref().and_then(|distributed| distributed.writer.as_ref()).map(|writer| writer.form);
        let has_failed = end.is_err();
        let result = match end {
            Ok(output) if form != Some(ResultForm::Described) => output,
            end => ended.map_or(Value::Null, |ended| writer::described(&ended, end, now)),
        };
        children.ended(child_id, child.slot, result);
        if has_failed {
            run.failed.insert(child.slot);
            run.failed_items += run.batches.get(child.slot).map_or(1, |items| *items as u64);
            if run.is_exceeded(items.len()) {
                self.fail_run(id, Failure::new(EXCEEDED, "The specified tolerated failure threshold was exceeded"));
                return;
            }
        }
        let result = self.go_on_with_run(id, state, map);
        self.settle(id, state, result);
    }

    fn run_succeeded(&mut self, id: FrameId, state: &State, map: &Map) -> Result<(), Fault> {
        let Some(Phase::Map { children, run: Some(run), selected, .. }) =
            self.frames.get_mut(&id).map(|frame| &mut frame.phase)
        else {
            return Ok(());
        };
        let results = children.take();
        let writer = map.distributed.as_ref().and_then(|distributed| distributed.writer.as_ref());
        let Some(writer) = writer else { return self.leave_run(id, state, Value::Array(results)) };
        if writer.target.is_some() {
            let (run, selected) = (run.as_ref().clone(), std::mem::take(selected));
            return self.start_writing(id, state, writer, results, &selected, &run);
        }
        let output = writer::joined(writer, results);
        self.leave_run(id, state, output)
    }

    /// Records the end of a run that succeeded, and leaves the state.
    pub(super) fn leave_run(&mut self, id: FrameId, state: &State, output: Value) -> Result<(), Fault> {
        self.record_for(id, "MapRunSucceeded", json!({}));
        self.record_beside(id, "MapStateSucceeded", json!({}));
        self.finish(id, state, output)
    }

    /// Records the end of a run that failed, and fails the state.
    pub(super) fn fail_run(&mut self, id: FrameId, mut failure: Failure) {
        let details = error_details(failure.error.as_deref(), failure.cause.as_deref());
        self.record_for(id, "MapRunFailed", Value::Object(details));
        failure.reported = true;
        self.fail(id, failure);
    }
}

/// `arn:aws:states:region:account` and the name of the machine.
fn arn_parts(machine_arn: &str) -> (String, &str) {
    let start: Vec<&str> = machine_arn.split(':').take(5).collect();
    (start.join(":"), machine_arn.rsplit(':').next().unwrap_or(machine_arn))
}

/// Without a label of its own a Map has one that nobody could guess.
fn label<'l>(distributed: &'l Distributed, run_id: &'l str) -> &'l str {
    distributed.label.as_deref().unwrap_or(run_id)
}
