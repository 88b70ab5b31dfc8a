//! The `Rules` section: assertions about parameters.

use serde_json::{Map, Value};

use super::Refusal;
use super::intrinsics::Scope;

/// Checks every rule and refuses with all assertions that do not hold.
pub(super) fn check(rules: &Map<String, Value>, scope: &Scope<'_>) -> Result<(), Refusal> {
    let mut broken = Vec::new();
    for (name, rule) in rules {
        let malformed =
            || Refusal::format(format_args!("[/Rules/{name}] every rule must contain a list of Assertions."));
        let entries = rule.as_object().ok_or_else(malformed)?;
        if let Some(condition) = entries.get("RuleCondition")
            && !scope.holds(condition)?
        {
            continue;
        }
        for assertion in entries.get("Assertions").and_then(Value::as_array).ok_or_else(malformed)? {
            let assert = assertion.get("Assert").ok_or_else(malformed)?;
            if !scope.holds(assert)? {
                let description = assertion.get("AssertDescription").and_then(Value::as_str);
                broken.push(format!("{name}: {}", description.unwrap_or("the assertion does not hold")));
            }
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    Err(Refusal::validation(format!("Template error: rules are not satisfied: {}", broken.join("; "))))
}
