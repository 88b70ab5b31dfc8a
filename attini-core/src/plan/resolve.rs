//! A template as people read it: parameters, and what follows from them, replaced by their values.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::kinds::read_flag;
use super::request::partition_of;
use super::resource::machine_id;
use super::survey::find_plans;
use crate::asl::scalar_text;

/// Values by the names that `Ref` and `Fn::Sub` use: texts, and lists of texts for parameters of list types.
pub type KnownValues = BTreeMap<String, Value>;

/// Returns what is known of the parameters of a template, given their values as texts.
///
/// A parameter with `NoEcho` is left out, because its value must not be shown, and so is one that names a parameter of the
/// parameter store, whose value nobody knows here.
#[must_use]
pub fn known_parameters(template: &Value, values: &BTreeMap<String, String>) -> KnownValues {
    let declared = template.get("Parameters").and_then(Value::as_object).into_iter().flatten();
    let known = declared.filter_map(|(name, declaration)| {
        let text = values.get(name)?;
        let kind = declaration.get("Type").and_then(Value::as_str).unwrap_or_default();
        if kind.starts_with("AWS::SSM::") || declaration.get("NoEcho").and_then(read_flag) == Some(true) {
            return None;
        }
        let list = kind == "CommaDelimitedList" || kind.starts_with("List<");
        let value = if list { text.split(',').map(str::trim).collect() } else { json!(text) };
        Some((name.clone(), value))
    });
    known.collect()
}

/// Returns what CloudFormation itself knows of a stack: `AWS::Region` and its like.
#[must_use]
pub fn known_place(region: &str, account: &str, stack_name: Option<&str>) -> KnownValues {
    let partition = partition_of(region);
    let suffix = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    let known = [
        ("AWS::Region", Some(region)),
        ("AWS::AccountId", Some(account)),
        ("AWS::Partition", Some(partition)),
        ("AWS::URLSuffix", Some(suffix)),
        ("AWS::StackName", stack_name),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect()
}

/// Replaces `Ref`, `Fn::Sub` and `Fn::Join` in resources and outputs as far as values are known, and gives the declared
/// parameters these values as defaults.
pub fn resolve_template(template: &mut Value, known: &KnownValues) {
    for section in ["Resources", "Outputs"] {
        if let Some(section) = template.get_mut(section) {
            resolve(section, known);
        }
    }
    for (name, declaration) in template.get_mut("Parameters").and_then(Value::as_object_mut).into_iter().flatten() {
        let text = match known.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            Some(value) => scalar_text(value).unwrap_or_default(),
            None => continue,
        };
        if let Some(declaration) = declaration.as_object_mut() {
            declaration.insert("Default".to_owned(), Value::String(text));
        }
    }
}

/// Replaces functions by their values, from the inside out; what is not known stays a function.
fn resolve(value: &mut Value, known: &KnownValues) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, known)),
        Value::Object(fields) => {
            // The values that a `Fn::Sub` brings along are resolved before its text.
            fields.values_mut().for_each(|field| resolve(field, known));
            let found = match fields.iter().next() {
                Some((key, argument)) if fields.len() == 1 => call(key, argument, known),
                _ => None,
            };
            if let Some(found) = found {
                *value = found;
            }
        }
        _ => {}
    }
}

/// Returns what a function with resolved arguments gives, if that is known or at least simpler.
fn call(function: &str, argument: &Value, known: &KnownValues) -> Option<Value> {
    match (function, argument) {
        ("Ref", Value::String(name)) => known.get(name).cloned(),
        ("Fn::Sub", Value::String(text)) => Some(substituted(text, known, &Map::new())),
        ("Fn::Sub", Value::Array(parts)) => {
            let [Value::String(text), Value::Object(own)] = parts.as_slice() else { return None };
            let mut all = known.clone();
            // What is not known must not be taken for a parameter of the same name.
            all.retain(|name, _| !own.contains_key(name));
            let (told, open): (Map<_, _>, Map<_, _>) =
                own.clone().into_iter().partition(|(_, value)| scalar_text(value).is_some());
            all.extend(told);
            Some(substituted(text, &all, &open))
        }
        ("Fn::Join", Value::Array(parts)) => {
            let [Value::String(delimiter), Value::Array(items)] = parts.as_slice() else { return None };
            let texts: Option<Vec<String>> = items.iter().map(scalar_text).collect();
            Some(Value::String(texts?.join(delimiter)))
        }
        _ => None,
    }
}

/// Returns a text with its known names replaced: a plain text, or a `Fn::Sub` of what is left.
fn substituted(text: &str, known: &KnownValues, open: &Map<String, Value>) -> Value {
    let (mut left, mut plain) = (String::with_capacity(text.len()), String::with_capacity(text.len()));
    let mut whole = true;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        left.push_str(before);
        plain.push_str(before);
        rest = after;
        let Some((name, behind)) = after.split_once('}') else {
            left.push_str("${");
            plain.push_str("${");
            continue;
        };
        if let Some(value) = known.get(name.trim()).and_then(scalar_text) {
            // A value that looks like a name must stay what it is.
            left.push_str(&value.replace("${", "${!"));
            plain.push_str(&value);
        } else {
            left.push_str(&format!("${{{name}}}"));
            match name.strip_prefix('!') {
                Some(literal) => plain.push_str(&format!("${{{literal}}}")),
                None => whole = false,
            }
        }
        rest = behind;
    }
    left.push_str(rest);
    plain.push_str(rest);
    match (whole, open.is_empty()) {
        (true, _) => Value::String(plain),
        (false, true) => json!({"Fn::Sub": left}),
        (false, false) => json!({"Fn::Sub": [left, open]}),
    }
}

/// Returns the definition of the state machine that the plan of a template became: `template` as written, `expanded` after
/// the macro and [`resolve_template`]. `None` when the template holds no plan.
///
/// It is plain States Language: `${Name}` stands for what is only known when the stack is deployed, as in a definition with
/// substitutions, and `DefinitionSubstitutions` with known values are applied.
#[must_use]
pub fn plan_machine(template: &Value, expanded: &Value) -> Option<Value> {
    let plan = find_plans(template).into_iter().next()?;
    let properties = &expanded.get("Resources")?.get(machine_id(&plan.logical_id))?["Properties"];
    let mut definition = properties.get("Definition")?.clone();
    let given = properties.get("DefinitionSubstitutions").and_then(Value::as_object);
    let mut known: Vec<(String, String)> = Vec::new();
    for (name, value) in given.into_iter().flatten() {
        known.extend(scalar_text(value).map(|text| (format!("${{{name}}}"), text)));
    }
    to_text(&mut definition, &known, &mut 0);
    Some(definition)
}

/// Writes the functions that are left as `${…}`.
fn to_text(value: &mut Value, known: &[(String, String)], count: &mut usize) {
    if super::references::is_intrinsic(value) {
        let text = match value.as_object().and_then(|call| call.iter().next()) {
            Some((function, Value::String(text))) => match function.as_str() {
                "Ref" | "Fn::GetAtt" => format!("${{{text}}}"),
                "Fn::Sub" => text.clone(),
                _ => placeholder(count),
            },
            Some((function, Value::Array(parts))) if function == "Fn::GetAtt" => {
                let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
                format!("${{{}}}", parts.join("."))
            }
            _ => placeholder(count),
        };
        *value = Value::String(text);
    }
    match value {
        Value::String(text) => {
            for (name, replacement) in known {
                if text.contains(name.as_str()) {
                    *text = text.replace(name.as_str(), replacement);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| to_text(item, known, count)),
        Value::Object(fields) => fields.values_mut().for_each(|field| to_text(field, known, count)),
        _ => {}
    }
}

/// The names are those that the SAM transform would use.
fn placeholder(count: &mut usize) -> String {
    *count += 1;
    format!("${{definition_substitution_{count}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> KnownValues {
        let mut known = known_place("eu-west-1", "000000000000", Some("dev-shop"));
        known.insert("Env".to_owned(), json!("dev"));
        known.insert("Nets".to_owned(), json!(["a", "b"]));
        known.insert("Odd".to_owned(), json!("${Env}"));
        known
    }

    fn resolved(mut value: Value) -> Value {
        resolve(&mut value, &known());
        value
    }

    #[test]
    fn what_is_known_becomes_a_value_and_the_rest_stays() {
        assert_eq!(resolved(json!({"Ref": "Env"})), "dev");
        assert_eq!(resolved(json!({"Ref": "Topic"})), json!({"Ref": "Topic"}));
        assert_eq!(resolved(json!({"Fn::Sub": "${Env}-${AWS::Region}-${!Env}"})), "dev-eu-west-1-${Env}");
        assert_eq!(
            resolved(json!({"Fn::Sub": "${Env}-${Topic.Arn}-${!Env}-${Odd}"})),
            json!({"Fn::Sub": "dev-${Topic.Arn}-${!Env}-${!Env}"})
        );
        assert_eq!(resolved(json!({"Fn::Join": [",", {"Ref": "Nets"}]})), "a,b");
        assert_eq!(
            resolved(json!({"Fn::Join": ["", ["x", {"Ref": "T"}]]})),
            json!({"Fn::Join": ["", ["x", {"Ref": "T"}]]})
        );
        assert_eq!(resolved(json!({"Fn::Sub": ["${A}-${Env}", {"A": {"Ref": "Env"}}]})), "dev-dev");
        // The map of a Fn::Sub hides a parameter of the same name.
        assert_eq!(
            resolved(json!({"Fn::Sub": ["${Env}", {"Env": {"Ref": "T"}}]})),
            json!({"Fn::Sub": ["${Env}", {"Env": {"Ref": "T"}}]})
        );
        assert_eq!(resolved(json!({"Ref": "Env", "b": 1})), json!({"Ref": "Env", "b": 1}));
    }

    #[test]
    fn secrets_and_stored_parameters_are_not_known() {
        let mut template = json!({"Parameters": {
            "A": {"Type": "String"}, "B": {"Type": "String", "NoEcho": "true"},
            "C": {"Type": "AWS::SSM::Parameter::Value<String>"}, "D": {"Type": "List<Number>"}, "E": {"Type": "String"},
        }, "Resources": {"T": {"Properties": {"x": [{"Ref": "A"}, {"Ref": "B"}, {"Ref": "D"}]}}}});
        let given = ["A", "B", "C", "D"].map(|name| (name.to_owned(), "1, 2".to_owned())).into();
        let known = known_parameters(&template, &given);
        assert_eq!(known, [("A".to_owned(), json!("1, 2")), ("D".to_owned(), json!(["1", "2"]))].into());
        resolve_template(&mut template, &known);
        assert_eq!(template["Resources"]["T"]["Properties"]["x"], json!(["1, 2", {"Ref": "B"}, ["1", "2"]]));
        assert_eq!(template["Parameters"]["D"]["Default"], "1,2");
        assert_eq!(template["Parameters"]["B"].get("Default"), None);
    }

    #[test]
    fn a_machine_holds_no_functions() {
        let template = json!({"Resources": {"Plan": {"Type": "Attini::Deploy::DeploymentPlan"}}});
        let definition = json!({"States": {"A": {
            "Resource": {"Fn::GetAtt": ["F", "Arn"]}, "b": {"Fn::GetAtt": "F.Name"}, "c": {"Ref": "T"},
            "d": {"Fn::Sub": "x-${T}"}, "e": {"Fn::Select": [0, ["a"]]}, "f": "${Key} ${Other} ${SHELL}",
        }}});
        let properties =
            json!({"Definition": definition, "DefinitionSubstitutions": {"Key": 5, "Other": {"Ref": "T"}}});
        let expanded = json!({"Resources": {"AttiniDeploymentPlanSfnPlan": {"Properties": properties}}});
        let machine = plan_machine(&template, &expanded).expect("a machine");
        let state = json!({
            "Resource": "${F.Arn}", "b": "${F.Name}", "c": "${T}", "d": "x-${T}", "e": "${definition_substitution_1}",
            "f": "5 ${Other} ${SHELL}",
        });
        assert_eq!(machine["States"]["A"], state);
        assert_eq!(plan_machine(&json!({"Resources": {}}), &expanded), None);
    }
}
