//! Functions that look something up: `Ref`, `Fn::GetAtt`, `Fn::FindInMap`, `Fn::ImportValue`, `Fn::GetAZs`, and dynamic
//! references to the parameter store.

use serde_json::Value;

use super::super::resources;
use super::{Fault, Scope, text_of};

impl Scope<'_> {
    pub(super) fn reference(&self, argument: &Value) -> Result<Option<Value>, Fault> {
        let name = match argument {
            Value::String(name) => name.clone(),
            other if self.language_extensions => {
                self.text(other, "every Ref object must have a single String value.")?
            }
            _ => return Err(Fault::template("every Ref object must have a single String value.")),
        };
        self.named(&name)
    }

    /// Returns what `Ref` gives for a name.
    pub(super) fn named(&self, name: &str) -> Result<Option<Value>, Fault> {
        let partition = self.place.region.partition();
        let text = match name {
            "AWS::AccountId" => self.place.account.as_str(),
            "AWS::Region" => self.place.region.as_str(),
            "AWS::Partition" => partition.id,
            "AWS::URLSuffix" => partition.suffix,
            "AWS::StackName" => self.stack_name,
            "AWS::StackId" => self.stack_id,
            "AWS::NotificationARNs" => return Ok(Some(Value::Array(Vec::new()))),
            "AWS::NoValue" => return Ok(None),
            _ => {
                if let Some(parameter) = self.parameters.get(name) {
                    return Ok(Some(parameter.value.clone()));
                }
                let resource = self.resources.get(name).ok_or_else(|| unresolved(name))?;
                &resource.physical_id
            }
        };
        Ok(Some(Value::String(text.to_owned())))
    }

    /// `Fn::GetAtt` as text `A.B` or as list `[A, B]`.
    pub(super) fn attribute(&self, argument: &Value) -> Result<Value, Fault> {
        const RULE: &str =
            "every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute";
        let (target, attribute) = match argument {
            Value::String(text) => {
                let (target, attribute) = text.split_once('.').ok_or_else(|| Fault::template(RULE))?;
                (target.to_owned(), attribute.to_owned())
            }
            Value::Array(items) => match items.as_slice() {
                [Value::String(target), attribute] => (target.clone(), self.text(attribute, RULE)?),
                _ => return Err(Fault::template(RULE)),
            },
            _ => return Err(Fault::template(RULE)),
        };
        if target.is_empty() || attribute.is_empty() {
            return Err(Fault::template(RULE));
        }
        self.attribute_of(&target, &attribute)
    }

    pub(super) fn attribute_of(&self, target: &str, attribute: &str) -> Result<Value, Fault> {
        let resource = self.resources.get(target).ok_or_else(|| {
            Fault::template(format_args!("instance of Fn::GetAtt references undefined resource {target}"))
        })?;
        // An output that a nested stack does not have is a mistake; attributes of other types may just be unknown here.
        if resources::is_nested(&resource.resource_type) && !resource.attributes.contains_key(attribute) {
            let output = attribute.strip_prefix("Outputs.").unwrap_or(attribute);
            return Err(Fault::template(format_args!(
                "output '{output}' not found in the nested stack {target} ({}); it is referred to as Outputs.NAME",
                resource.physical_id
            )));
        }
        Ok(resources::attribute(target, resource, attribute))
    }

    /// `Fn::FindInMap`, with `DefaultValue` when the language extensions are on.
    pub(super) fn find_in_map(&self, argument: &Value) -> Result<Option<Value>, Fault> {
        const RULE: &str = "every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value";
        let (keys, default) = match argument.as_array().map(Vec::as_slice) {
            Some([map, first, second]) => ([map, first, second], None),
            Some([map, first, second, Value::Object(options)]) if self.language_extensions => {
                ([map, first, second], options.get("DefaultValue"))
            }
            _ => return Err(Fault::template(RULE)),
        };
        let [map, first, second] = keys;
        let (map, first, second) = (self.text(map, RULE)?, self.text(first, RULE)?, self.text(second, RULE)?);
        if !self.mappings.contains_key(&map) && default.is_none() {
            return Err(Fault::template(format_args!(
                "Mapping named '{map}' is not present in the 'Mappings' section of template."
            )));
        }
        match (self.mappings.get(&map).and_then(|map| map.get(&first)?.get(&second)), default) {
            (Some(value), _) => Ok(Some(value.clone())),
            (None, Some(default)) => self.resolve(default),
            (None, None) => Err(Fault::template(format_args!("Unable to get mapping for {map}::{first}::{second}"))),
        }
    }

    pub(super) fn import(&self, argument: &Value) -> Result<Value, Fault> {
        let name = self.text(
            argument,
            "the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs",
        )?;
        let export = self.exports.get(&name).ok_or(Fault::NoExport(name))?;
        Ok(Value::String(export.value.clone()))
    }

    /// The zones `a`, `b` and `c` of the region.
    pub(super) fn zones(&self, argument: &Value) -> Result<Value, Fault> {
        let region = self.text(argument, "every Fn::GetAZs object requires a region as its string parameter")?;
        let region = if region.is_empty() { self.place.region.as_str() } else { &region };
        Ok(["a", "b", "c"].iter().map(|zone| Value::String(format!("{region}{zone}"))).collect())
    }

    /// Replaces `{{resolve:ssm:name}}` and `{{resolve:ssm:name:version}}`.
    pub(super) fn dynamic(&self, text: &str) -> Result<String, Fault> {
        const START: &str = "{{resolve:ssm:";
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(START) {
            let Some((reference, behind)) = after.split_once("}}") else { break };
            let (name, _version) = match reference.rsplit_once(':') {
                Some((name, version)) if version.chars().all(|c| c.is_ascii_digit()) => (name, Some(version)),
                _ => (reference, None),
            };
            let value = (self.ssm)(name)
                .ok_or_else(|| Fault::Template(format!("Parameters: [ssm:{reference}] cannot be found.")))?;
            self.charge(value.len())?;
            result.push_str(before);
            result.push_str(&value);
            rest = behind;
        }
        result.push_str(rest);
        Ok(result)
    }

    pub(super) fn select(&self, argument: &Value) -> Result<Value, Fault> {
        const RULE: &str = "every Fn::Select object requires two non-null parameters, the first is the integer index and the second is a list of strings or a function that returns a list";
        let Some([index, list]) = argument.as_array().map(Vec::as_slice) else { return Err(Fault::template(RULE)) };
        let index = self.text(index, RULE)?;
        let list = self.list(list, RULE)?;
        let found = index.trim().parse::<usize>().ok().and_then(|index| list.get(index));
        found.cloned().ok_or_else(|| {
            Fault::template(format_args!("Fn::Select cannot select nonexistent value at index {}", index.trim()))
        })
    }

    pub(super) fn length(&self, argument: &Value) -> Result<Value, Fault> {
        let list = self.list(argument, "Fn::Length only supports values of type array")?;
        Ok(Value::from(list.len()))
    }

    pub(super) fn to_json(&self, argument: &Value) -> Result<Value, Fault> {
        match self.resolve(argument)? {
            Some(value @ (Value::Array(_) | Value::Object(_))) => Ok(Value::String(value.to_string())),
            Some(value) if as_text(argument) => Ok(Value::String(text_of(&value).unwrap_or_default())),
            _ => Err(Fault::template("Fn::ToJsonString requires an object or an array")),
        }
    }
}

/// Functions may give a text where an object is expected; a literal text may not stand there.
fn as_text(argument: &Value) -> bool {
    super::as_call(argument).is_some()
}

fn unresolved(name: &str) -> Fault {
    Fault::Template(format!(
        "Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
    ))
}
