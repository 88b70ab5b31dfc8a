use std::collections::HashMap;

use serde_json::Value;

use super::distributed::{Distributed, FIELDS};
use super::fields::{Fields, kind};
use super::handlers::{catchers, retriers};
use super::{
    Choice, Definition, Items, Kind, Language, Machine, MachineId, Map, ResultPath, Selector, State, StateId, Task,
    Wait, assign, choice,
};
use crate::engine::context;
use crate::engine::resource::Resource;
use crate::engine::template::Template;

/// How deep machines may be nested in each other.
const MAX_NESTING: usize = 64;
/// The longest wait and timeout of the service, in seconds.
pub(super) const MAX_SECONDS: u64 = 99_999_999;

pub(super) fn definition(value: &Value, fingerprint: String) -> Result<Definition, Vec<String>> {
    let mut reader = Reader { definition: Definition { fingerprint, ..Definition::default() }, problems: Vec::new() };
    reader.machine(value, "the state machine", &Around::default());
    if let Value::Object(object) = value {
        let place = "the state machine".to_owned();
        let mut fields = Fields::new(object, place, Language::JsonPath, &mut reader.problems);
        reader.definition.timeout_seconds = fields.whole("TimeoutSeconds", 1, MAX_SECONDS);
    }
    if reader.problems.is_empty() { Ok(reader.definition) } else { Err(reader.problems) }
}

struct Reader {
    definition: Definition,
    problems: Vec<String>,
}

/// What a machine takes from those around it.
#[derive(Default)]
struct Around {
    depth: usize,
    /// `None` is that of the top level, which may choose.
    language: Option<Language>,
}

/// The states of the machine that is being read; names do not reach into other machines.
pub(super) type Names<'a> = HashMap<&'a str, StateId>;

impl Reader {
    fn machine(&mut self, value: &Value, place: &str, around: &Around) -> Option<MachineId> {
        if around.depth > MAX_NESTING {
            self.problems.push(format!("{place}: machines are nested deeper than {MAX_NESTING} levels"));
            return None;
        }
        let Value::Object(object) = value else {
            self.problems.push(format!("{place}: write an object with `StartAt` and `States`, not {}", kind(value)));
            return None;
        };
        let mut fields = Fields::new(object, place.to_owned(), Language::JsonPath, &mut self.problems);
        let language = query_language(&mut fields).or(around.language).unwrap_or(Language::JsonPath);
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
        let inside = Around { depth: around.depth + 1, language: Some(language) };
        let beside = Beside { names: &names, language, inside: &inside };
        for (name, value) in states {
            if let (Some(state), Some(id)) = (self.state(name, value, &beside), names.get(name.as_str()))
                && let Some(slot) = self.definition.states.get_mut(id.0)
            {
                *slot = state;
            }
        }
        Some(id)
    }

    fn state(&mut self, name: &str, value: &Value, beside: &Beside<'_>) -> Option<State> {
        let place = format!("state `{name}`");
        let Value::Object(object) = value else {
            self.problems.push(format!("{place}: write an object, not {}", kind(value)));
            return None;
        };
        let mut fields = Fields::new(object, place.clone(), beside.language, &mut self.problems);
        if name.chars().count() > 80 {
            fields.problems.push(format!("{place}: a name has at most 80 characters"));
        }
        let language = query_language(&mut fields).unwrap_or(beside.language);
        fields.language = language;
        let Some(type_name) = fields.text("Type") else {
            if fields.get("Type").is_none() {
                fields.problem("Type", "name the type of the state, such as `Task`");
            }
            return None;
        };
        let kind = match type_name {
            "Pass" => Kind::Pass { result: fields.get("Result").cloned() },
            "Task" => task(&mut fields)?,
            "Choice" => choices(&mut fields, beside),
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
                    .map(|(index, branch)| self.machine(branch, &format!("{place}, branch {index}"), beside.inside));
                Kind::Parallel { branches: machines.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>()? }
            }
            "Map" => self.map(object, &place, language, beside.inside)?,
            other => {
                fields.problem("Type", format!("there is no type `{other}`"));
                return None;
            }
        };
        let mut fields = Fields::new(object, place, language, &mut self.problems);
        let next = match kind {
            Kind::Choice { .. } | Kind::Succeed | Kind::Fail { .. } => None,
            _ => next(&mut fields, beside.names),
        };
        let data = Data::parse(&mut fields, &kind);
        Some(State {
            name: name.to_owned(),
            language,
            input_path: data.input_path,
            parameters: data.parameters,
            result_selector: data.result_selector,
            result_path: data.result_path,
            output_path: data.output_path,
            assign: assign::template(&mut fields),
            output: data.output,
            next,
            retry: retriers(&mut fields),
            catch: catchers(&mut fields, beside.names),
            kind,
        })
    }

    fn map(
        &mut self,
        object: &serde_json::Map<String, Value>,
        place: &str,
        language: Language,
        inside: &Around,
    ) -> Option<Kind> {
        let mut fields = Fields::new(object, place.to_owned(), language, &mut self.problems);
        let field = if fields.get("ItemProcessor").is_some() { "ItemProcessor" } else { "Iterator" };
        let Some(processor) = fields.get(field) else {
            fields.problem("ItemProcessor", "write the machine that handles one item");
            return None;
        };
        let is_distributed = match processor.pointer("/ProcessorConfig/Mode").map(|mode| (mode, mode.as_str())) {
            None | Some((_, Some("INLINE"))) => false,
            Some((_, Some("DISTRIBUTED"))) => true,
            Some((other, _)) => {
                fields.problem(field, format!("the mode {other} is none of INLINE, DISTRIBUTED"));
                false
            }
        };
        let distributed = if is_distributed {
            Some(Box::new(Distributed::parse(&mut fields)))
        } else {
            fields.refuse(&FIELDS, "only a Map with the mode DISTRIBUTED in its `ProcessorConfig` has it");
            None
        };
        let items = match language {
            Language::JsonPath => fields.query("ItemsPath").map_or(Items::Input, Items::Path),
            Language::Jsonata => fields.template("Items").map_or(Items::Input, Items::Template),
        };
        if let Items::Template(Template::Literal(items)) = &items
            && !items.is_array()
        {
            fields.problem("Items", format!("write a list or an expression, not {}", kind(items)));
        }
        // On a Map, `Parameters` is the old name of `ItemSelector`.
        let is_old = language == Language::JsonPath && fields.get("ItemSelector").is_none();
        let item_selector = fields.template(if is_old { "Parameters" } else { "ItemSelector" });
        let max_concurrency = fields.number_or_path("MaxConcurrency", 0, u64::from(u32::MAX));
        let tolerated_failure_count = fields.number_or_path("ToleratedFailureCount", 0, u64::from(u32::MAX));
        let tolerated_failure_percentage = fields.percentage_or_path("ToleratedFailurePercentage");
        let processor = self.machine(processor, &format!("{place}, {field}"), inside)?;
        Some(Kind::Map(Box::new(Map {
            processor,
            items,
            item_selector,
            max_concurrency,
            tolerated_failure_count,
            tolerated_failure_percentage,
            distributed,
        })))
    }
}

/// What a state takes from its machine.
struct Beside<'a> {
    names: &'a Names<'a>,
    language: Language,
    /// What machines inside the state get.
    inside: &'a Around,
}

/// The fields that say what goes in and what comes out.
struct Data {
    input_path: Selector,
    parameters: Option<Template>,
    result_selector: Option<Template>,
    result_path: ResultPath,
    output_path: Selector,
    output: Option<Template>,
}

impl Data {
    fn parse(fields: &mut Fields<'_, '_>, kind: &Kind) -> Self {
        // On a Map, `Parameters` is the old name of `ItemSelector`.
        let is_map = matches!(kind, Kind::Map(_));
        match fields.language {
            Language::JsonPath => {
                fields.refuse(
                    &["Arguments", "Output", "Items"],
                    "only JSONata states have it; write `\"QueryLanguage\": \"JSONata\"`, or use `Parameters`, \
                     `ResultSelector`, `ItemsPath`",
                );
                Self {
                    input_path: fields.selector("InputPath"),
                    parameters: if is_map { None } else { fields.template("Parameters") },
                    result_selector: fields.template("ResultSelector"),
                    result_path: fields.result_path(),
                    output_path: fields.selector("OutputPath"),
                    output: None,
                }
            }
            Language::Jsonata => {
                fields.refuse(
                    &["InputPath", "Parameters", "ResultSelector", "ResultPath", "OutputPath", "ItemsPath", "Result"],
                    "a JSONata state has no such field; use `Arguments`, `Items` and `Output`",
                );
                Self {
                    input_path: Selector::Whole,
                    parameters: fields.template("Arguments"),
                    result_selector: None,
                    result_path: ResultPath::Whole,
                    output_path: Selector::Whole,
                    output: fields.template("Output"),
                }
            }
        }
    }
}

/// Stands in a definition that is given up anyway when the state turns out to be wrong.
fn placeholder(name: &str) -> State {
    State {
        name: name.to_owned(),
        kind: Kind::Succeed,
        language: Language::JsonPath,
        input_path: Selector::Whole,
        parameters: None,
        result_selector: None,
        result_path: ResultPath::Whole,
        output_path: Selector::Whole,
        assign: None,
        output: None,
        next: None,
        retry: Vec::new(),
        catch: Vec::new(),
    }
}

fn query_language(fields: &mut Fields<'_, '_>) -> Option<Language> {
    match fields.text("QueryLanguage")? {
        "JSONPath" => Some(Language::JsonPath),
        "JSONata" => Some(Language::Jsonata),
        other => {
            fields.problem("QueryLanguage", format!("`{other}` is none of JSONPath, JSONata"));
            None
        }
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

pub(super) fn target(fields: &mut Fields<'_, '_>, field: &str, names: &Names<'_>) -> Option<StateId> {
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

fn choices(fields: &mut Fields<'_, '_>, beside: &Beside<'_>) -> Kind {
    let choices = fields.list("Choices");
    if choices.is_empty() {
        fields.problem("Choices", "write at least one rule");
    }
    let mut rules = Vec::new();
    for (index, value) in choices.iter().enumerate() {
        let name = format!("choice {index}");
        let Value::Object(object) = value else {
            fields.problems.push(format!("{}, {name}: write an object, not {}", fields.place, kind(value)));
            continue;
        };
        let mut choice = fields.within(object, &name, &format!("Choices[{index}]"));
        if choice.get("Next").is_none() {
            choice.problem("Next", "name the next state");
        }
        let next = target(&mut choice, "Next", beside.names);
        let assign = assign::template(&mut choice);
        let (rule, output) = match choice.language {
            Language::JsonPath => {
                choice.refuse(&["Condition", "Output"], "only JSONata states have it; use `Variable` and an operator");
                let is_jsonata = choice.get("Condition").is_some() || choice.get("Output").is_some();
                let place = choice.place.clone();
                let rule = if is_jsonata { None } else { choice::rule(value, &place, choice.problems) };
                (rule, None)
            }
            Language::Jsonata => {
                choice.refuse(&["Variable", "And", "Or", "Not"], "a JSONata state has no such field; use `Condition`");
                (choice::condition(&mut choice), choice.template("Output"))
            }
        };
        rules.extend(rule.zip(next).map(|(rule, next)| Choice { rule, next, assign, output }));
    }
    Kind::Choice { rules, default: target(fields, "Default", beside.names) }
}

fn wait(fields: &mut Fields<'_, '_>) -> Option<Wait> {
    const FIELDS: [&str; 4] = ["Seconds", "SecondsPath", "Timestamp", "TimestampPath"];
    if fields.language == Language::Jsonata {
        fields.refuse(&["SecondsPath", "TimestampPath"], "a JSONata state has no such field; write an expression");
    }
    let given: Vec<&str> = FIELDS.into_iter().filter(|field| fields.get(field).is_some()).collect();
    match given.as_slice() {
        ["Seconds"] if fields.is_expression("Seconds") => fields.located("Seconds").map(Wait::SecondsJsonata),
        ["Seconds"] => fields.whole("Seconds", 0, MAX_SECONDS).map(Wait::Seconds),
        ["SecondsPath"] => fields.query("SecondsPath").map(Wait::SecondsPath),
        ["Timestamp"] if fields.is_expression("Timestamp") => fields.located("Timestamp").map(Wait::TimestampJsonata),
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
