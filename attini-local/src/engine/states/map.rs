use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::engine::definition::{Items, Kind, Map, State};
use crate::engine::execution::Execution;
use crate::engine::failure::Fault;
use crate::engine::frame::{Children, FrameId, Item, Phase};
use crate::engine::scope::{StateScope, unexpected};
use crate::engine::template::Template;

/// The most iterations of an inline Map that the service runs side by side, whatever `MaxConcurrency` says.
const MAX_CONCURRENCY: usize = 40;

impl Execution {
    pub(super) fn start_map(&mut self, id: FrameId, state: &State, map: &Map) -> Result<(), Fault> {
        let Some(scope) = self.scope(id, state, None, None) else { return Ok(()) };
        let selected = scope.selector(&state.input_path, &scope.frame.input)?;
        let concurrency = scope.whole(map.max_concurrency.as_ref(), "MaxConcurrency", &selected)?.unwrap_or(0);
        let concurrency = usize::try_from(concurrency).unwrap_or(usize::MAX);
        let distributed = map.distributed.as_deref();
        if distributed.is_none() {
            // An inline Map tolerates nothing, but the service looks at the fields all the same.
            scope.whole(map.tolerated_failure_count.as_ref(), "ToleratedFailureCount", &selected)?;
            scope.percentage(map.tolerated_failure_percentage.as_ref(), "ToleratedFailurePercentage", &selected)?;
        }
        let reads = distributed.is_some_and(|distributed| distributed.reader.is_some());
        let items = if reads { Vec::new() } else { items(map, &scope, &selected)? };
        // Only an `ItemSelector` and a distributed Map look at it again.
        let is_needed = map.item_selector.is_some() || distributed.is_some();
        let selected = if is_needed { selected.into_owned() } else { Value::Null };
        let started = self.record_for(id, "MapStateStarted", json!({"length": items.len()}));
        if let Some(distributed) = distributed {
            return self.start_run(id, state, map, distributed, (items, selected), concurrency);
        }
        let count = items.len();
        if let Some(frame) = self.frames.get_mut(&id) {
            frame.phase = Phase::Map { children: Children::of(count), items, selected, next: 0, run: None };
        }
        if count == 0 {
            self.record_beside(id, "MapStateSucceeded", json!({}));
            return self.finish(id, state, json!([]));
        }
        let most = if concurrency == 0 { MAX_CONCURRENCY } else { concurrency.min(MAX_CONCURRENCY) };
        for _ in 0..count.min(most) {
            self.start_iteration(id, state, map, started)?;
        }
        Ok(())
    }

    /// Starts the next item of a Map, if there is one left; its first event follows from `previous`.
    fn start_iteration(&mut self, id: FrameId, state: &State, map: &Map, previous: u64) -> Result<(), Fault> {
        let Some(frame) = self.frames.get_mut(&id) else { return Ok(()) };
        let Phase::Map { items, next, .. } = &mut frame.phase else { return Ok(()) };
        let Some(value) = items.get_mut(*next).map(std::mem::take) else { return Ok(()) };
        let item = Item { index: *next, value, source: None };
        *next += 1;
        let input = self.item_input(id, state, map, &item)?;
        let details = json!({"name": state.name, "index": item.index});
        let started = self.record_in(id, previous, "MapIterationStarted", details);
        let slot = item.index;
        let child = self.open_frame(map.processor, Some((id, slot)), Some(item), input, started);
        if let Some(Phase::Map { children, .. }) = self.frames.get_mut(&id).map(|frame| &mut frame.phase) {
            children.open.insert(child);
        }
        Ok(())
    }

    /// Returns what an item becomes as input.
    pub(super) fn item_input(&self, id: FrameId, state: &State, map: &Map, item: &Item) -> Result<Value, Fault> {
        let Some(template) = &map.item_selector else { return Ok(item.value.clone()) };
        let Some(scope) = self.scope(id, state, None, Some(item)) else { return Ok(Value::Null) };
        let Phase::Map { selected, .. } = &scope.frame.phase else { return Ok(Value::Null) };
        scope.template(Some(template), Cow::Borrowed(selected))
    }

    /// Goes on after an iteration has ended: with the next item, or out of the Map.
    pub(super) fn iteration_ended(&mut self, id: FrameId, last_event: u64, succeeded: u64) {
        let definition = Arc::clone(&self.definition);
        let Some(frame) = self.frames.get_mut(&id) else { return };
        let Some(state) = definition.state(frame.state) else { return };
        let Kind::Map(map) = &state.kind else { return };
        let Phase::Map { children, items, next, .. } = &mut frame.phase else { return };
        let result = if *next < items.len() {
            self.start_iteration(id, state, map, last_event)
        } else if children.open.is_empty() {
            let results = Value::Array(children.take());
            frame.last_event = succeeded;
            self.record_beside(id, "MapStateSucceeded", json!({}));
            self.finish(id, state, results)
        } else {
            Ok(())
        };
        self.settle(id, state, result);
    }
}

/// Returns the items that the state's data holds.
fn items(map: &Map, scope: &StateScope<'_>, selected: &Value) -> Result<Vec<Value>, Fault> {
    let items = match &map.items {
        Items::Input => Cow::Borrowed(selected),
        Items::Path(query) => scope.path(query, selected)?,
        Items::Template(template) => {
            let items = scope.template(Some(template), Cow::Borrowed(selected))?;
            if let (Template::Jsonata(at), false) = (template, items.is_array()) {
                return Err(unexpected(at, "array", &items));
            }
            Cow::Owned(items)
        }
    };
    match items {
        Cow::Owned(Value::Array(items)) => Ok(items),
        Cow::Borrowed(Value::Array(items)) => Ok(items.clone()),
        other => {
            let text = format!("Map state input must be an array but was: {other}");
            Err(Fault::of(scope.state.language, None, text))
        }
    }
}
