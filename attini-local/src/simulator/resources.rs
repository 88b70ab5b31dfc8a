//! What the simulator knows about types of resources: physical ids, attributes, and changes that need a new resource.

mod identity;
mod table;

use std::collections::BTreeMap;

use attini_core::value::Place;
use serde_json::{Map, Value};

use super::intrinsics::text_of;
use super::{ChangeAction, Replacement, ResourceState};
use identity::Identity;
pub(super) use identity::stack_uuid;
use table::find;

/// Type of nested stacks.
pub(super) const NESTED: &str = "AWS::CloudFormation::Stack";

/// A resource whose id and attributes are to be made.
pub(super) struct Subject<'a> {
    pub(super) place: &'a Place,
    pub(super) stack_name: &'a str,
    pub(super) stack_id: &'a str,
    pub(super) logical_id: &'a str,
    pub(super) kind: &'a str,
    pub(super) generation: u32,
    pub(super) properties: &'a Map<String, Value>,
}

impl Subject<'_> {
    /// Returns the physical id in the style of the type.
    pub(super) fn physical_id(&self) -> String {
        let identity = Identity::of(self);
        let name = self.name(&identity);
        self.render(find(self.kind).id, &name, &name, &identity).unwrap_or(name)
    }

    /// Returns the attributes that the type's table entry has.
    pub(super) fn attributes(&self, physical_id: &str) -> BTreeMap<String, Value> {
        let known = find(self.kind);
        let identity = Identity::of(self);
        let name = self.name(&identity);
        let rendered = known.attributes.iter().filter_map(|(attribute, pattern)| {
            let list = pattern.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let value = match list {
                Some("") => Value::Array(Vec::new()),
                Some(items) => items
                    .split(',')
                    .map(|item| self.render(item, &name, physical_id, &identity).map(Value::String))
                    .collect::<Option<Value>>()?,
                None => Value::String(self.render(pattern, &name, physical_id, &identity)?),
            };
            Some(((*attribute).to_owned(), value))
        });
        rendered.collect()
    }

    /// Returns the name that the author chose, or one made of stack, logical id and hash.
    fn name(&self, identity: &Identity) -> String {
        let known = find(self.kind);
        let chosen = known.name.and_then(|property| self.properties.get(property)).and_then(text_of);
        chosen.filter(|name| !name.is_empty()).unwrap_or_else(|| {
            let name = identity.name(self.stack_name, self.logical_id, known.max_name);
            let fifo = ["FifoQueue", "FifoTopic"].iter().any(|key| self.flag(key));
            match (known.lower_name, fifo) {
                (true, _) => name.to_lowercase(),
                (_, true) => format!("{name}.fifo"),
                _ => name,
            }
        })
    }

    fn flag(&self, property: &str) -> bool {
        self.properties.get(property).and_then(text_of).as_deref() == Some("true")
    }

    /// Fills the places of a pattern; `None` when one names a property that is not set.
    fn render(&self, pattern: &str, name: &str, id: &str, identity: &Identity) -> Option<String> {
        let partition = self.place.region.partition();
        let mut text = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, behind) = after.split_once('}')?;
            text.push_str(before);
            rest = behind;
            match place {
                "id" => text.push_str(id),
                "name" => text.push_str(name),
                "account" => text.push_str(self.place.account.as_str()),
                "region" => text.push_str(self.place.region.as_str()),
                "partition" => text.push_str(partition.id),
                "suffix" => text.push_str(partition.suffix),
                "stack" => text.push_str(self.stack_name),
                "logical" => text.push_str(self.logical_id),
                "octet" => text.push_str(&identity.octet().to_string()),
                "uuid" => text.push_str(&identity.uuid()),
                _ => match place.split_once(':')? {
                    ("prop", property) => text.push_str(&self.properties.get(property).and_then(text_of)?),
                    ("hex", length) => text.push_str(&identity.hex(length.parse().ok()?)),
                    ("low", length) => text.push_str(&identity.lower(length.parse().ok()?)),
                    ("up", length) => text.push_str(&identity.upper(length.parse().ok()?)),
                    _ => return None,
                },
            }
        }
        text.push_str(rest);
        Some(text)
    }
}

/// Returns an attribute of a resource: what is known, else the property of that name, else a text made of its names.
pub(super) fn attribute(logical_id: &str, resource: &ResourceState, attribute: &str) -> Value {
    if let Some(value) = resource.attributes.get(attribute) {
        return value.clone();
    }
    if let Some(text) = resource.properties.get(attribute).and_then(text_of) {
        return Value::String(text);
    }
    Value::String(identity::made_up(logical_id, attribute, &resource.physical_id))
}

/// What a difference in properties means for a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    None,
    /// Changed in place; the names of the properties.
    Modify(Vec<String>),
    /// Replaced by a new resource; the names of the properties.
    Replace(Vec<String>),
}

/// Compares properties.
pub(super) fn compare(kind: &str, old: &Map<String, Value>, new: &Map<String, Value>) -> Change {
    let removed = old.keys().filter(|key| !new.contains_key(*key));
    let changed =
        new.iter().filter(|(key, value)| !old.get(*key).is_some_and(|old| is_same(old, value))).map(|(key, _)| key);
    let names: Vec<String> = changed.chain(removed).cloned().collect();
    let replaces = |name: &String| {
        let known = find(kind);
        known.name == Some(name.as_str()) || known.replace.contains(&name.as_str())
    };
    if names.is_empty() {
        Change::None
    } else if names.iter().any(replaces) {
        Change::Replace(names)
    } else {
        Change::Modify(names)
    }
}

/// Says whether the service replaces a resource of which these properties change.
pub(super) fn replacement(kind: &str, action: ChangeAction, properties: &[String]) -> Replacement {
    let known = find(kind);
    match action {
        ChangeAction::Replace => Replacement::Always,
        ChangeAction::Add | ChangeAction::Remove => Replacement::Never,
        ChangeAction::Modify if known.kind.is_empty() => Replacement::Unknown,
        ChangeAction::Modify if properties.iter().any(|name| known.may_replace.contains(&name.as_str())) => {
            Replacement::Conditional
        }
        ChangeAction::Modify => Replacement::Never,
    }
}

/// Compares values as the service does, for which every scalar is a text: 5 is `"5"`.
pub(super) fn is_same(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_same(old, new))
        }
        (Value::Object(old), Value::Object(new)) => {
            let same = |(key, old): (&String, &Value)| new.get(key).is_some_and(|new| is_same(old, new));
            old.len() == new.len() && old.iter().all(same)
        }
        _ => old == new || text_of(old).is_some_and(|old| text_of(new) == Some(old)),
    }
}

/// Says whether the author chose the name of both, so that they cannot exist side by side.
pub(super) fn names_collide(kind: &str, old: &Map<String, Value>, new: &Map<String, Value>) -> Option<String> {
    let property = find(kind).name?;
    let (old, new) = (old.get(property).and_then(text_of)?, new.get(property).and_then(text_of)?);
    (old == new).then_some(new)
}

/// Says whether the resource is a stack of its own.
pub(super) fn is_nested(kind: &str) -> bool {
    kind == NESTED
}

/// Says whether a type is answered by a function of the author.
pub(super) fn is_custom(kind: &str) -> bool {
    kind.starts_with("Custom::") || kind == "AWS::CloudFormation::CustomResource"
}

#[cfg(test)]
mod tests {
    use attini_core::value::{AccountId, Region};
    use serde_json::json;

    use super::*;

    fn subject<'a>(place: &'a Place, kind: &'a str, properties: &'a Map<String, Value>) -> Subject<'a> {
        let stack_id = "arn:aws:cloudformation:eu-west-1:000000000000:stack/s/1";
        Subject { place, stack_name: "My-Stack", stack_id, logical_id: "Thing", kind, generation: 0, properties }
    }

    fn place() -> Place {
        Place {
            account: AccountId::parse("000000000000").expect("valid"),
            region: Region::parse("eu-west-1").expect("valid"),
        }
    }

    #[test]
    fn every_pattern_of_the_table_can_be_filled() {
        let place = place();
        for known in table::all() {
            let mut properties = Map::new();
            for pattern in known.attributes.iter().map(|(_, pattern)| *pattern).chain([known.id]) {
                for property in pattern.split("{prop:").skip(1).filter_map(|rest| rest.split('}').next()) {
                    properties.insert(property.to_owned(), json!("x"));
                }
            }
            let subject = subject(&place, known.kind, &properties);
            let id = subject.physical_id();
            assert!(!id.contains('{') && !id.is_empty(), "{}: {id}", known.kind);
            let attributes = subject.attributes(&id);
            assert_eq!(attributes.len(), known.attributes.len(), "{}", known.kind);
            assert!(attributes.values().all(|value| !value.to_string().contains('{')), "{attributes:?}");
        }
    }

    #[test]
    fn the_table_has_every_type_once() {
        let mut kinds: Vec<_> = table::all().map(|known| known.kind).collect();
        let count = kinds.len();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), count);
    }

    #[test]
    fn names_of_buckets_are_lower_case_and_at_most_63_characters() {
        let (place, properties) = (place(), Map::new());
        let mut subject = subject(&place, "AWS::S3::Bucket", &properties);
        assert!(subject.physical_id().starts_with("my-stack-thing-"));
        let long = "L".repeat(200);
        subject.logical_id = &long;
        assert_eq!(subject.physical_id().len(), 63);
    }

    #[test]
    fn a_number_and_its_text_are_the_same_value() {
        let properties = |value: Value| value.as_object().cloned().expect("object");
        let old = properties(json!({"Timeout": 5, "Vpc": {"Ids": ["a", true]}}));
        let new = properties(json!({"Timeout": "5", "Vpc": {"Ids": ["a", "true"]}}));
        assert_eq!(compare("AWS::Lambda::Function", &old, &new), Change::None);
        let other = properties(json!({"Timeout": "6", "Vpc": {"Ids": ["a", "true"]}}));
        assert_eq!(compare("AWS::Lambda::Function", &old, &other), Change::Modify(vec!["Timeout".to_owned()]));
    }

    #[test]
    fn another_generation_has_another_id() {
        let (place, properties) = (place(), Map::new());
        let mut subject = subject(&place, "AWS::EC2::SecurityGroup", &properties);
        let first = subject.physical_id();
        assert!(first.starts_with("sg-") && first.len() == 20, "{first}");
        assert_eq!(first, subject.physical_id());
        subject.generation = 1;
        assert_ne!(first, subject.physical_id());
    }
}
