use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::engine::definition::{Kind, Map, State};
use crate::engine::execution::Execution;
use crate::engine::failure::Fault;
use crate::engine::frame::{Children, FrameId, Item, Phase};

/// The most iterations of an inline Map that the service runs side by side, whatever `MaxConcurrency` says.
const MAX_CONCURRENCY: usize = 40;

impl Execution {
    pub(super) fn start_map(&mut self, id: FrameId, state: &State, map: &Map) -> Result<(), Fault> {
        let Some(scope) = self.scope(id, state, None, None) else { return Ok(()) };
        let selected = scope.selector(&state.input_path, &scope.frame.input)?;
        let concurrency = scope.whole(map.max_concurrency.as_ref(), "MaxConcurrency", &selected)?.unwrap_or(0);
        // An inline Map tolerates nothing, but the service looks at the fields all the same.
        scope.whole(map.tolerated_failure_count.as_ref(), "ToleratedFailureCount", &selected)?;
        scope.percentage(map.tolerated_failure_percentage.as_ref(), "ToleratedFailurePercentage", &selected)?;
        let items = match &map.items_path {
            None => Cow::Borrowed(selected.as_ref()),
            Some(query) => scope.path(query, &selected)?,
        };
        let Value::Array(items) = items.as_ref() else {
            return Err(Fault::runtime(format!("Map state input must be an array but was: {items}")));
        };
        let items = items.clone();
        // Only an `ItemSelector` looks at it again.
        let selected = if map.item_selector.is_some() { selected.into_owned() } else { Value::Null };
        let started = self.record_for(id, "MapStateStarted", json!({"length": items.len()}));
        let count = items.len();
        if let Some(frame) = self.frames.get_mut(&id) {
            frame.phase = Phase::Map { children: Children::of(count), items, selected, next: 0 };
        }
        if count == 0 {
            self.record_beside(id, "MapStateSucceeded", json!({}));
            return self.finish(id, state, json!([]));
        }
        let wanted = usize::try_from(concurrency).ok().filter(|wanted| *wanted > 0);
        let first = count.min(wanted.map_or(MAX_CONCURRENCY, |wanted| wanted.min(MAX_CONCURRENCY)));
        for _ in 0..first {
            self.start_iteration(id, state, map, started)?;
        }
        Ok(())
    }

    /// Starts the next item of a Map, if there is one left; its first event follows from `previous`.
    fn start_iteration(&mut self, id: FrameId, state: &State, map: &Map, previous: u64) -> Result<(), Fault> {
        let Some(frame) = self.frames.get_mut(&id) else { return Ok(()) };
        let Phase::Map { items, next, selected, .. } = &mut frame.phase else { return Ok(()) };
        let Some(value) = items.get_mut(*next).map(Value::take) else { return Ok(()) };
        let item = Item { index: *next, value };
        *next += 1;
        let input = match &map.item_selector {
            None => item.value.clone(),
            Some(template) => {
                let selected = Cow::Owned(selected.clone());
                let Some(scope) = self.scope(id, state, None, Some(&item)) else { return Ok(()) };
                scope.template(Some(template), selected)?
            }
        };
        let details = json!({"name": state.name, "index": item.index});
        let started = self.record(previous, "MapIterationStarted", details);
        let slot = item.index;
        let child = self.open_frame(map.processor, Some((id, slot)), Some(item), input, started);
        if let Some(Phase::Map { children, .. }) = self.frames.get_mut(&id).map(|frame| &mut frame.phase) {
            children.open.push(child);
        }
        Ok(())
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
            let results = children.take();
            frame.last_event = succeeded;
            self.record_beside(id, "MapStateSucceeded", json!({}));
            self.finish(id, state, results)
        } else {
            Ok(())
        };
        self.settle(id, state, result);
    }
}
