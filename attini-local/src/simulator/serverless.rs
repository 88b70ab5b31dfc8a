//! The part of `AWS::Serverless-2016-10-31` that deployments rely on.
//!
//! State machines become `AWS::StepFunctions::StateMachine` as the real transform makes them: functions inside the
//! definition turn into definition substitutions, policies into a role. Functions get their role; they, APIs and tables
//! otherwise stay as they are, and are simulated under their own type. What they imply beyond that (permissions, stages,
//! event sources) is left out.

use serde_json::{Map, Value, json};

use super::Refusal;
use super::intrinsics::as_call;

/// Expands a template.
pub(super) fn expand(mut template: Value) -> Result<Value, Refusal> {
    let Some(root) = template.as_object_mut() else { return Ok(template) };
    let globals = root.shift_remove("Globals").unwrap_or(Value::Null);
    let Some(resources) = root.get_mut("Resources").and_then(Value::as_object_mut) else { return Ok(template) };
    let taken: Vec<String> = resources.keys().cloned().collect();
    let mut expanded = Map::new();
    for (id, mut resource) in std::mem::take(resources) {
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let service = match kind.as_str() {
            "AWS::Serverless::StateMachine" => Some(("StateMachine", "states.amazonaws.com")),
            "AWS::Serverless::Function" => Some(("Function", "lambda.amazonaws.com")),
            _ => None,
        };
        if let Some(("Function", _)) = service {
            merge_globals(&mut resource, globals.get("Function"));
        }
        if let Some((role_id, role)) = service.and_then(|(_, principal)| implied_role(&id, &resource, principal)) {
            if taken.contains(&role_id) {
                return Err(Refusal::validation(format!(
                    "Transform AWS::Serverless-2016-10-31 failed with: {id} needs a role {role_id}, but the template has a resource of that name"
                )));
            }
            set_property(&mut resource, "Role", json!({"Fn::GetAtt": [role_id, "Arn"]}));
            expanded.insert(role_id, role);
        }
        if kind == "AWS::Serverless::StateMachine" {
            resource = state_machine(&id, &resource)?;
        }
        expanded.insert(id, resource);
    }
    *resources = expanded;
    Ok(template)
}

fn set_property(resource: &mut Value, name: &str, value: Value) {
    let Some(entries) = resource.as_object_mut() else { return };
    let properties = entries.entry("Properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        properties.insert(name.to_owned(), value);
    }
}

/// Values of the resource win; maps are joined and lists are appended to the global ones.
fn merge_globals(resource: &mut Value, globals: Option<&Value>) {
    let Some(globals) = globals.and_then(Value::as_object) else { return };
    for (name, global) in globals {
        let merged = match (global, resource.get("Properties").and_then(|properties| properties.get(name))) {
            (_, None) => global.clone(),
            (Value::Object(global), Some(Value::Object(own))) if as_call(&json!(own)).is_none() => {
                let mut merged = global.clone();
                merged.extend(own.clone());
                Value::Object(merged)
            }
            (Value::Array(global), Some(Value::Array(own))) => global.iter().chain(own).cloned().collect(),
            (_, Some(own)) => own.clone(),
        };
        set_property(resource, name, merged);
    }
}

/// Returns the role `<id>Role` of a resource that names none.
fn implied_role(id: &str, resource: &Value, principal: &str) -> Option<(String, Value)> {
    let none = Map::new();
    let properties = resource.get("Properties").and_then(Value::as_object).unwrap_or(&none);
    if properties.contains_key("Role") {
        return None;
    }
    let mut managed = Vec::new();
    let mut inline = Vec::new();
    let policies = match properties.get("Policies") {
        None | Some(Value::Null) => &[],
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    for policy in policies {
        match policy {
            Value::String(name) if !name.starts_with("arn:") => {
                managed.push(json!({"Fn::Sub": format!("arn:${{AWS::Partition}}:iam::aws:policy/{name}")}));
            }
            Value::Object(entries) if entries.contains_key("Statement") => {
                inline.push(json!({"PolicyName": format!("{id}RolePolicy{}", inline.len()), "PolicyDocument": policy}));
            }
            Value::Object(_) if as_call(policy).is_none() => {
                inline.push(json!({"PolicyName": format!("{id}RolePolicy{}", inline.len()), "PolicyTemplate": policy}));
            }
            arn => managed.push(arn.clone()),
        }
    }
    let mut role = json!({
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": [principal]}, "Action": ["sts:AssumeRole"]}],
        },
        "ManagedPolicyArns": managed,
        "Policies": inline,
    });
    if let Some(boundary) = properties.get("PermissionsBoundary") {
        role["PermissionsBoundary"] = boundary.clone();
    }
    let mut resource_of_role = json!({"Type": "AWS::IAM::Role", "Properties": role});
    if let Some(condition) = resource.get("Condition") {
        resource_of_role["Condition"] = condition.clone();
    }
    Some((format!("{id}Role"), resource_of_role))
}

fn state_machine(id: &str, resource: &Value) -> Result<Value, Refusal> {
    let none = Map::new();
    let properties = resource.get("Properties").and_then(Value::as_object).unwrap_or(&none);
    let mut made = Map::new();
    let mut substitutions = match properties.get("DefinitionSubstitutions") {
        Some(Value::Object(own)) => own.clone(),
        _ => Map::new(),
    };
    for (name, value) in properties {
        match name.as_str() {
            "Definition" => {
                let mut definition = value.clone();
                let mut found = Map::new();
                extract(&mut definition, &mut found);
                substitutions.extend(found);
                made.insert("DefinitionString".to_owned(), Value::String(definition.to_string()));
            }
            "Tags" => {
                let own =
                    value.as_object().map(|tags| tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})));
                let mut tags = vec![json!({"Key": "stateMachine:createdBy", "Value": "SAM"})];
                tags.extend(own.into_iter().flatten());
                made.insert("Tags".to_owned(), Value::Array(tags));
            }
            "DefinitionUri" => {
                return Err(Refusal::unsupported(format!("DefinitionUri of AWS::Serverless::StateMachine {id}")));
            }
            "Events" => {
                return Err(Refusal::unsupported(format!("Events of AWS::Serverless::StateMachine {id}")));
            }
            "DefinitionSubstitutions" | "Policies" | "PermissionsBoundary" => {}
            other => {
                let renamed = match other {
                    "Role" => "RoleArn",
                    "Name" => "StateMachineName",
                    "Type" => "StateMachineType",
                    "Logging" => "LoggingConfiguration",
                    "Tracing" => "TracingConfiguration",
                    same => same,
                };
                made.insert(renamed.to_owned(), value.clone());
            }
        }
    }
    if !substitutions.is_empty() {
        made.insert("DefinitionSubstitutions".to_owned(), Value::Object(substitutions));
    }
    let mut entries = resource.as_object().cloned().unwrap_or_default();
    entries.insert("Type".to_owned(), json!("AWS::StepFunctions::StateMachine"));
    entries.insert("Properties".to_owned(), Value::Object(made));
    Ok(Value::Object(entries))
}

/// Puts `${definition_substitution_N}` in the place of every function, N counted from 1.
fn extract(value: &mut Value, found: &mut Map<String, Value>) {
    if as_call(value).is_some() {
        let name = format!("definition_substitution_{}", found.len() + 1);
        let function = std::mem::replace(value, Value::String(format!("${{{name}}}")));
        found.insert(name, function);
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| extract(item, found)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| extract(entry, found)),
        _ => {}
    }
}

/// Returns the definition of an `AWS::StepFunctions::StateMachine` from its resolved properties, substitutions applied.
///
/// # Errors
///
/// The reason why there is none: no definition, a substitution that is neither text, number nor boolean, or a result that is
/// not JSON.
pub fn machine_definition(properties: &Map<String, Value>) -> Result<Value, String> {
    let text = match (properties.get("DefinitionString"), properties.get("Definition")) {
        (Some(Value::String(text)), None) => text.clone(),
        (None, Some(definition @ Value::Object(_))) => definition.to_string(),
        _ => return Err("a state machine needs either DefinitionString or Definition".to_owned()),
    };
    let none = Map::new();
    let substitutions = properties.get("DefinitionSubstitutions").and_then(Value::as_object).unwrap_or(&none);
    let mut result = String::new();
    let mut quotes = Quotes::default();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("${") {
        result.push_str(before);
        quotes.read(before);
        let known = after.split_once('}').and_then(|(name, behind)| Some((substitutions.get(name)?, name, behind)));
        let Some((value, name, behind)) = known else {
            // Not a substitution: the service leaves it alone, and shells in jobs rely on that.
            result.push_str("${");
            rest = after;
            continue;
        };
        let Some(value) = super::intrinsics::text_of(value) else {
            return Err(format!("definition substitution {name} must be a text, a number or a boolean"));
        };
        if quotes.inside {
            let quoted = Value::String(value).to_string();
            result.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
        } else {
            result.push_str(&value);
        }
        rest = behind;
    }
    result.push_str(rest);
    serde_json::from_str(&result).map_err(|error| format!("the definition is not JSON: {error}"))
}

/// Knows whether the JSON read so far ends inside one of its texts.
#[derive(Default)]
struct Quotes {
    inside: bool,
    escaped: bool,
}

impl Quotes {
    fn read(&mut self, json: &str) {
        for byte in json.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.inside => self.escaped = true,
                b'"' => self.inside = !self.inside,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substitutions_are_spelled_for_the_place_they_stand_in() {
        let properties = json!({
            "DefinitionString": r#"{"a": "\"${Text}", "b": ${Number}, "c": ${Object}, "d": "${Unknown}"}"#,
            "DefinitionSubstitutions": {"Text": "x\"\n", "Number": 5, "Object": "{\"k\": true}"},
        });
        let properties = properties.as_object().expect("object");
        let definition = machine_definition(properties).expect("definition");
        assert_eq!(definition, json!({"a": "\"x\"\n", "b": 5, "c": {"k": true}, "d": "${Unknown}"}));
    }

    #[test]
    fn a_definition_that_is_no_json_says_so() {
        let properties = json!({"DefinitionString": "{"});
        let refused = machine_definition(properties.as_object().expect("object")).expect_err("refused");
        assert!(refused.starts_with("the definition is not JSON"), "{refused}");
    }
}
