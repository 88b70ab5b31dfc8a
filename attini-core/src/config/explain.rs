//! Where the values of a resolved configuration come from.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::DocPath;
use crate::problem::SourceSpot;

/// One value of a configuration in one environment, and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// Where it stands in the resolved configuration: without the level of the environment.
    pub path: DocPath,
    /// The value, variables replaced. Null is a parameter that is left to the template.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// The file says so.
    File(Written),
    /// The file does not say, and this is what that means.
    BuiltIn,
    /// Whoever resolves the configuration chose it: the name or id of a file without one.
    Given,
    /// The framework sets this parameter of the template, whatever the file says.
    Framework,
    /// The template's own default for a parameter that nothing else sets.
    Template(SourceSpot),
    /// Nothing sets this parameter of the template, and the template has no default: the deployment fails.
    Missing(SourceSpot),
}

/// What a person wrote for a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The environment's level it stands below, as written: `default`, `prod`, `${environment}`. `None` for values that
    /// are the same everywhere.
    pub section: Option<String>,
    /// Where it stands.
    pub at: SourceSpot,
    /// The text before its variables were replaced; `None` when it holds none.
    pub template: Option<String>,
    /// The variables in it and their values.
    pub variables: BTreeMap<String, String>,
    /// The value of another section that this one replaced, or was appended to when both are lists.
    pub over: Option<SourceSpot>,
}

/// Collects values by their path; a later value replaces an earlier one and remembers where that stood.
#[derive(Debug, Default)]
pub(super) struct Explanation(BTreeMap<DocPath, (Value, Origin)>);

impl Explanation {
    pub(super) fn add(&mut self, path: DocPath, value: Value, mut origin: Origin) {
        if let (Origin::File(written), Some((_, Origin::File(before)))) = (&mut origin, self.0.get(&path)) {
            written.over = Some(before.at.clone());
        }
        self.0.insert(path, (value, origin));
    }

    /// Takes the values below a path from what they were merged into; what is no longer there is forgotten.
    pub(super) fn take_merged(&mut self, below: &DocPath, merged: &Value) {
        self.0.retain(|path, (value, _)| {
            let Some(rest) = path.strip_prefix(below) else { return true };
            let mut found = Some(merged);
            for segment in rest {
                found = match segment {
                    crate::document::Segment::Key(key) => found.and_then(|value| value.get(key)),
                    crate::document::Segment::Index(_) => None,
                };
            }
            let leaf = found.filter(|value| value.as_object().is_none_or(serde_json::Map::is_empty));
            if let Some(leaf) = leaf {
                *value = leaf.clone();
            }
            leaf.is_some()
        });
    }

    pub(super) fn finish(self) -> Vec<Explained> {
        let explained = |(path, (value, origin))| Explained { path, value, origin };
        self.0.into_iter().map(explained).collect()
    }
}
