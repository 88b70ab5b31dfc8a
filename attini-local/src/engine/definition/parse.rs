use std::collections::HashMap;

use serde_json::Value;

use super::fields::{Fields, kind};
use super::{
    Catcher, Definition, Kind, Machine, MachineId, Map, ResultPath, Retrier, Selector, State, StateId, Task, Wait,
    choice,
};
use crate::engine::context;
use crate::engine::resource::Resource;

/// How deep machines may be nested in each other.
const MAX_NESTING: usize = 64;
/// The longest wait and timeout of the service, in seconds.
const MAX_SECONDS: u64 = 99_999_999;

pub(super) fn definition(value: &Value, fingerprint: String) -> Result<Definition, Vec<String>> {
    let mut reader = Reader { definition: Definition { fingerprint, ..Definition::default() }, problems: Vec::new() };
    reader.machine(value, "the state machine", 0);
    if let Value::Object(object) = value {
        let mut fields = Fields { object, place: "the state machine".to_owned(), problems: &mut reader.problems };
        reader.definition.timeout_seconds = fields.whole("TimeoutSeconds", 1, MAX_SECONDS);
    }
    if reader.problems.is_empty() { Ok(reader.definition) } else { Err(reader.problems) }
}

struct Reader {
    definition: Definition,
    problems: Vec<String>,
}

/// The states of the machine that is being read; names do not reach into other machines.
type Names<'a> = HashMap<&'a str, StateId>;

impl Reader {
    fn machine(&mut self, value: &Value, place: &str, depth: usize) -> Option<MachineId> {
        if depth > MAX_NESTING {
            self.problems.push(format!("{place}: machines are nested deeper than {MAX_NESTING} levels"));
            return None;
        }
        let Value::Object(object) = value else {
            self.problems.push(format!("{place}: write an object with `StartAt` and `States`, not {}", kind(value)));
            return None;
        };
        let mut fields = Fields { object, place: place.to_owned(), problems: &mut self.problems };
        query_language(&mut fields);
        if fields.get("StartAt").is_none() {
            fields.problem("StartAt", "name the first state");
        }
        let start_at = fields.text("StartAt");
        let states = match fields.get("States") {
            Some(Value::Object(states)) if !states.is_empty() => states,
            _ => {
                fields.problem("States", "write an object with at least one state");
                return None;
            }
        };
        let first = self.definition.states.len();
        let names: Names<'_> = states.keys().enumerate().map(|(i, name)| (name.as_str(), StateId(first + i))).collect();
        let start = start_at.and_then(|name| names.get(name).copied());
        if let (Some(name), None) = (start_at, start) {
            fields.problem("StartAt", format!("there is no state `{name}`"));
        }
        // The ids of these states are given out now; nested machines come behind them.
        self.definition.states.extend(states.keys().map(|name| placeholder(name)));
        let id = MachineId(self.definition.machines.len());
        self.definition.machines.push(Machine { start: start.unwrap_or(StateId(usize::MAX)) });
        for (name, value) in states {
            if let (Some(state), Some(id)) = (self.state(name, value, &names, depth), names.get(name.as_str()))
                && let Some(slot) = self.definition.states.get_mut(id.0)
            {
                *slot = state;
            }
        }
        Some(id)
    }

    fn state(&mut self, name: &str, value: &Value, names: &Names<'_>, depth: usize) -> Option<State> {
        let place = format!("state `{name}`");
        let Value::Object(object) = value else {
            self.problems.push(format!("{place}: write an object, not {}", kind(value)));
            return None;
        };
        let mut fields = Fields { object, place: place.clone(), problems: &mut self.problems };
        if name.chars().count() > 80 {
            fields.problems.push(format!("{place}: a name has at most 80 characters"));
        }
        query_language(&mut fields);
        for field in ["Assign", "Arguments", "Output"] {
            if fields.get(field).is_some() {
                fields.problem(field, "not supported by this engine yet; it runs JSONPath states without variables");
            }
        }
        let Some(type_name) = fields.text("Type") else {
            if fields.get("Type").is_none() {
                fields.problem("Type", "name the type of the state, such as `Task`");
            }
            return None;
        };
        let kind = match type_name {
            "Pass" => Kind::Pass { result: fields.get("Result").cloned() },
            "Task" => task(&mut fields)?,
            "Choice" => choices(&mut fields, names),
            "Wait" => Kind::Wait(wait(&mut fields)?),
            "Succeed" => Kind::Succeed,
            "Fail" => Kind::Fail { error: fields.text_or_path("Error"), cause: fields.text_or_path("Cause") },
            "Parallel" => {
                let branches = fields.list("Branches");
                if branches.is_empty() {
                    fields.problem("Branches", "write at least one branch");
                }
                let machines = branches
                    .iter()
                    .enumerate()
                    .map(|(index, branch)| self.machine(branch, &format!("{place}, branch {index}"), depth + 1));
                Kind::Parallel { branches: machines.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>()? }
            }
            "Map" => self.map(object, &place, depth)?,
            other => {
                fields.problem("Type", format!("there is no type `{other}`"));
                return None;
            }
        };
        let mut fields = Fields { object, place, problems: &mut self.problems };
        let next = match kind {
            Kind::Choice { .. } | Kind::Succeed | Kind::Fail { .. } => None,
            _ => next(&mut fields, names),
        };
        let is_map = matches!(kind, Kind::Map(_));
        Some(State {
            name: name.to_owned(),
            input_path: fields.selector("InputPath"),
            // On a Map, `Parameters` is the old name of `ItemSelector`.
            parameters: if is_map { None } else { fields.template("Parameters") },
            result_selector: fields.template("ResultSelector"),
            result_path: fields.result_path(),
            output_path: fields.selector("OutputPath"),
            next,
            retry: retriers(&mut fields),
            catch: catchers(&mut fields, names),
            kind,
        })
    }

    fn map(&mut self, object: &serde_json::Map<String, Value>, place: &str, depth: usize) -> Option<Kind> {
        let mut fields = Fields { object, place: place.to_owned(), problems: &mut self.problems };
        for field in ["ItemReader", "ItemBatcher", "ResultWriter"] {
            if fields.get(field).is_some() {
                fields.problem(field, "belongs to a distributed Map, which this engine does not support yet");
            }
        }
        let field = if fields.get("ItemProcessor").is_some() { "ItemProcessor" } else { "Iterator" };
        let Some(processor) = fields.get(field) else {
            fields.problem("ItemProcessor", "write the machine that handles one item");
            return None;
        };
        if let Some(mode) = processor.pointer("/ProcessorConfig/Mode")
            && mode != "INLINE"
        {
            fields.problem(field, format!("the mode {mode} is not supported yet; use INLINE"));
        }
        let items_path = fields.query("ItemsPath");
        let selector = if fields.get("ItemSelector").is_some() { "ItemSelector" } else { "Parameters" };
        let item_selector = fields.template(selector);
        let max_concurrency = fields.number_or_path("MaxConcurrency", 0, u64::from(u32::MAX));
        let tolerated_failure_count = fields.number_or_path("ToleratedFailureCount", 0, u64::from(u32::MAX));
        let tolerated_failure_percentage = fields.percentage_or_path("ToleratedFailurePercentage");
        let processor = self.machine(processor, &format!("{place}, {field}"), depth + 1)?;
        Some(Kind::Map(Box::new(Map {
            processor,
            items_path,
            item_selector,
            max_concurrency,
            tolerated_failure_count,
            tolerated_failure_percentage,
        })))
    }
}

/// Stands in a definition that is given up anyway when the state turns out to be wrong.
fn placeholder(name: &str) -> State {
    State {
        name: name.to_owned(),
        kind: Kind::Succeed,
        input_path: Selector::Whole,
        parameters: None,
        result_selector: None,
        result_path: ResultPath::Whole,
        output_path: Selector::Whole,
        next: None,
        retry: Vec::new(),
        catch: Vec::new(),
    }
}

fn query_language(fields: &mut Fields<'_, '_>) {
    match fields.text("QueryLanguage") {
        None | Some("JSONPath") => {}
        Some("JSONata") => fields.problem("QueryLanguage", "JSONata is not supported yet; use JSONPath"),
        Some(other) => fields.problem("QueryLanguage", format!("`{other}` is none of JSONPath, JSONata")),
    }
}

fn next(fields: &mut Fields<'_, '_>, names: &Names<'_>) -> Option<StateId> {
    let end = match fields.get("End") {
        None => false,
        Some(Value::Bool(end)) => *end,
        Some(other) => {
            fields.problem("End", format!("write true, not `{other}`"));
            true
        }
    };
    match (end, fields.get("Next").is_some()) {
        (true, true) => fields.problem("Next", "use either it or `End`"),
        (false, false) => fields.problem("Next", "name the next state, or write `\"End\": true`"),
        _ => {}
    }
    target(fields, "Next", names)
}

fn target(fields: &mut Fields<'_, '_>, field: &str, names: &Names<'_>) -> Option<StateId> {
    let name = fields.text(field)?;
    let found = names.get(name).copied();
    if found.is_none() {
        fields.problem(field, format!("there is no state `{name}` beside this one"));
    }
    found
}

fn task(fields: &mut Fields<'_, '_>) -> Option<Kind> {
    if fields.get("Resource").is_none() {
        fields.problem("Resource", "name what the task calls");
    }
    let timeout = fields.number_or_path("TimeoutSeconds", 1, MAX_SECONDS);
    let heartbeat = fields.number_or_path("HeartbeatSeconds", 1, MAX_SECONDS);
    let credentials = fields.template("Credentials");
    match Resource::parse(fields.text("Resource")?) {
        Ok(resource) => Some(Kind::Task(Box::new(Task { resource, timeout, heartbeat, credentials }))),
        Err(error) => {
            fields.problem("Resource", error);
            None
        }
    }
}

fn choices(fields: &mut Fields<'_, '_>, names: &Names<'_>) -> Kind {
    let choices = fields.list("Choices");
    if choices.is_empty() {
        fields.problem("Choices", "write at least one rule");
    }
    let mut rules = Vec::new();
    for (index, value) in choices.iter().enumerate() {
        let place = format!("{}, choice {index}", fields.place);
        let next = match value {
            Value::Object(object) => {
                let mut choice = Fields { object, place: place.clone(), problems: fields.problems };
                if choice.get("Next").is_none() {
                    choice.problem("Next", "name the next state");
                }
                for field in ["Assign", "Output", "Condition"] {
                    if choice.get(field).is_some() {
                        choice.problem(field, "not supported by this engine yet");
                    }
                }
                target(&mut choice, "Next", names)
            }
            _ => None,
        };
        let rule = choice::rule(value, &place, fields.problems);
        rules.extend(rule.zip(next));
    }
    Kind::Choice { rules, default: target(fields, "Default", names) }
}

fn wait(fields: &mut Fields<'_, '_>) -> Option<Wait> {
    const FIELDS: [&str; 4] = ["Seconds", "SecondsPath", "Timestamp", "TimestampPath"];
    let given: Vec<&str> = FIELDS.into_iter().filter(|field| fields.get(field).is_some()).collect();
    match given.as_slice() {
        ["Seconds"] => fields.whole("Seconds", 0, MAX_SECONDS).map(Wait::Seconds),
        ["SecondsPath"] => fields.query("SecondsPath").map(Wait::SecondsPath),
        ["Timestamp"] => {
            let text = fields.text("Timestamp")?;
            let time = context::time(text);
            if time.is_none() {
                fields.problem("Timestamp", format!("`{text}` is no time; write one such as `2026-01-01T10:00:00Z`"));
            }
            time.map(|time| Wait::Timestamp(time.as_ms()))
        }
        ["TimestampPath"] => fields.query("TimestampPath").map(Wait::TimestampPath),
        _ => {
            fields.problem("Seconds", format!("use exactly one of {}", FIELDS.join(", ")));
            None
        }
    }
}

fn error_names(fields: &mut Fields<'_, '_>) -> Vec<String> {
    let list = fields.list("ErrorEquals");
    let names: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if names.is_empty() || names.len() < list.len() {
        fields.problem("ErrorEquals", "write a list of at least one error name");
    }
    names
}

fn retriers(fields: &mut Fields<'_, '_>) -> Vec<Retrier> {
    let mut retriers = Vec::new();
    for (index, value) in fields.list("Retry").iter().enumerate() {
        let place = format!("{}, retrier {index}", fields.place);
        let Value::Object(object) = value else {
            fields.problems.push(format!("{place}: write an object, not {}", kind(value)));
            continue;
        };
        let mut retrier = Fields { object, place, problems: fields.problems };
        let backoff_rate = match retrier.get("BackoffRate") {
            None => 2.0,
            Some(value) => value.as_f64().filter(|rate| *rate >= 1.0).unwrap_or_else(|| {
                retrier.problem("BackoffRate", format!("write a number of at least 1, not `{value}`"));
                2.0
            }),
        };
        let full_jitter = match retrier.text("JitterStrategy") {
            None | Some("NONE") => false,
            Some("FULL") => true,
            Some(other) => {
                retrier.problem("JitterStrategy", format!("`{other}` is none of FULL, NONE"));
                false
            }
        };
        retriers.push(Retrier {
            errors: error_names(&mut retrier),
            interval_seconds: retrier.whole("IntervalSeconds", 1, MAX_SECONDS).unwrap_or(1),
            max_attempts: retrier.whole("MaxAttempts", 0, MAX_SECONDS).unwrap_or(3),
            backoff_rate,
            max_delay_seconds: retrier.whole("MaxDelaySeconds", 1, 31_622_400),
            full_jitter,
        });
    }
    retriers
}

fn catchers(fields: &mut Fields<'_, '_>, names: &Names<'_>) -> Vec<Catcher> {
    let mut catchers = Vec::new();
    for (index, value) in fields.list("Catch").iter().enumerate() {
        let place = format!("{}, catcher {index}", fields.place);
        let Value::Object(object) = value else {
            fields.problems.push(format!("{place}: write an object, not {}", kind(value)));
            continue;
        };
        let mut catcher = Fields { object, place, problems: fields.problems };
        for field in ["Assign", "Output"] {
            if catcher.get(field).is_some() {
                catcher.problem(field, "not supported by this engine yet");
            }
        }
        if catcher.get("Next").is_none() {
            catcher.problem("Next", "name the next state");
        }
        let (errors, result_path) = (error_names(&mut catcher), catcher.result_path());
        catchers.extend(target(&mut catcher, "Next", names).map(|next| Catcher { errors, result_path, next }));
    }
    catchers
}
