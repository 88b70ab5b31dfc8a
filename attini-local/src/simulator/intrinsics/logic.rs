//! Conditions: `Fn::If`, `Fn::Equals`, `Fn::And`, `Fn::Or`, `Fn::Not`, `Condition`, and the functions of rules.

use serde_json::Value;

use super::{Fault, Scope, text_of};

impl Scope<'_> {
    pub(super) fn choose(&self, argument: &Value) -> Result<Option<Value>, Fault> {
        let Some([Value::String(condition), then, otherwise]) = argument.as_array().map(Vec::as_slice) else {
            return Err(Fault::template(
                "every Fn::If object requires a list of three parameters, a condition name and two values",
            ));
        };
        let holds = self.condition(condition)?;
        self.resolve(if holds { then } else { otherwise })
    }

    /// Evaluates a condition: a function, `{"Condition": name}`, or a function that gives `true` or `false`.
    pub(in super::super) fn holds(&self, value: &Value) -> Result<bool, Fault> {
        let entries = value.as_object().filter(|entries| entries.len() == 1);
        match entries.and_then(|entries| entries.iter().next()) {
            Some((name, Value::String(condition))) if name == "Condition" => self.condition(condition),
            Some((name, argument)) if is_boolean_function(name) => self.holds_call(name, argument),
            _ => match self.resolve(value)?.as_ref().and_then(text_of).as_deref() {
                Some("true") => Ok(true),
                Some("false") => Ok(false),
                _ => Err(Fault::template("every condition must evaluate to a boolean")),
            },
        }
    }

    pub(super) fn holds_call(&self, name: &str, argument: &Value) -> Result<bool, Fault> {
        let arguments = argument.as_array().map(Vec::as_slice);
        match (name, arguments) {
            ("Fn::Equals", Some([left, right])) => Ok(same(&self.resolve(left)?, &self.resolve(right)?)),
            ("Fn::Equals", _) => {
                Err(Fault::template("every Fn::Equals object requires a list of 2 string parameters."))
            }
            ("Fn::Not", Some([condition])) => Ok(!self.holds(condition)?),
            ("Fn::Not", _) => Err(Fault::template("every Fn::Not object requires one boolean parameter.")),
            ("Fn::And" | "Fn::Or", Some(conditions)) if (2..=10).contains(&conditions.len()) => {
                // All are evaluated: a wrong one is reported wherever it stands.
                let outcomes = conditions.iter().map(|one| self.holds(one)).collect::<Result<Vec<_>, _>>()?;
                Ok(if name == "Fn::And" { outcomes.iter().all(|one| *one) } else { outcomes.contains(&true) })
            }
            ("Fn::And" | "Fn::Or", _) => Err(Fault::template(format_args!(
                "every {name} object requires a list of at least 2 and at most 10 boolean parameters."
            ))),
            ("Fn::Contains", Some([list, value])) => {
                let value = self.resolve(value)?;
                Ok(self.list(list, CONTAINS)?.into_iter().any(|item| same(&Some(item), &value)))
            }
            ("Fn::EachMemberEquals", Some([list, value])) => {
                let value = self.resolve(value)?;
                Ok(self.list(list, CONTAINS)?.into_iter().all(|item| same(&Some(item), &value)))
            }
            ("Fn::EachMemberIn", Some([list, allowed])) => {
                let allowed: Vec<_> = self.list(allowed, CONTAINS)?.into_iter().map(Some).collect();
                let member = |item: Value| allowed.iter().any(|one| same(one, &Some(item.clone())));
                Ok(self.list(list, CONTAINS)?.into_iter().all(member))
            }
            ("Fn::Contains" | "Fn::EachMemberEquals" | "Fn::EachMemberIn", _) => Err(Fault::template(CONTAINS)),
            _ => Err(Fault::template(format_args!("encountered unsupported function: {name}"))),
        }
    }

    fn condition(&self, name: &str) -> Result<bool, Fault> {
        self.conditions
            .get(name)
            .copied()
            .ok_or_else(|| Fault::template(format_args!("unresolved condition dependency {name} in Fn::If")))
    }
}

const CONTAINS: &str = "Fn::Contains, Fn::EachMemberEquals and Fn::EachMemberIn require two parameters: a list of strings, and the string or list to compare it with";

fn is_boolean_function(name: &str) -> bool {
    let names =
        ["Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"];
    names.contains(&name)
}

/// Scalars are compared as texts: `true` equals `"true"`.
fn same(left: &Option<Value>, right: &Option<Value>) -> bool {
    match (left.as_ref().and_then(text_of), right.as_ref().and_then(text_of)) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}
