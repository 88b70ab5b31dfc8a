//! `Fn::ForEach`.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::Refusal;
use super::super::intrinsics::{Scope, text_of};
use super::super::references::References;
use super::{LOOP_SECTIONS, failed};

const PREFIX: &str = "Fn::ForEach::";
/// Loops inside of one outermost loop (RFC 0009).
const MAX_NESTED: usize = 5;
/// What all loops of a template may produce, in bytes: a small template can ask for any amount.
const MAX_BYTES: usize = 16 * 1_024 * 1_024;

/// The loops of one template.
pub(super) struct Loops<'a> {
    secrets: &'a BTreeSet<String>,
    /// Names that identifiers and loops cannot have, with what has them.
    taken: BTreeMap<String, &'static str>,
    left: Cell<usize>,
}

impl<'a> Loops<'a> {
    /// Checks that the names of loops are unique.
    pub(super) fn read(template: &Value, secrets: &'a BTreeSet<String>) -> Result<Self, Refusal> {
        let mut taken = BTreeMap::new();
        for (name, what) in [("Parameters", "a parameter"), ("Resources", "a resource")] {
            for key in template.get(name).and_then(Value::as_object).into_iter().flat_map(Map::keys) {
                taken.insert(key.clone(), what);
            }
        }
        let loops = Self { secrets, taken, left: Cell::new(MAX_BYTES) };
        let seen = RefCell::new(BTreeSet::new());
        for name in LOOP_SECTIONS {
            if let Some(section) = template.get(name) {
                loops.check_names(section, &format!("/{name}"), &seen)?;
            }
        }
        Ok(loops)
    }

    fn check_names(&self, value: &Value, path: &str, seen: &RefCell<BTreeSet<String>>) -> Result<(), Refusal> {
        match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| self.check_names(item, &format!("{path}/{index}"), seen)),
            Value::Object(entries) => entries.iter().try_for_each(|(key, entry)| {
                let path = format!("{path}/{key}");
                if let Some(name) = key.strip_prefix(PREFIX) {
                    if !is_alphanumeric(name) {
                        return Err(failed(&path, "the name of a loop must be alphanumeric"));
                    }
                    if let Some(what) = self.taken.get(name) {
                        return Err(failed(&path, format_args!("the loop has the name of {what}, {name}")));
                    }
                    if !seen.borrow_mut().insert(name.to_owned()) {
                        return Err(failed(&path, format_args!("the template has more than one loop {name}")));
                    }
                } else if key == "Fn::ForEach" {
                    return Err(failed(&path, "a loop needs a name: Fn::ForEach::Name"));
                }
                self.check_names(entry, &path, seen)
            }),
            _ => Ok(()),
        }
    }

    /// Unrolls all loops in a value.
    pub(super) fn unroll(&self, value: Value, scope: &Scope<'_>, path: &str) -> Result<Value, Refusal> {
        Walk { loops: self, scope }.unroll(value, path, &mut Vec::new())
    }
}

struct Walk<'w> {
    loops: &'w Loops<'w>,
    scope: &'w Scope<'w>,
}

impl Walk<'_> {
    fn unroll(&self, value: Value, path: &str, outer: &mut Vec<String>) -> Result<Value, Refusal> {
        match value {
            Value::Array(items) => items
                .into_iter()
                .enumerate()
                .map(|(index, item)| self.unroll(item, &format!("{path}/{index}"), outer))
                .collect(),
            Value::Object(entries) => self.unroll_object(entries, path, outer).map(Value::Object),
            other => Ok(other),
        }
    }

    /// What a loop makes stands where the loop stood.
    fn unroll_object(
        &self,
        entries: Map<String, Value>,
        path: &str,
        outer: &mut Vec<String>,
    ) -> Result<Map<String, Value>, Refusal> {
        let plain: BTreeSet<String> = entries.keys().cloned().collect();
        let mut result = Map::new();
        for (key, entry) in entries {
            let path = format!("{path}/{key}");
            if !key.starts_with(PREFIX) {
                let entry = self.unroll(entry, &path, outer)?;
                result.insert(key, entry);
                continue;
            }
            for (key, entry) in self.repeat(&entry, &path, outer)? {
                if plain.contains(&key) || result.contains_key(&key) {
                    return Err(failed(&path, format_args!("OutputKey '{key}' is there more than once")));
                }
                result.insert(key, entry);
            }
        }
        Ok(result)
    }

    fn repeat(&self, argument: &Value, path: &str, outer: &mut Vec<String>) -> Result<Map<String, Value>, Refusal> {
        let Some([Value::String(identifier), collection, Value::Object(fragment)]) =
            argument.as_array().map(Vec::as_slice)
        else {
            return Err(failed(
                path,
                "Fn::ForEach layout is incorrect: it takes an identifier, a list of values and an object",
            ));
        };
        if outer.len() > MAX_NESTED {
            return Err(failed(path, format_args!("loops are nested more than {MAX_NESTED} deep")));
        }
        self.check_identifier(identifier, path, outer)?;
        let values = self.collection(collection, path)?;
        let size = Value::Object(fragment.clone()).to_string().len();
        outer.push(identifier.clone());
        let mut result = Map::new();
        for value in values {
            self.charge(size, path)?;
            let item = Item { identifier, value: &value };
            let entries = item.fragment(fragment, path)?;
            for (key, entry) in self.unroll_object(entries, path, outer)? {
                if result.insert(key.clone(), entry).is_some() {
                    return Err(failed(path, format_args!("OutputKey '{key}' is there more than once")));
                }
            }
        }
        outer.pop();
        Ok(result)
    }

    fn check_identifier(&self, identifier: &str, path: &str, outer: &[String]) -> Result<(), Refusal> {
        if !is_alphanumeric(identifier) {
            return Err(failed(path, format_args!("the identifier '{identifier}' must be alphanumeric")));
        }
        if outer.iter().any(|name| name == identifier) {
            return Err(failed(path, format_args!("the identifier {identifier} is that of an outer loop")));
        }
        match self.loops.taken.get(identifier) {
            Some(what) => Err(failed(path, format_args!("the identifier has the name of {what}, {identifier}"))),
            None => Ok(()),
        }
    }

    fn collection(&self, collection: &Value, path: &str) -> Result<Vec<String>, Refusal> {
        let path = format!("{path}/1");
        let references = References::of(collection, &|_| None);
        if let Some(secret) = references.names().find(|name| self.loops.secrets.contains(*name)) {
            return Err(failed(
                &path,
                format_args!("the collection cannot use the parameter {secret}, which is NoEcho"),
            ));
        }
        let unknown = |text: String| failed(&path, format_args!("the collection of Fn::ForEach is not known: {text}"));
        let resolved = self.scope.resolve(collection).map_err(|fault| unknown(fault.text()))?;
        let Some(Value::Array(items)) = resolved else {
            return Err(failed(&path, "the collection of Fn::ForEach must be a list of strings"));
        };
        let texts: Option<Vec<String>> = items.iter().map(text_of).collect();
        texts.ok_or_else(|| failed(&path, "the collection of Fn::ForEach must be a list of strings"))
    }

    fn charge(&self, bytes: usize, path: &str) -> Result<(), Refusal> {
        let left = self.loops.left.get().checked_sub(bytes);
        self.loops.left.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or_else(|| failed(path, format_args!("the loops produce more than {MAX_BYTES} bytes")))
    }
}

/// One round of a loop.
struct Item<'a> {
    identifier: &'a str,
    value: &'a str,
}

impl Item<'_> {
    fn fragment(&self, fragment: &Map<String, Value>, path: &str) -> Result<Map<String, Value>, Refusal> {
        let mut result = Map::new();
        for (key, entry) in fragment {
            let name = self.text(key);
            if !key.starts_with(PREFIX) {
                if name == *key {
                    let id = self.identifier;
                    return Err(failed(path, format_args!("OutputKey '{key}' must contain ${{{id}}} or &{{{id}}}")));
                }
                if !is_alphanumeric(&name) {
                    return Err(failed(path, format_args!("OutputKey '{name}' should be alphanumeric")));
                }
            }
            if result.insert(name.clone(), self.replace(entry)).is_some() {
                return Err(failed(path, format_args!("OutputKey '{name}' is there more than once")));
            }
        }
        Ok(result)
    }

    fn replace(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.replace(item)).collect(),
            Value::Object(entries) => match entries.get("Ref") {
                Some(Value::String(name)) if entries.len() == 1 && name == self.identifier => {
                    Value::String(self.value.to_owned())
                }
                _ => Value::Object(entries.iter().map(|(key, entry)| (self.text(key), self.replace(entry))).collect()),
            },
            other => other.clone(),
        }
    }

    /// `${Identifier}` is the value, `&{Identifier}` is the value without what a name cannot hold.
    fn text(&self, text: &str) -> String {
        let plain: String = self.value.chars().filter(char::is_ascii_alphanumeric).collect();
        let id = self.identifier;
        text.replace(&format!("${{{id}}}"), self.value).replace(&format!("&{{{id}}}"), &plain)
    }
}

fn is_alphanumeric(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric())
}
