use serde_json::Value;

use crate::engine::{Answer, EffectId, Mocks, TaskEnd, TaskRequest};

/// The recorded results of a case's tasks; each is used once.
pub(super) struct Recorded<'a> {
    tasks: Vec<(&'a Value, bool)>,
    /// The states whose tasks had no result left.
    pub(super) unanswered: Vec<String>,
}

impl<'a> Recorded<'a> {
    pub(super) fn new(tasks: &'a [Value]) -> Self {
        Self { tasks: tasks.iter().map(|task| (task, false)).collect(), unanswered: Vec::new() }
    }
}

impl Mocks for Recorded<'_> {
    fn answer(&mut self, effect: &EffectId, task: &TaskRequest) -> Answer {
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
    recorded.len() == place.len()
        && recorded.iter().zip(place).all(|(step, (name, index))| {
            names(step, "parallel", name)
                || (names(step, "map", name) && step.get("index").and_then(Value::as_u64) == u64::try_from(*index).ok())
        })
}
