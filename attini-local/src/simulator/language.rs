//! `AWS::LanguageExtensions`: loops are unrolled and names that functions give are settled before the template is read.
//!
//! Rules: the pages of the transform and of `Fn::ForEach` in CloudFormation's template reference, and its design
//! documents (aws-cloudformation/cfn-language-discussion, RFCs 0009, 0011, 0043 and 0070).

mod loops;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::intrinsics::{Scope, as_call, text_of};
use super::references::References;
use super::{Refusal, conditions};
use loops::Loops;

/// Sections in which loops may stand.
pub(super) const LOOP_SECTIONS: [&str; 3] = ["Conditions", "Resources", "Outputs"];

/// Applies the transform. `scope` sees the parameters; `secrets` are the names of those with `NoEcho`.
pub(super) fn expand(mut template: Value, scope: &Scope<'_>, secrets: &BTreeSet<String>) -> Result<Value, Refusal> {
    let mappings = section(&template, "Mappings");
    let none = BTreeMap::new();
    let loops = Loops::read(&template, secrets)?;
    let early = scope.within(&mappings, &none);
    unroll(&mut template, &loops, &early, "Conditions")?;
    // What is wrong with a condition is reported where all are checked; here they only choose policies and collections.
    let declared = section(&template, "Conditions");
    let holds = |known: &BTreeMap<String, bool>, value: &Value| Ok(scope.within(&mappings, known).holds(value)?);
    let known = conditions::evaluate(&declared, &holds).unwrap_or_default();
    let scope = scope.within(&mappings, &known);
    unroll(&mut template, &loops, &scope, "Resources")?;
    unroll(&mut template, &loops, &scope, "Outputs")?;
    let settling = Settling { scope: &scope, resources: section(&template, "Resources").keys().cloned().collect() };
    for name in ["Resources", "Outputs"] {
        for (id, member) in template.get_mut(name).and_then(Value::as_object_mut).into_iter().flatten() {
            settling.member(member, &format!("/{name}/{id}"))?;
        }
    }
    Ok(template)
}

/// Returns the refusal of a template that the transform cannot work on.
fn failed(path: &str, text: impl std::fmt::Display) -> Refusal {
    Refusal::validation(format!("Transform AWS::LanguageExtensions failed with: {text} (at {path})"))
}

fn section(template: &Value, name: &str) -> Map<String, Value> {
    template.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn unroll(template: &mut Value, loops: &Loops<'_>, scope: &Scope<'_>, name: &str) -> Result<(), Refusal> {
    let Some(entries) = template.get_mut(name) else { return Ok(()) };
    *entries = loops.unroll(std::mem::take(entries), scope, &format!("/{name}"))?;
    Ok(())
}

/// Replaces functions where only this transform allows them, so that all that follows sees plain names.
struct Settling<'a> {
    scope: &'a Scope<'a>,
    resources: BTreeSet<String>,
}

impl Settling<'_> {
    /// Settles a resource or an output.
    fn member(&self, member: &mut Value, path: &str) -> Result<(), Refusal> {
        let Some(entries) = member.as_object_mut() else { return Ok(()) };
        for attribute in ["Condition", "DeletionPolicy", "UpdateReplacePolicy"] {
            let Some(call @ Value::Object(_)) = entries.get(attribute) else { continue };
            let path = format!("{path}/{attribute}");
            self.refuse_resources(call, &path, attribute)?;
            match self.scope.resolve(call).map_err(|fault| failed(&path, fault.text()))? {
                Some(text @ Value::String(_)) => drop(entries.insert(attribute.to_owned(), text)),
                None => drop(entries.shift_remove(attribute)),
                Some(_) => return Err(failed(&path, format_args!("{attribute} must evaluate to a string"))),
            }
        }
        for key in ["Properties", "Value", "Export"] {
            if let Some(value) = entries.get_mut(key) {
                self.value(value, &format!("{path}/{key}"))?;
            }
        }
        Ok(())
    }

    fn value(&self, value: &mut Value, path: &str) -> Result<(), Refusal> {
        if let Some((name @ ("Ref" | "Fn::GetAtt" | "Fn::FindInMap" | "Fn::Length"), argument)) = as_call(value) {
            match (name, argument) {
                ("Ref", Value::Object(_)) => *value = json!({ "Ref": self.name(argument, path, name)? }),
                ("Fn::GetAtt", Value::Array(items)) => {
                    let settled: Vec<Value> =
                        items.iter().map(|item| self.name(item, path, name)).collect::<Result<_, _>>()?;
                    *value = json!({ "Fn::GetAtt": settled });
                }
                ("Fn::FindInMap" | "Fn::Length", _) => self.refuse_resources(argument, path, name)?,
                _ => {}
            }
        }
        match value {
            Value::Array(items) => {
                items.iter_mut().enumerate().try_for_each(|(index, item)| self.value(item, &format!("{path}/{index}")))
            }
            Value::Object(entries) => {
                entries.iter_mut().try_for_each(|(key, entry)| self.value(entry, &format!("{path}/{key}")))
            }
            _ => Ok(()),
        }
    }

    /// Returns the name that a function inside of `Ref` or `Fn::GetAtt` gives.
    fn name(&self, argument: &Value, path: &str, function: &str) -> Result<Value, Refusal> {
        if argument.is_string() {
            return Ok(argument.clone());
        }
        self.refuse_resources(argument, path, function)?;
        let resolved = self.scope.resolve(argument).map_err(|fault| failed(path, fault.text()))?;
        let name = resolved.as_ref().and_then(text_of);
        name.map(Value::String).ok_or_else(|| failed(path, format_args!("{function} must evaluate to a single name")))
    }

    /// The transform runs before there are resources.
    fn refuse_resources(&self, value: &Value, path: &str, function: &str) -> Result<(), Refusal> {
        let references = References::of(value, &|_| None);
        match references.names().find(|name| self.resources.contains(*name)) {
            None => Ok(()),
            Some(name) => Err(failed(
                path,
                format_args!(
                    "{function} cannot depend on the resource {name}, whose values are not known before it is created"
                ),
            )),
        }
    }
}
