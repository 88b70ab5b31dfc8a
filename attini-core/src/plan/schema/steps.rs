//! The step types, in a list and in a state machine.

use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::parts::{Catcher, Common, Data, Heartbeats, Limits, Outcome, Retrier, Rights};
use super::properties::{CdkProperties, CfnProperties, ImportProperties, JobProperties, SamProperties};
use super::{of, when};

/// The two ways to write a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    /// Steps have names and run in order.
    List,
    /// States stand under their names and name the next one.
    Machine,
}

impl Syntax {
    fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Machine => "machine",
        }
    }

    /// The steps of a branch.
    fn inner(self) -> Value {
        json!({ "$ref": format!("#/definitions/{}", self.word()) })
    }
}

/// A step type: name, rule, what it does.
type Kind = (&'static str, &'static str, &'static str);

const KINDS: [Kind; 17] = [
    ("AttiniCfn", "deployment-plan.md 8.6", "Creates, updates or deletes a stack. Output: the outputs of the stack."),
    ("AttiniSam", "deployment-plan.md 8.7", "Packages and deploys a SAM project. Output: the outputs of the stack."),
    ("AttiniCdk", "deployment-plan.md 8.8", "Deploys a CDK project. Output: the outputs of its stacks, by stack."),
    (
        "AttiniRunnerJob",
        "deployment-plan.md 8.9",
        "Runs commands on a runner. Output: what they write to `$ATTINI_OUTPUT`.",
    ),
    (
        "AttiniImport",
        "deployment-plan.md 8.10",
        "Reads values from the output of another distribution or from a document in S3.",
    ),
    (
        "AttiniManualApproval",
        "deployment-plan.md 8.10",
        "Waits until a person approves or rejects. Set `TimeoutSeconds`.",
    ),
    ("AttiniLambdaInvoke", "deployment-plan.md 8.10", "Calls a function. Output: `result`, what it returned."),
    ("AttiniMergeOutput", "deployment-plan.md 8.11", "Joins the payloads of branches or iterations to one."),
    ("AttiniMap", "deployment-plan.md 8.12", "Deploys one stack for each configuration file of a list."),
    ("Parallel", "deployment-plan.md 8.14", "Runs branches side by side."),
    ("Map", "deployment-plan.md 8.12", "Runs the same steps for each item of a list."),
    ("Choice", "deployment-plan.md 7.2", "Decides where to go on."),
    ("Task", "deployment-plan.md 8.14", "Calls another service. Without `ResultPath` its result replaces the payload."),
    ("Pass", "deployment-plan.md 8.14", "Changes the payload."),
    ("Wait", "deployment-plan.md 8.14", "Waits for a time."),
    ("Succeed", "deployment-plan.md 8.14", "Ends the plan well."),
    ("Fail", "deployment-plan.md 8.14", "Ends the plan as failed."),
];

/// Returns the definitions of both syntaxes.
pub(super) fn definitions(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut definitions = Map::new();
    definitions.insert("condition".to_owned(), condition());
    for syntax in [Syntax::List, Syntax::Machine] {
        let word = syntax.word();
        let mut branches = Vec::new();
        for kind in &KINDS {
            let name = format!("{word}.{}", kind.0);
            branches.push(when("Type", kind.0, &format!("#/definitions/{name}")));
            definitions.insert(name, step(syntax, kind, generator));
        }
        let mut properties = Map::new();
        let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.0).collect();
        properties.insert("Type".to_owned(), json!({ "description": "What the step does.", "enum": kinds }));
        let mut required = vec!["Type"];
        if syntax == Syntax::List {
            required.insert(0, "Name");
        }
        let any = json!({ "type": "object", "properties": properties, "required": required, "allOf": branches });
        definitions.insert(format!("{word}.step"), any);
        let step = json!({ "$ref": format!("#/definitions/{word}.step") });
        definitions.insert(word.to_owned(), whole(syntax, &step));
    }
    definitions
}

fn whole(syntax: Syntax, step: &Value) -> Value {
    match syntax {
        Syntax::List => {
            json!({ "description": "Steps that run in this order.", "type": "array", "minItems": 1, "items": step })
        }
        Syntax::Machine => json!({
            "description": "Steps under their names, which say what follows.",
            "type": "object",
            "properties": {
                "StartAt": { "description": "Name of the first step.", "type": ["string", "number"] },
                "States": { "description": "The steps.", "type": "object", "minProperties": 1, "additionalProperties": step },
                "Comment": { "description": "What the author says of it.", "type": "string" },
                "TimeoutSeconds": { "description": "Seconds after which the whole plan fails.", "type": "integer", "minimum": 1 },
                "Version": { "description": "Version of the States Language.", "type": "string" },
                "QueryLanguage": { "description": "Always `JSONPath`.", "enum": ["JSONPath"] },
                "ProcessorConfig": {
                    "description": "Of the iterator of a map: only `Mode: INLINE`.",
                    "type": "object",
                    "properties": { "Mode": { "enum": ["INLINE"] } },
                },
            },
            "required": ["StartAt", "States"],
            "additionalProperties": false,
        }),
    }
}

fn step(syntax: Syntax, (name, rule, about): &Kind, generator: &mut SchemaGenerator) -> Value {
    let mut step = Object::default();
    step.own("Type", json!({ "const": name, "description": about }), true);
    if syntax == Syntax::List {
        let description = "Name of the step, unique in the whole plan; its output is `$.output.<name>`.";
        step.own("Name", json!({ "description": description, "type": ["string", "number"], "maxLength": 80 }), true);
    }
    step.part(&of::<Common>(generator));
    fields(&mut step, syntax, name, generator);
    if !name.starts_with("Attini") {
        jsonata(&mut step, name);
    }
    let ends = matches!(*name, "Choice" | "Succeed" | "Fail");
    if syntax == Syntax::Machine && !ends {
        step.own("Next", json!({ "description": "The step that follows.", "type": "string" }), false);
        step.own("End", json!({ "description": "Whether the plan or branch ends here.", "type": "boolean" }), false);
    }
    let mut schema = step.finish();
    schema["description"] = json!(about);
    schema["x-rule"] = json!(rule);
    schema
}

/// Adds what a step type has besides type, name and what follows.
fn fields(step: &mut Object, syntax: Syntax, name: &str, generator: &mut SchemaGenerator) {
    match name {
        "AttiniCfn" => step.properties(of::<CfnProperties>(generator), false),
        "AttiniSam" => step.properties(of::<SamProperties>(generator), true),
        "AttiniCdk" => step.properties(of::<CdkProperties>(generator), false),
        "AttiniRunnerJob" => step.properties(of::<JobProperties>(generator), true),
        "AttiniImport" => step.properties(of::<ImportProperties>(generator), true),
        "AttiniManualApproval" => {
            step.own("Properties", json!({ "description": "Handed on, and unused.", "type": "object" }), false);
        }
        "AttiniLambdaInvoke" => {
            let function = json!({ "description": "Name or ARN of the function.", "type": ["string", "object"] });
            let parameters = json!({
                "description": "What is sent to the service: the function and its input, by default the whole payload.",
                "type": "object",
                "properties": { "FunctionName": function, "FunctionName.$": { "type": "string" } },
                "anyOf": [{ "required": ["FunctionName"] }, { "required": ["FunctionName.$"] }],
            });
            step.own("Parameters", parameters, true);
            step.own(
                "Resource",
                json!({ "description": "Another way to call the function.", "type": ["string", "object"] }),
                false,
            );
            step.own("Properties", json!({ "description": "Without effect." }), false);
        }
        "Task" => {
            step.own(
                "Resource",
                json!({ "description": "ARN of the service's action.", "type": ["string", "object"] }),
                true,
            );
            step.own("Parameters", json!({ "description": "What is sent to the service." }), false);
        }
        "Pass" => {
            step.own("Result", json!({ "description": "The result of the step." }), false);
            step.own(
                "ResultPath",
                json!({ "description": "Where the result goes.", "type": ["string", "null"] }),
                false,
            );
            step.own("Parameters", json!({ "description": "The result, with paths into the payload." }), false);
        }
        "Wait" => {
            step.own("Seconds", json!({ "description": "How long.", "type": "integer", "minimum": 0 }), false);
            step.own(
                "SecondsPath",
                json!({ "description": "Path of the number of seconds.", "type": "string" }),
                false,
            );
            step.own(
                "Timestamp",
                json!({ "description": "Until when, such as `2030-01-01T00:00:00Z`.", "type": "string" }),
                false,
            );
            step.own("TimestampPath", json!({ "description": "Path of the time.", "type": "string" }), false);
        }
        "Fail" => {
            for (key, about) in [("Error", "Name of the error."), ("Cause", "What happened.")] {
                step.own(key, json!({ "description": about, "type": ["string", "object"] }), false);
                step.own(
                    &format!("{key}Path"),
                    json!({ "description": "Path of it in the payload.", "type": "string" }),
                    false,
                );
            }
        }
        "Choice" => choice(step, syntax),
        "Parallel" => {
            let branches =
                json!({ "description": "The branches.", "type": "array", "minItems": 1, "items": syntax.inner() });
            step.own("Branches", branches, true);
            step.own("Parameters", json!({ "description": "What the branches get instead of the payload." }), false);
        }
        "Map" | "AttiniMap" => iterator(step, syntax),
        _ => {}
    }
    let is_framed = matches!(
        name,
        "AttiniCfn" | "AttiniSam" | "AttiniCdk" | "AttiniRunnerJob" | "AttiniImport" | "AttiniManualApproval"
    );
    let is_call = matches!(name, "AttiniLambdaInvoke" | "Task");
    if is_framed || is_call {
        step.part(&of::<Limits>(generator));
        step.part(&of::<Rights>(generator));
    }
    if is_call || matches!(name, "AttiniRunnerJob" | "AttiniCdk") {
        step.part(&of::<Heartbeats>(generator));
    }
    if is_framed || is_call || matches!(name, "Parallel" | "Map" | "AttiniMap") {
        step.part(&of::<Outcome>(generator));
    }
    if name == "AttiniMergeOutput" {
        step.part(&of::<Limits>(generator));
        let retry = of::<Vec<Retrier>>(generator);
        step.own("Retry", described(retry, "When the step is tried again."), false);
        let catch = of::<Vec<Catcher>>(generator);
        step.own("Catch", described(catch, "What happens when the step fails."), false);
    }
    let is_plain_choice = name == "Choice" && syntax == Syntax::List;
    if !is_plain_choice && !matches!(name, "Fail" | "AttiniMergeOutput") {
        step.part(&of::<Data>(generator));
    }
}

/// Adds what states that are no steps of Attini have when they use JSONata: other fields, and expressions in place of values.
fn jsonata(step: &mut Object, name: &str) {
    let words = json!({ "description": "`JSONPath` (default) or `JSONata`.", "enum": ["JSONPath", "JSONata", null] });
    step.own("QueryLanguage", words, false);
    if matches!(name, "Task" | "Parallel") {
        step.own("Arguments", json!({ "description": "JSONata: what is sent." }), false);
    }
    if name == "Map" {
        step.own("Items", json!({ "description": "JSONata: the list, or an expression for it." }), false);
    }
    if name != "Fail" {
        step.own("Output", json!({ "description": "JSONata: what the state hands on." }), false);
    }
    for key in ["Seconds", "TimeoutSeconds", "HeartbeatSeconds", "MaxConcurrency"] {
        if let Some(schema) = step.properties.get_mut(key) {
            schema["type"] = json!(["integer", "string", "null"]);
        }
    }
}

fn choice(step: &mut Object, syntax: Syntax) {
    let rule = json!({ "$ref": "#/definitions/condition" });
    if syntax == Syntax::List {
        let list = |about: &str| json!({ "description": about, "type": ["array", "null"], "items": { "$ref": "#/definitions/list.step" } });
        step.own("Condition", described(json!({ "allOf": [rule] }), "When `IsTrue` runs."), true);
        step.own("IsTrue", list("What runs when the condition holds."), true);
        step.own("IsFalse", list("What runs when it does not; by default the plan goes on behind the choice."), false);
        return;
    }
    let rules = json!({
        "description": "Conditions; the first that holds counts.",
        "type": "array",
        "minItems": 1,
        "items": { "allOf": [rule, { "required": ["Next"] }] },
    });
    step.own("Choices", rules, true);
    step.own(
        "Default",
        json!({ "description": "The step that follows when no condition holds.", "type": "string" }),
        false,
    );
}

fn iterator(step: &mut Object, syntax: Syntax) {
    let about = "What runs for each item.";
    let inner = match syntax {
        Syntax::Machine => described(json!({ "allOf": [syntax.inner()] }), about),
        Syntax::List => json!({
            "description": about,
            "type": ["array", "object"],
            "if": { "type": "array" },
            "then": { "$ref": "#/definitions/list" },
            "else": { "$ref": "#/definitions/machine" },
        }),
    };
    step.own("Iterator", inner.clone(), false);
    step.own("ItemProcessor", inner, false);
    step.one_of(&["Iterator", "ItemProcessor"]);
    step.own(
        "ItemsPath",
        json!({ "description": "Path of the list; by default the payload itself.", "type": "string" }),
        false,
    );
    step.own(
        "MaxConcurrency",
        json!({ "description": "How many run at a time, 0 for no limit.", "type": "integer", "minimum": 0 }),
        false,
    );
    step.own("MaxConcurrencyPath", json!({ "description": "Path of that number.", "type": "string" }), false);
    for key in ["Parameters", "ItemSelector"] {
        step.own(
            key,
            json!({ "description": "What each run gets; Attini steps need the keys of the payload in it." }),
            false,
        );
    }
}

/// A choice rule: one comparison, or several joined by `And`, `Or`, `Not`.
fn condition() -> Value {
    let mut properties = Map::new();
    let mut add = |key: &str, schema: Value| properties.insert(key.to_owned(), schema);
    let rule = json!({ "$ref": "#/definitions/condition" });
    add("Variable", json!({ "description": "Path of what is compared, such as `$.environment`.", "type": "string" }));
    add(
        "Next",
        json!({ "description": "The step that follows when it holds; of a state machine only.", "type": "string" }),
    );
    add("Comment", json!({ "type": "string" }));
    add(
        "Condition",
        json!({ "description": "JSONata: an expression for true or false.", "type": ["string", "boolean"] }),
    );
    add("Assign", json!({ "description": "Variables to set.", "type": "object" }));
    add("Output", json!({ "description": "JSONata: what the state hands on." }));
    for key in ["And", "Or"] {
        add(key, json!({ "type": "array", "minItems": 1, "items": rule }));
    }
    add("Not", rule);
    for (kind, json_type) in
        [("String", "string"), ("Numeric", "number"), ("Timestamp", "string"), ("Boolean", "boolean")]
    {
        for operator in ["Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"] {
            if kind == "Boolean" && operator != "Equals" {
                continue;
            }
            // A substitution stands in a text.
            add(&format!("{kind}{operator}"), json!({ "type": [json_type, "object"] }));
            add(&format!("{kind}{operator}Path"), json!({ "type": "string" }));
        }
    }
    add(
        "StringMatches",
        json!({ "description": "A text in which `*` stands for anything.", "type": ["string", "object"] }),
    );
    for what in ["Present", "Null", "String", "Numeric", "Boolean", "Timestamp"] {
        add(&format!("Is{what}"), json!({ "type": "boolean" }));
    }
    json!({
        "description": "A comparison, or several joined by `And`, `Or` and `Not`.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "minProperties": 1,
    })
}

fn described(mut schema: Value, about: &str) -> Value {
    schema["description"] = json!(about);
    schema
}

/// An object in the making.
#[derive(Default)]
struct Object {
    properties: Map<String, Value>,
    required: Vec<String>,
    one_of: Vec<Value>,
}

impl Object {
    fn own(&mut self, key: &str, schema: Value, is_required: bool) {
        self.properties.insert(key.to_owned(), schema);
        if is_required {
            self.required.push(key.to_owned());
        }
    }

    /// Adds the properties of an object.
    fn part(&mut self, schema: &Value) {
        for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
            self.properties.entry(key).or_insert_with(|| schema.clone());
        }
    }

    /// Adds `Properties`, each of which may be given as a path.
    fn properties(&mut self, mut schema: Value, is_required: bool) {
        dynamic(&mut schema);
        self.own(
            "Properties",
            described(schema, "What the step needs. `Name.$` takes a path into the payload."),
            is_required,
        );
    }

    /// Asks for exactly one of some keys.
    fn one_of(&mut self, keys: &[&str]) {
        self.one_of = keys.iter().map(|key| json!({ "required": [key] })).collect();
    }

    fn finish(self) -> Value {
        let mut schema = json!({
            "type": "object",
            "properties": self.properties,
            "required": self.required,
            "additionalProperties": false,
        });
        if !self.one_of.is_empty() {
            schema["oneOf"] = json!(self.one_of);
        }
        schema
    }
}

/// Lets every known key of an object, and of objects inside of it, also be written with `.$` and a path.
fn dynamic(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(branches)) = object.get_mut("anyOf") {
        branches.iter_mut().for_each(dynamic);
    }
    if let Some(items) = object.get_mut("items") {
        dynamic(items);
    }
    let Some(Value::Object(properties)) = object.get_mut("properties") else { return };
    properties.values_mut().for_each(dynamic);
    let keys: Vec<&str> = properties.keys().map(String::as_str).collect();
    let pattern = format!("^({})\\.\\$$", keys.join("|"));
    let path =
        json!({ "description": "A path into the payload, or a function of the States Language.", "type": "string" });
    let mut patterns = Map::new();
    patterns.insert(pattern, path);
    object.insert("patternProperties".to_owned(), Value::Object(patterns));
    object.insert("additionalProperties".to_owned(), json!(false));
    if let Some(Value::Array(required)) = object.remove("required") {
        let either = |key: &Value| {
            let dynamic = format!("{}.$", key.as_str().unwrap_or_default());
            json!({ "anyOf": [{ "required": [key] }, { "required": [dynamic] }] })
        };
        object.insert("allOf".to_owned(), required.iter().map(either).collect());
    }
}
