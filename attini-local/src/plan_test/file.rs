use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use attini_core::document::{DocPath, Document, Reader};
use attini_core::problem::{Problem, Problems, Severity, SourceSpot};
use attini_core::value::Environment;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::model::{
    ANSWER_KEYS, Answer, CASE_KEYS, EXPECT_KEYS, Expect, JOB_KEYS, JobForm, STACK_KEYS, StackForm, Status, Verdict,
};
use super::pattern;

/// A file of cases.
#[derive(Debug)]
pub struct CaseFile {
    /// Its name, as people know it.
    pub name: String,
    /// Its cases, in order.
    pub cases: Vec<Case>,
}

/// One run of the plan, and what has to come of it.
#[derive(Clone)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Name of the environment.
    pub environment: String,
    pub(super) document: Arc<Document>,
    /// Where it stands in the document.
    pub(super) path: DocPath,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) parameter_store: BTreeMap<String, String>,
    pub(super) input: Value,
    pub(super) payload: Value,
    pub(super) mocks: BTreeMap<String, Mocked>,
    pub(super) expect: Expect,
}

/// Names only: mocks and parameters can be secrets.
impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).field("environment", &self.environment).finish_non_exhaustive()
    }
}

/// The answers of one step.
#[derive(Clone)]
pub(super) struct Mocked {
    /// Where they stand.
    pub(super) path: DocPath,
    /// Whether every case of the file has them.
    pub(super) is_default: bool,
    pub(super) answers: Vec<(DocPath, Answer)>,
}

impl Case {
    /// Returns where the case stands.
    #[must_use]
    pub fn spot(&self) -> Option<SourceSpot> {
        self.document.spot(&self.path.key("name"))
    }

    /// Returns where an expectation stands.
    pub(super) fn expectation(&self) -> DocPath {
        self.path.key("expect")
    }

    /// Returns the status that the case wants.
    pub(super) fn status(&self) -> Option<Status> {
        let Expect { status, error, cause, .. } = &self.expect;
        status.or_else(|| (error.is_none() && cause.is_none()).then_some(Status::Succeeded))
    }
}

impl CaseFile {
    /// Reads a file of cases, YAML or JSON.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, as far as it can be told without the plan.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, Problems> {
        let document = Arc::new(Document::parse(file_name, text)?);
        let mut reader = Reader::new(&document);
        let root = DocPath::root();
        reader.known_keys(&root, &["defaults", "cases"]);
        let defaults = shared(&mut reader, &root.key("defaults"), true);
        if let Some(environment) = reader.value(&root.key("defaults")) {
            let keys = &CASE_KEYS[1..CASE_KEYS.len() - 1];
            if environment.as_map().is_some() {
                reader.known_keys(&root.key("defaults"), keys);
            }
        }
        let at = root.key("cases");
        let count = match reader.value(&at).map(|node| node.as_list().map(<[_]>::len)) {
            Some(Some(count)) if count > 0 => count,
            Some(None) => {
                reader.wrong_type::<()>(&at, "a list");
                0
            }
            _ => {
                reader.error(&at, "there are no `cases`");
                0
            }
        };
        let mut names = BTreeSet::new();
        let mut cases = Vec::new();
        for index in 0..count {
            let Some(case) = case(&mut reader, &at.index(index), &defaults, &document) else { continue };
            if !names.insert(case.name.clone()) {
                reader.error(&at.index(index).key("name"), format!("another case has the name `{}` too", case.name));
            }
            cases.push(case);
        }
        let (cases, warnings) = reader.finish(cases)?;
        // A key without effect is a mistake here: the file serves nothing else.
        let errors: Vec<Problem> =
            warnings.into_iter().map(|problem| Problem { severity: Severity::Error, ..problem }).collect();
        if errors.is_empty() { Ok(Self { name: file_name.to_owned(), cases }) } else { Err(Problems(errors)) }
    }
}

/// What a case and the defaults of a file have in common.
struct Shared {
    environment: Option<String>,
    parameters: BTreeMap<String, String>,
    parameter_store: BTreeMap<String, String>,
    input: Option<Value>,
    payload: Option<Value>,
    mocks: BTreeMap<String, Mocked>,
}

fn shared(reader: &mut Reader<'_>, at: &DocPath, is_default: bool) -> Shared {
    let environment = reader.text(&at.key("environment"));
    if let Some(name) = &environment
        && let Err(error) = Environment::parse(name)
    {
        reader.error(&at.key("environment"), error.to_string());
    }
    let payload = reader.value(&at.key("payload")).map(attini_core::document::Node::to_json);
    if payload.as_ref().is_some_and(|payload| !payload.is_object()) {
        reader.wrong_type::<()>(&at.key("payload"), "a map");
    }
    let mut mocks = BTreeMap::new();
    for (step, path, node) in reader.entries(&at.key("mocks")).unwrap_or_default() {
        let paths = match node.as_list() {
            Some([]) => {
                reader.error(&path, "write at least one answer");
                Vec::new()
            }
            Some(answers) => (0..answers.len()).map(|index| path.index(index)).collect(),
            None => vec![path.clone()],
        };
        let answers = paths.into_iter().filter_map(|path| Some((path.clone(), answer(reader, &path)?))).collect();
        mocks.insert(step.to_owned(), Mocked { path, is_default, answers });
    }
    Shared {
        environment,
        parameters: reader.text_map(&at.key("parameters")).unwrap_or_default(),
        parameter_store: reader.text_map(&at.key("parameterStore")).unwrap_or_default(),
        input: reader.value(&at.key("input")).map(attini_core::document::Node::to_json),
        payload,
        mocks,
    }
}

fn case(reader: &mut Reader<'_>, at: &DocPath, defaults: &Shared, document: &Arc<Document>) -> Option<Case> {
    reader.entries(at)?;
    reader.known_keys(at, &CASE_KEYS);
    let own = shared(reader, at, false);
    let expect = expect(reader, &at.key("expect"));
    let name = reader.text(&at.key("name")).filter(|name| !name.trim().is_empty());
    if name.is_none() {
        reader.error(at, "the case has no `name`");
    }
    let laid_over = |below: &BTreeMap<String, String>, above: BTreeMap<String, String>| {
        below.clone().into_iter().chain(above).collect()
    };
    let mut payload = defaults.payload.clone().unwrap_or_else(|| json!({}));
    lay_over(&mut payload, own.payload.unwrap_or_else(|| json!({})));
    Some(Case {
        name: name.unwrap_or_default(),
        environment: own.environment.or_else(|| defaults.environment.clone()).unwrap_or_else(|| "dev".to_owned()),
        document: document.clone(),
        path: at.clone(),
        parameters: laid_over(&defaults.parameters, own.parameters),
        parameter_store: laid_over(&defaults.parameter_store, own.parameter_store),
        input: own.input.or_else(|| defaults.input.clone()).unwrap_or_else(|| json!({})),
        payload,
        mocks: defaults.mocks.clone().into_iter().chain(own.mocks).collect(),
        expect: expect.unwrap_or_default(),
    })
}

/// Lays a value over another one, maps key by key.
pub(super) fn lay_over(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                lay_over(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

/// Reads a value whose type knows its form.
fn typed<T: DeserializeOwned>(reader: &mut Reader<'_>, at: &DocPath) -> Option<T> {
    let node = reader.value(at)?;
    match T::deserialize(node.to_json()) {
        Ok(value) => Some(value),
        Err(error) => {
            // What is unknown has been said.
            let text = error.to_string();
            if !text.starts_with("unknown field") {
                let key = at.to_string();
                let key = key.rsplit('.').next().unwrap_or_default();
                let verb = if text.starts_with("must be") { "" } else { "is not usable: " };
                reader.error(at, format!("`{key}` {verb}{text}"));
            }
            None
        }
    }
}

fn answer(reader: &mut Reader<'_>, at: &DocPath) -> Option<Answer> {
    let entries = reader.entries(at)?;
    reader.known_keys(at, &ANSWER_KEYS);
    let names: Vec<&str> = entries.iter().map(|(name, ..)| *name).collect();
    let has = |key: &str| names.contains(&key);
    let mut whole = Map::new();
    let mut is_sound = true;
    for (name, path, node) in entries {
        if !ANSWER_KEYS.contains(&name) {
            is_sound = false;
            continue;
        }
        // Alone first, so that a mistake is told at the key it is in.
        let value = node.to_json();
        let alone = Value::Object(Map::from_iter([(name.to_owned(), value.clone())]));
        if let Err(error) = serde_json::from_value::<Answer>(alone) {
            let text = match name {
                "attempts" => "must be a whole number, 1 or more".to_owned(),
                "delay" => "must be a number of seconds from 0 to 31536000".to_owned(),
                _ => error.to_string(),
            };
            let verb = if text.starts_with("must be") { "" } else { "is not usable: " };
            reader.error(&path, format!("`{name}` {verb}{text}"));
            is_sound = false;
        }
        whole.insert(name.to_owned(), value);
    }
    if !is_sound {
        return None;
    }
    let answer: Answer = serde_json::from_value(Value::Object(whole)).ok()?;
    let mut mistakes = Vec::new();
    if answer.attempts == Some(0) {
        mistakes.push((at.key("attempts"), "`attempts` must be at least 1"));
    }
    if answer.delay.is_some_and(|delay| !(0.0..=31_536_000.0).contains(&delay)) {
        mistakes.push((at.key("delay"), "`delay` must be a number of seconds from 0 to 31536000"));
    }
    if [&answer.approve, &answer.reject].into_iter().flatten().any(|verdict| matches!(verdict, Verdict::Plain(false))) {
        mistakes.push((
            at.clone(),
            "write `approve: true` or `reject: true`, with a message instead of `true` if there is one",
        ));
    }
    if has("cause") && !has("error") {
        mistakes.push((at.key("cause"), "`cause` belongs to `error`"));
    }
    let kinds = [
        has("outputs"),
        has("output") || has("result") || has("exitCode"),
        has("approve"),
        has("reject"),
        has("error"),
    ];
    if kinds.into_iter().filter(|kind| *kind).count() != 1 {
        let text = "an answer has one of `outputs` (AttiniCfn), `output` or `exitCode` (AttiniRunnerJob), `approve` or `reject` \
                    (AttiniManualApproval), `result` (functions and services), `error`";
        mistakes.push((at.clone(), text));
    }
    let is_mistaken = !mistakes.is_empty();
    for (path, text) in mistakes {
        reader.error(&path, text);
    }
    (!is_mistaken).then_some(answer)
}

fn expect(reader: &mut Reader<'_>, at: &DocPath) -> Option<Expect> {
    reader.entries(at)?;
    reader.known_keys(at, &EXPECT_KEYS);
    for (key, known) in [("stacks", STACK_KEYS.as_slice()), ("jobs", JOB_KEYS.as_slice())] {
        for (_, path, node) in reader.entries(&at.key(key)).unwrap_or_default() {
            let paths: Vec<DocPath> = match node.as_list() {
                Some(all) => (0..all.len()).map(|index| path.index(index)).collect(),
                None => vec![path],
            };
            for path in paths {
                reader.known_keys(&path, known);
                match key {
                    "stacks" => drop(typed::<StackForm>(reader, &path)),
                    _ => drop(typed::<JobForm>(reader, &path)),
                }
            }
        }
    }
    let json = |reader: &Reader<'_>, key: &str| reader.value(&at.key(key)).map(attini_core::document::Node::to_json);
    let expect = Expect {
        status: typed(reader, &at.key("status")),
        error: typed(reader, &at.key("error")),
        cause: typed(reader, &at.key("cause")),
        path: typed(reader, &at.key("path")),
        visited: typed(reader, &at.key("visited")),
        not_visited: typed(reader, &at.key("notVisited")),
        outputs: typed(reader, &at.key("outputs")),
        payload: json(reader, "payload"),
        exact_payload: json(reader, "exactPayload"),
        approvals: typed(reader, &at.key("approvals")),
        attempts: typed(reader, &at.key("attempts")),
        // What is wrong with them has been said.
        stacks: json(reader, "stacks").and_then(|value| serde_json::from_value(value).ok()),
        jobs: json(reader, "jobs").and_then(|value| serde_json::from_value(value).ok()),
        calls: typed(reader, &at.key("calls")),
        seconds: typed(reader, &at.key("seconds")),
    };
    for (key, found) in [("error", &expect.error), ("cause", &expect.cause)] {
        if let Some(text) = found.as_ref().and_then(pattern::problem) {
            reader.error(&at.key(key).key("matches"), text);
        }
    }
    if expect.status == Some(Status::Succeeded) && (expect.error.is_some() || expect.cause.is_some()) {
        reader.error(&at.key("status"), "a plan that ends as SUCCEEDED has no error and no cause");
    }
    Some(expect)
}
