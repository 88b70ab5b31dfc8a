use std::collections::{BTreeSet, HashSet};

use attini_core::asl::intrinsic::Call;
use attini_core::asl::path::{Query, ReferencePath};
use attini_core::value::Timestamp;
use serde_json::{Map, Value};

use super::resource::{self, Unfit};
use super::{Diagnostic, MachineType, SCHEMA};

/// The types of states, in the service's order.
const STATE_TYPES: [&str; 8] = ["Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map"];
const TARGET: &str = "MISSING_TRANSITION_TARGET";
/// Fields with payload templates, in JSONPath states.
const TEMPLATES: [&str; 6] = ["Parameters", "ResultSelector", "ItemSelector", "Credentials", "Assign", "ItemBatcher"];
/// Fields with paths, in JSONPath states.
const PATHS: [&str; 8] = [
    "InputPath",
    "OutputPath",
    "ItemsPath",
    "SecondsPath",
    "TimestampPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "MaxConcurrencyPath",
];

/// Fields that JSONata states do not have, besides [`PATHS`].
const OF_JSONPATH: [&str; 8] = [
    "Parameters",
    "ResultSelector",
    "ResultPath",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentagePath",
    "ErrorPath",
    "CausePath",
    "Iterator",
];
/// Fields that JSONPath states do not have.
const OF_JSONATA: [&str; 3] = ["Arguments", "Output", "Items"];

/// Walks a definition and notes what is wrong.
pub(in crate::simulate) struct Check {
    machine_type: MachineType,
    /// Whether the states that are named have to exist; not so for a state that stands by itself.
    has_targets: bool,
    names: HashSet<String>,
    pub(in crate::simulate) found: Vec<Diagnostic>,
}

/// JSON is nested 128 levels at most, so recursion is safe.
impl Check {
    pub(in crate::simulate) fn new(machine_type: MachineType, has_targets: bool) -> Self {
        Self { machine_type, has_targets, names: HashSet::new(), found: Vec::new() }
    }

    fn schema(&mut self, message: impl Into<String>, location: impl Into<String>) {
        self.found.push(Diagnostic::new(SCHEMA, message, Some(location.into())));
    }

    fn required(&mut self, object: &Map<String, Value>, fields: &[&str], at: &str) {
        let missing: Vec<&str> = fields.iter().copied().filter(|field| !object.contains_key(*field)).collect();
        if !missing.is_empty() {
            let at = if at.is_empty() { "/" } else { at };
            self.schema(format!("These fields are required: [{}]", missing.join(", ")), at);
        }
    }

    /// Checks a machine, the top level or one inside of a state; `at` is empty for the top level.
    pub(in crate::simulate) fn machine(&mut self, machine: &Value, at: &str, is_jsonata: bool) {
        let Value::Object(machine) = machine else {
            self.schema("Expected value of type Object", at);
            return;
        };
        self.required(machine, &["States", "StartAt"], at);
        let is_jsonata = self.language(machine, at, is_jsonata, false);
        let states = match machine.get("States") {
            Some(Value::Object(states)) if !states.is_empty() => states,
            Some(Value::Object(_)) => return self.schema("Value cannot be empty", format!("{at}/States")),
            Some(_) => return self.schema("Expected value of type Object", format!("{at}/States")),
            None => return,
        };
        for (name, state) in states {
            let at = format!("{at}/States/{name}");
            if !self.names.insert(name.clone()) {
                self.found.push(Diagnostic::new(
                    "DUPLICATE_STATE_NAME",
                    format!("Duplicate State name: {name}"),
                    Some(at.clone()),
                ));
            }
            self.state(state, &at, is_jsonata);
        }
        if self.has_targets {
            self.targets(machine.get("StartAt"), states, at);
        }
    }

    /// Returns whether the object is in JSONata; a machine that is cannot have states that are not.
    fn language(&mut self, object: &Map<String, Value>, at: &str, outer: bool, is_state: bool) -> bool {
        match object.get("QueryLanguage").and_then(Value::as_str) {
            None => outer,
            Some("JSONata") => true,
            Some("JSONPath") if outer && is_state => {
                self.schema("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", at);
                false
            }
            Some("JSONPath") => false,
            Some(_) => {
                let text = "The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata]";
                self.schema(text, format!("{at}/QueryLanguage"));
                outer
            }
        }
    }

    pub(in crate::simulate) fn state(&mut self, state: &Value, at: &str, outer: bool) {
        let Value::Object(fields) = state else {
            self.schema("Expected value of type Object", at);
            return;
        };
        let kind = match fields.get("Type").and_then(Value::as_str) {
            Some(kind) if STATE_TYPES.contains(&kind) => kind,
            Some(_) => {
                let types = STATE_TYPES.join(", ");
                let text = format!("The field 'Type' should have one of these values: [{types}]");
                return self.schema(text, format!("{at}/Type"));
            }
            None => return self.required(fields, &["Type"], at),
        };
        let is_jsonata = self.language(fields, at, outer, true);
        match kind {
            "Task" => self.task(fields, at),
            "Choice" => self.choice(fields, at, is_jsonata),
            "Wait" => self.wait(fields, at, is_jsonata),
            "Parallel" => match fields.get("Branches") {
                Some(Value::Array(branches)) if branches.is_empty() => {
                    self.schema("Value cannot be empty", format!("{at}/Branches"));
                }
                Some(Value::Array(branches)) => {
                    for (index, branch) in branches.iter().enumerate() {
                        self.machine(branch, &format!("{at}/Branches[{index}]"), outer);
                    }
                }
                Some(_) => self.schema("Expected value of type Array", format!("{at}/Branches")),
                None => self.required(fields, &["Branches"], at),
            },
            "Map" => match ["ItemProcessor", "Iterator"].into_iter().find_map(|name| Some((name, fields.get(name)?))) {
                Some((name, processor)) => self.machine(processor, &format!("{at}/{name}"), outer),
                None => self.required(fields, &["ItemProcessor"], at),
            },
            _ => {}
        }
        let is_last = matches!(kind, "Choice" | "Succeed" | "Fail");
        if self.has_targets && !is_last && !fields.contains_key("Next") && !fields.contains_key("End") {
            self.schema("These fields are required: [Next] or [End]", at);
        }
        if is_jsonata {
            self.foreign(fields, &[&PATHS[..], &OF_JSONPATH].concat(), "JSONata", at);
        } else {
            self.foreign(fields, &OF_JSONATA, "JSONPath", at);
            self.paths(fields, at);
        }
        self.handlers(fields, at, is_jsonata);
    }

    /// Notes fields that belong to the other query language.
    fn foreign(&mut self, fields: &Map<String, Value>, foreign: &[&str], language: &str, at: &str) {
        for name in fields.keys().filter(|name| foreign.contains(&name.as_str())) {
            let text = format!("The field '{name}' is not supported by the query language '{language}'");
            self.schema(text, format!("{at}/{name}"));
        }
    }

    fn task(&mut self, fields: &Map<String, Value>, at: &str) {
        self.required(fields, &["Resource"], at);
        if let Some(arn) = fields.get("Resource").and_then(Value::as_str) {
            let message = match resource::check(arn, self.machine_type == MachineType::Express) {
                Ok(()) => None,
                Err(Unfit::NotInExpress(what)) => Some(format!("Express state machine does not support {what}")),
                Err(Unfit::NotRecognized) => Some(format!(
                    "The resource provided {arn} is not recognized. The value is not a valid resource ARN, or the resource \
                     is not available in this region."
                )),
            };
            if let Some(message) = message {
                self.schema(message, format!("{at}/Resource"));
            }
        }
        if let Some(Value::Object(credentials)) = fields.get("Credentials")
            && !credentials.contains_key("RoleArn")
            && !credentials.contains_key("RoleArn.$")
        {
            self.schema("The field 'RoleArn' is required but was missing", format!("{at}/Credentials"));
        }
    }

    fn choice(&mut self, fields: &Map<String, Value>, at: &str, is_jsonata: bool) {
        let choices = match fields.get("Choices") {
            None => return self.required(fields, &["Choices"], at),
            Some(Value::Array(choices)) if choices.is_empty() => {
                return self.schema("Value cannot be empty", format!("{at}/Choices"));
            }
            Some(Value::Array(choices)) => choices,
            Some(_) => return self.schema("Expected value of type Array", format!("{at}/Choices")),
        };
        for (index, choice) in choices.iter().enumerate() {
            let at = format!("{at}/Choices[{index}]");
            match choice {
                Value::Object(choice) if is_jsonata => self.required(choice, &["Condition", "Next"], &at),
                Value::Object(choice) => self.required(choice, &["Next"], &at),
                _ => self.schema("Expected value of type Object", at),
            }
        }
    }

    fn wait(&mut self, fields: &Map<String, Value>, at: &str, is_jsonata: bool) {
        const FIELDS: [&str; 4] = ["Seconds", "SecondsPath", "Timestamp", "TimestampPath"];
        if FIELDS.iter().filter(|field| fields.contains_key(**field)).count() != 1 {
            self.schema(format!("Exactly one of these fields is required: [{}]", FIELDS.join(", ")), at);
        }
        if let Some(text) = fields.get("Timestamp").and_then(Value::as_str) {
            let is_expression = is_jsonata && text.starts_with("{%") && text.ends_with("%}");
            let is_time = text.contains('T') && Timestamp::parse_rfc3339(text).is_some();
            if !is_expression && !is_time {
                self.schema("String does not match RFC3339 timestamp", format!("{at}/Timestamp"));
            }
        }
    }

    fn paths(&mut self, fields: &Map<String, Value>, at: &str) {
        for name in PATHS {
            match fields.get(name) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) if Query::parse(text).is_ok() || is_call(text) => {}
                Some(_) => self.schema("Value is not a valid JSONPath", format!("{at}/{name}")),
            }
        }
        match fields.get("ResultPath") {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if ReferencePath::parse(text).is_ok() => {}
            Some(_) => self.schema("Value is not a Reference Path", format!("{at}/ResultPath")),
        }
        for name in TEMPLATES {
            if let Some(template) = fields.get(name) {
                self.template(template, &format!("{at}/{name}"));
            }
        }
    }

    fn template(&mut self, template: &Value, at: &str) {
        match template {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if !name.ends_with(".$") {
                        self.template(value, &format!("{at}/{name}"));
                    } else if !value.as_str().is_some_and(|text| Query::parse(text).is_ok() || is_call(text)) {
                        let text = format!(
                            "The value for the field '{name}' must be a valid JSONPath or a valid intrinsic function call"
                        );
                        self.schema(text, at);
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.template(item, &format!("{at}[{index}]"));
                }
            }
            _ => {}
        }
    }

    fn handlers(&mut self, fields: &Map<String, Value>, at: &str, is_jsonata: bool) {
        for (list, wanted) in [("Retry", &["ErrorEquals"][..]), ("Catch", &["ErrorEquals", "Next"])] {
            for (index, handler) in fields.get(list).and_then(Value::as_array).into_iter().flatten().enumerate() {
                let at = format!("{at}/{list}[{index}]");
                let Value::Object(handler) = handler else {
                    self.schema("Expected value of type Object", at);
                    continue;
                };
                self.required(handler, wanted, &at);
                if handler.get("ErrorEquals").and_then(Value::as_array).is_some_and(Vec::is_empty) {
                    self.schema("Value cannot be empty", format!("{at}/ErrorEquals"));
                }
                if !is_jsonata && let Some(template) = handler.get("Assign") {
                    self.template(template, &format!("{at}/Assign"));
                }
            }
        }
    }

    /// Checks that every state that is named exists, and that every state that exists can be reached.
    fn targets(&mut self, start: Option<&Value>, states: &Map<String, Value>, at: &str) {
        let mut missing = |name: &str, field: &str, place: String| {
            if !states.contains_key(name) {
                let text = format!("Missing '{field}' target: {name}");
                self.found.push(Diagnostic::new(TARGET, text, Some(place)));
            }
        };
        let start = start.and_then(Value::as_str);
        if let Some(start) = start {
            missing(start, "StartAt", format!("{at}/StartAt"));
        }
        for (name, state) in states {
            for (field, target, place) in links(state) {
                missing(target, field, format!("{at}/States/{name}{place}"));
            }
        }
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = start.into_iter().collect();
        while let Some(name) = open.pop() {
            if let Some(state) = states.get(name)
                && reached.insert(name)
            {
                open.extend(links(state).into_iter().map(|(_, target, _)| target));
            }
        }
        for name in states.keys().filter(|name| start.is_some() && !reached.contains(name.as_str())) {
            let text = format!("State \"{name}\" is not reachable.");
            self.found.push(Diagnostic::new(TARGET, text, Some(format!("{at}/States/{name}"))));
        }
    }
}

fn is_call(text: &str) -> bool {
    Call::parse(text).is_ok()
}

/// Returns the states that a state names: the field, the name, and where it stands in the state.
fn links(state: &Value) -> Vec<(&'static str, &str, String)> {
    let mut found = Vec::new();
    for field in ["Next", "Default"] {
        if let Some(target) = state.get(field).and_then(Value::as_str) {
            found.push((field, target, format!("/{field}")));
        }
    }
    for list in ["Choices", "Catch"] {
        for (index, entry) in state.get(list).and_then(Value::as_array).into_iter().flatten().enumerate() {
            if let Some(target) = entry.get("Next").and_then(Value::as_str) {
                found.push(("Next", target, format!("/{list}[{index}]/Next")));
            }
        }
    }
    found
}
