use std::collections::BTreeMap;
use std::fmt;

use attini_core::document::{DocPath, Document, Reader};
use attini_core::problem::{Problem, Problems, Severity};
use serde::Deserialize;
use serde_json::Value;

use super::test_state::Mock;

const KEYS: [&str; 6] = ["result", "output", "error", "cause", "attempts", "delay"];

/// What the tasks of a state machine answer, by the name of their state.
#[derive(Clone, Default, PartialEq)]
pub struct MockFile {
    states: BTreeMap<String, Vec<MockAnswer>>,
}

/// Names only: results may hold secrets.
impl fmt::Debug for MockFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockFile").field("states", &self.states.keys()).finish()
    }
}

/// One answer, which serves `attempts` calls.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MockAnswer {
    #[serde(default, deserialize_with = "present")]
    pub(super) result: Option<Value>,
    /// Of `.sync` and `.waitForTaskToken` calls; `result` is then what the call itself answers.
    #[serde(default, deserialize_with = "present")]
    pub(super) output: Option<Value>,
    pub(super) error: Option<String>,
    pub(super) cause: Option<String>,
    #[serde(default = "one")]
    attempts: usize,
    #[serde(default)]
    pub(super) delay: f64,
}

fn one() -> usize {
    1
}

/// `null` is a result too.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Returns the lines that give a state an answer in a file of mocks.
#[must_use]
pub fn mock_lines(state: &str) -> String {
    // JSON is YAML: a name with special characters stays one key.
    let is_plain = state.chars().all(|c| c.is_alphanumeric() || " _-".contains(c))
        && state.starts_with(char::is_alphabetic)
        && !state.ends_with(' ');
    let name = if is_plain { state.to_owned() } else { Value::from(state).to_string() };
    format!("{name}:\n  result: {{}}")
}

impl MockFile {
    /// Reads a file of mocks, YAML or JSON.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, Problems> {
        let document = Document::parse(file_name, text)?;
        let mut reader = Reader::new(&document);
        let mut paths = Vec::new();
        for (name, path, node) in reader.entries(&DocPath::root()).unwrap_or_default() {
            let answers = match node.as_list() {
                Some([]) => {
                    reader.error(&path, "write at least one answer");
                    Vec::new()
                }
                Some(answers) => (0..answers.len()).map(|index| path.index(index)).collect(),
                None => vec![path],
            };
            paths.push((name, answers));
        }
        document.duplicate_keys().into_iter().for_each(|problem| reader.note(problem));
        let mut states = BTreeMap::new();
        for (name, paths) in paths {
            let answers = paths.iter().filter_map(|path| answer(&mut reader, path));
            states.insert(name.to_owned(), answers.collect());
        }
        let (file, warnings) = reader.finish(Self { states })?;
        // A key without effect is a mistake here: the file serves nothing else.
        let errors: Vec<Problem> =
            warnings.into_iter().map(|problem| Problem { severity: Severity::Error, ..problem }).collect();
        if errors.is_empty() { Ok(file) } else { Err(Problems(errors)) }
    }

    /// Returns the answer to call number `call` of a state, counted from 0; the last answer serves all later calls.
    pub(super) fn for_call(&self, state: &str, call: usize) -> Option<&MockAnswer> {
        let answers = self.states.get(state)?;
        let mut served = 0;
        let found = answers.iter().find(|answer| {
            served += answer.attempts;
            call < served
        });
        found.or(answers.last())
    }

    /// Returns what stands in for the work of one state by itself.
    #[must_use]
    pub fn for_state(&self, state: &str) -> Option<Mock> {
        let answer = self.for_call(state, 0)?;
        let error = answer.error.clone().map(|error| (Some(error), answer.cause.clone()));
        let result = answer.output.clone().or_else(|| answer.result.clone()).filter(|_| error.is_none());
        Some(Mock { result, error, ..Mock::default() })
    }
}

fn answer(reader: &mut Reader<'_>, path: &DocPath) -> Option<MockAnswer> {
    reader.known_keys(path, &KEYS);
    let entries = reader.entries(path)?;
    let has = |key: &str| entries.iter().any(|(name, ..)| *name == key);
    if has("error") == (has("result") || has("output")) {
        reader.error(path, "an answer is either `result: …` (or `output: …`), or `error: NAME` with `cause: …`");
    }
    let node = reader.value(path)?;
    match MockAnswer::deserialize(node.to_json()) {
        Ok(answer) if answer.attempts == 0 => reader.error(&path.key("attempts"), "must be at least 1"),
        Ok(answer) if !(0.0..=31_536_000.0).contains(&answer.delay) => {
            reader.error(&path.key("delay"), "must be a number of seconds from 0 to 31536000");
        }
        Ok(answer) => return Some(answer),
        Err(error) => {
            // What is unknown has been said.
            let text = error.to_string();
            if !text.starts_with("unknown field") {
                reader.error(path, text);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_in_the_file_are_told_with_their_place() {
        let mocks =
            "A: {reslt: 1}\nB: []\nC: {result: 1, error: E}\nD: {result: 1, attempts: 0}\nE: {result: 1, delay: x}\n";
        let problems = MockFile::parse("m.yaml", mocks).unwrap_err().to_string();
        for part in ["m.yaml:1:5: unknown key `reslt`", "m.yaml:2:4: ", "m.yaml:3:4: ", "m.yaml:4:", "m.yaml:5:4: "] {
            assert!(problems.contains(part), "{problems}");
        }
        assert_eq!(MockFile::parse("m.yaml", "").unwrap(), MockFile::default());
        assert!(MockFile::parse("m.yaml", "A: {result: null}").unwrap().for_state("A").unwrap().result.is_some());
    }
}
