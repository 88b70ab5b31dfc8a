use std::collections::BTreeMap;

use serde_json::Value;

use crate::engine::objects::{self, ObjectRequest, Objects};
use crate::engine::{Answer, EffectId, Mocks, TaskEnd, TaskRequest};

/// The recorded results of a case's tasks, each of which is used once, and the objects that existed.
pub(super) struct Recorded<'a> {
    tasks: Vec<(&'a Value, bool)>,
    objects: Stored,
    /// The states whose tasks had no result left.
    pub(super) unanswered: Vec<String>,
}

impl<'a> Recorded<'a> {
    pub(super) fn new(tasks: &'a [Value], setup: &Value) -> Self {
        let tasks = tasks.iter().map(|task| (task, false)).collect();
        Self { tasks, objects: Stored::of(setup), unanswered: Vec::new() }
    }
}

/// Objects by bucket and key.
struct Stored(BTreeMap<(String, String), String>);

impl Stored {
    fn of(setup: &Value) -> Self {
        let objects = setup.get("s3_objects").and_then(Value::as_array).into_iter().flatten();
        let text = |object: &Value, field: &str| object.get(field).and_then(Value::as_str).map(str::to_owned);
        let stored = |object: &Value| Some(((text(object, "bucket")?, text(object, "key")?), text(object, "body")?));
        Self(objects.filter_map(stored).collect())
    }
}

impl Objects for Stored {
    fn get(&self, bucket: &str, key: &str) -> Option<String> {
        self.0.get(&(bucket.to_owned(), key.to_owned())).cloned()
    }

    fn list(&self, bucket: &str, prefix: &str) -> Vec<(String, u64)> {
        let found = self.0.iter().filter(|((b, key), _)| b == bucket && key.starts_with(prefix));
        found.map(|((_, key), body)| (key.clone(), u64::try_from(body.len()).unwrap_or(u64::MAX))).collect()
    }

    fn put(&mut self, bucket: &str, key: &str, body: String) {
        self.0.insert((bucket.to_owned(), key.to_owned()), body);
    }
}

/// Whether a task was started by a Map for what it reads or writes: the name lies below that of the state, `M.1#0/read.0`.
pub(super) fn is_of_map(effect: &EffectId) -> bool {
    let last = effect.as_str().rsplit('/').next().unwrap_or_default();
    !last.contains('#') && (last.starts_with("read.") || last.starts_with("write."))
}

impl Mocks for Recorded<'_> {
    fn answer(&mut self, effect: &EffectId, task: &TaskRequest) -> Answer {
        if let Some(request) = ObjectRequest::of(task).filter(|_| is_of_map(effect)) {
            return Answer::of(objects::answer(request, &mut self.objects));
        }
        let place = place(effect);
        let fits = |recorded: &Value| {
            let iteration = recorded.get("iteration").and_then(Value::as_array);
            recorded.get("state").and_then(Value::as_str) == Some(task.state.as_str())
                && iteration.is_none_or(|path| same_place(path, &place))
        };
        let Some((recorded, used)) = self.tasks.iter_mut().find(|(recorded, used)| !used && fits(recorded)) else {
            self.unanswered.push(task.state.clone());
            return Answer::of(TaskEnd::Silent);
        };
        *used = true;
        let text = |field: &str| recorded.get(field).and_then(Value::as_str).map(str::to_owned);
        let end = match recorded.get("outcome").and_then(Value::as_str) {
            Some("succeeded") => TaskEnd::Succeeded(recorded.get("output").cloned().unwrap_or_default()),
            Some("timed_out") => TaskEnd::Silent,
            _ => TaskEnd::Failed { error: text("error"), cause: text("cause") },
        };
        Answer { submitted: recorded.get("submitted_output").cloned(), ..Answer::of(end) }
    }
}

/// The (state, index) pairs of `Map.1#0[2]/Parallel.1#0[0]/Task.1#0`.
fn place(effect: &EffectId) -> Vec<(String, usize)> {
    let mut parts: Vec<&str> = effect.as_str().split("]/").collect();
    parts.pop();
    parts
        .into_iter()
        .filter_map(|part| {
            let (name, index) = part.rsplit_once('[')?;
            Some((name.rsplit_once('.')?.0.to_owned(), index.parse().ok()?))
        })
        .collect()
}

fn same_place(recorded: &[Value], place: &[(String, usize)]) -> bool {
    let names = |step: &Value, kind: &str, name: &str| step.get(kind).and_then(Value::as_str) == Some(name);
    // The record follows the chain of events, so it names the iterations that ran before this one too.
    let recorded: Vec<&Value> = recorded
        .iter()
        .enumerate()
        .filter(|(at, step)| {
            step.get("map").is_none() || recorded.get(at + 1).is_none_or(|next| next.get("map") != step.get("map"))
        })
        .map(|(_, step)| step)
        .collect();
    recorded.len() == place.len()
        && recorded.into_iter().zip(place).all(|(step, (name, index))| {
            names(step, "parallel", name)
                || (names(step, "map", name) && step.get("index").and_then(Value::as_u64) == u64::try_from(*index).ok())
        })
}
