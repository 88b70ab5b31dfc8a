use std::collections::BTreeMap;

use crate::document::{DocPath, Document, NodeKind, Reader};
use crate::problem::{Problem, Problems};

/// Where a parameter or tag of a stack gets its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueSource {
    /// From the file itself, as its author wrote it.
    Text(String),
    /// From a parameter of the account.
    Parameter {
        /// Name of the parameter.
        name: String,
        /// Value when there is no such parameter.
        default: Option<String>,
    },
}

/// A parameter or tag of a stack, as configured (actions.md 5.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueSpec {
    /// Where the value comes from.
    pub source: ValueSource,
    /// Whether a value that the stack has already wins.
    pub fallback: bool,
}

impl ValueSpec {
    /// Returns a plain text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { source: ValueSource::Text(text.into()), fallback: false }
    }
}

/// One configuration file. `None` is a key that is absent; `Some(None)` one that is null and unsets the parent's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackFile {
    /// The file that this one extends.
    pub extends: Option<String>,
    /// Texts by their key in the file: `stackName`, `template`, …
    pub texts: BTreeMap<&'static str, Option<String>>,
    /// Parameters; `None` unsets the parent's.
    pub parameters: BTreeMap<String, Option<ValueSpec>>,
    /// Tags; `None` unsets the parent's.
    pub tags: BTreeMap<String, Option<ValueSpec>>,
}

/// Keys with a text, and the spellings under which the manual of the original lists them (user-guide C-19).
const TEXTS: &[(&str, &[&str])] = &[
    ("stackName", &["stackName"]),
    ("template", &["template", "templatePath"]),
    ("region", &["region"]),
    ("executionRoleArn", &["executionRoleArn", "executionRole"]),
    ("stackRoleArn", &["stackRoleArn"]),
    ("outputPath", &["outputPath"]),
    ("action", &["action"]),
    ("onFailure", &["onFailure"]),
    ("enableTerminationProtection", &["enableTerminationProtection"]),
];

impl StackFile {
    /// Reads a file; `.yaml` and `.yml` are YAML, any other name is JSON.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, with file, line and column.
    pub fn parse(file_name: &str, text: &str) -> Result<(Self, Vec<Problem>), Problems> {
        let document = Document::parse(file_name, text)?;
        let mut reader = Reader::new(&document);
        let root = DocPath::root();
        let mut file = Self::default();
        if document.root().as_map().is_none() {
            reader.wrong_type::<()>(&root, "a map with `stackName`, `template`, `parameters`, …");
            return reader.finish(file);
        }
        let known: Vec<&str> = TEXTS
            .iter()
            .flat_map(|(_, spellings)| spellings.iter().copied())
            .chain(["extends", "parameters", "tags"])
            .collect();
        reader.known_keys(&root, &known);
        file.extends = reader.text(&root.key("extends"));
        for (name, spellings) in TEXTS {
            for spelling in *spellings {
                let path = root.key(*spelling);
                if document.get(&path).is_some() {
                    let text = reader.text(&path);
                    file.texts.insert(name, text);
                }
            }
        }
        file.parameters = values(&mut reader, &root.key("parameters"));
        file.tags = values(&mut reader, &root.key("tags"));
        reader.finish(file)
    }

    /// Lays this file over the one it extends (actions.md 5.4): texts, parameters and tags key by key.
    #[must_use]
    pub fn over(self, parent: Self) -> Self {
        let mut merged = parent;
        merged.texts.extend(self.texts);
        merged.parameters.extend(self.parameters);
        merged.tags.extend(self.tags);
        merged.extends = None;
        merged
    }

    /// Returns a text, if it is set.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.texts.get(key).and_then(|text| text.as_deref())
    }
}

fn values(reader: &mut Reader<'_>, path: &DocPath) -> BTreeMap<String, Option<ValueSpec>> {
    let mut found = BTreeMap::new();
    for (key, path, node) in reader.entries(path).unwrap_or_default() {
        let spec = match &node.kind {
            _ if node.is_null() => None,
            NodeKind::Map(_) => match described_value(reader, &path) {
                Some(spec) => Some(spec),
                None => continue,
            },
            NodeKind::List(_) => match joined_list(reader, &path) {
                Some(text) => Some(ValueSpec::text(text)),
                None => continue,
            },
            _ => reader.text(&path).map(ValueSpec::text),
        };
        found.insert(key.to_owned(), spec);
    }
    found
}

/// Reads `{value, type, default, fallback}`.
fn described_value(reader: &mut Reader<'_>, path: &DocPath) -> Option<ValueSpec> {
    reader.known_keys(path, &["value", "type", "default", "fallback"]);
    if reader.value(&path.key("value")).is_none() {
        reader.error(path, "a value written as a map needs the key `value`");
        return None;
    }
    let value = match reader.value(&path.key("value")).map(|node| &node.kind) {
        Some(NodeKind::List(_)) => joined_list(reader, &path.key("value"))?,
        _ => reader.text(&path.key("value"))?,
    };
    let fallback = match reader.value(&path.key("fallback")) {
        Some(_) => reader.boolean(&path.key("fallback"))?,
        None => false,
    };
    let default = match reader.value(&path.key("default")) {
        Some(_) => Some(reader.text(&path.key("default"))?),
        None => None,
    };
    let kind = match reader.value(&path.key("type")) {
        Some(_) => reader.text(&path.key("type"))?,
        None => "string".to_owned(),
    };
    let source = match kind.to_ascii_lowercase().as_str() {
        "string" => ValueSource::Text(value),
        "ssm-parameter" => ValueSource::Parameter { name: value, default },
        _ => {
            let message = format!("unknown config type `{kind}`; it is `string` or `ssm-parameter`");
            reader.error(&path.key("type"), message);
            return None;
        }
    };
    Some(ValueSpec { source, fallback })
}

/// A list of scalars becomes the text that CloudFormation takes for a list parameter.
fn joined_list(reader: &mut Reader<'_>, path: &DocPath) -> Option<String> {
    reader.texts(path).map(|texts| texts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> StackFile {
        StackFile::parse("config.yaml", text).expect("a valid file").0
    }

    #[test]
    fn actions_case_15_and_17_child_over_parent() {
        let child = file("extends: /p.yaml\nparameters: {Ram: 128}\nstackRoleArn: R\n");
        let parent = file("parameters: {Ram: 64, Cpu: 2}\ntags: {Author: x}\nstackName: p\n");
        let merged = child.over(parent);
        assert_eq!(merged.parameters["Ram"], Some(ValueSpec::text("128")));
        assert_eq!(merged.parameters["Cpu"], Some(ValueSpec::text("2")));
        assert_eq!(merged.tags["Author"], Some(ValueSpec::text("x")));
        assert_eq!((merged.text("stackRoleArn"), merged.text("stackName")), (Some("R"), Some("p")));
    }

    #[test]
    fn a_null_in_the_child_unsets_the_parents() {
        let merged =
            file("region: null\nparameters: {A: null}\n").over(file("region: eu-west-1\nparameters: {A: 1}\n"));
        assert_eq!(merged.text("region"), None);
        assert_eq!(merged.parameters["A"], None);
    }

    #[test]
    fn scalars_keep_their_spelling_and_lists_are_joined() {
        let found = file("parameters: {A: 0042, B: 1.10, C: [x, y]}\n");
        assert_eq!(found.parameters["A"], Some(ValueSpec::text("0042")));
        assert_eq!(found.parameters["B"], Some(ValueSpec::text("1.10")));
        assert_eq!(found.parameters["C"], Some(ValueSpec::text("x,y")));
    }

    #[test]
    fn described_values() {
        let found =
            file("parameters:\n  P: {value: /x, type: SSM-Parameter, default: d}\n  F: {value: 2, fallback: true}\n");
        let source = ValueSource::Parameter { name: "/x".to_owned(), default: Some("d".to_owned()) };
        assert_eq!(found.parameters["P"], Some(ValueSpec { source, fallback: false }));
        assert!(found.parameters["F"].as_ref().is_some_and(|spec| spec.fallback));
    }

    #[test]
    fn all_problems_have_a_place() {
        let text = "stackNme: x\nparameters:\n  A: {type: string}\n  B: {value: 1, type: secret}\n  C: {value: 1, fallback: maybe}\n";
        let problems = StackFile::parse("c.yaml", text).expect_err("broken").0;
        assert!(problems.len() >= 4, "{problems:#?}");
        assert!(problems.iter().all(|problem| problem.at.is_some()), "{problems:#?}");
    }
}
