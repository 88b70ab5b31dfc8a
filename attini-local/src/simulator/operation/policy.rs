//! Stack policies: which resources an update may change, replace or delete.
//!
//! Rules: "Prevent updates to stack resources" in CloudFormation's user guide. With a policy, what no statement allows is
//! denied, and a denial wins.

use serde_json::Value;

use super::super::Refusal;
use super::ChangeAction;
use super::engine::Engine;

/// Refuses what is no policy.
pub(super) fn check(policy: Option<&Value>) -> Result<(), Refusal> {
    let Some(policy) = policy else { return Ok(()) };
    let broken = |text: String| Err(Refusal::validation(format!("Error validating stack policy: {text}")));
    let Some(statements) = policy.get("Statement").and_then(Value::as_array) else {
        return broken("it must have a list of statements, `Statement`".to_owned());
    };
    for (index, statement) in statements.iter().enumerate() {
        let has = |key: &str| statement.get(key).is_some();
        let effect = statement.get("Effect").and_then(Value::as_str).unwrap_or_default();
        if !matches!(effect, "Allow" | "Deny") {
            return broken(format!("/Statement/{index}/Effect must be Allow or Deny"));
        }
        if statement.get("Principal").is_some_and(|principal| principal != "*") || !has("Principal") {
            return broken(format!("/Statement/{index}/Principal must be \"*\""));
        }
        if has("Action") == has("NotAction") || has("Resource") == has("NotResource") && !has("Condition") {
            return broken(format!("/Statement/{index} must have Action or NotAction, and Resource or NotResource"));
        }
    }
    Ok(())
}

impl Engine<'_, '_> {
    /// Returns the reason when the stack's policy does not let an update do something to a resource.
    pub(super) fn policy_allows(&self, action: ChangeAction, logical_id: &str, kind: &str) -> Result<(), String> {
        let Some(policy) = &self.request.policy else { return Ok(()) };
        let action = match action {
            ChangeAction::Add => return Ok(()),
            ChangeAction::Modify => "Update:Modify",
            ChangeAction::Replace => "Update:Replace",
            ChangeAction::Remove => "Update:Delete",
        };
        let mut allowed = false;
        for (index, statement) in policy.get("Statement").and_then(Value::as_array).into_iter().flatten().enumerate() {
            if !applies(statement, action, logical_id, kind) {
                continue;
            }
            if statement.get("Effect").and_then(Value::as_str) == Some("Deny") {
                return Err(format!(
                    "Action denied by stack policy: Statement [#{}] does not allow [{action}] for resource [LogicalResourceId/{logical_id}]",
                    index + 1
                ));
            }
            allowed = true;
        }
        if allowed {
            return Ok(());
        }
        Err(format!(
            "Action denied by stack policy: no statement allows [{action}] for resource [LogicalResourceId/{logical_id}]"
        ))
    }
}

fn applies(statement: &Value, action: &str, logical_id: &str, kind: &str) -> bool {
    let target = format!("LogicalResourceId/{logical_id}");
    let holds = |key: &str, negated: &str, text: &str| match (statement.get(key), statement.get(negated)) {
        (Some(patterns), _) => any(patterns, text),
        (None, Some(patterns)) => !any(patterns, text),
        (None, None) => true,
    };
    let conditions = statement.get("Condition").and_then(Value::as_object);
    let typed = conditions
        .into_iter()
        .flatten()
        .all(|(_, keys)| keys.get("ResourceType").is_none_or(|patterns| any(patterns, kind)));
    holds("Action", "NotAction", action) && holds("Resource", "NotResource", &target) && typed
}

fn any(patterns: &Value, text: &str) -> bool {
    match patterns {
        Value::Array(patterns) => patterns.iter().any(|pattern| any(pattern, text)),
        Value::String(pattern) => matches(pattern, text),
        _ => false,
    }
}

/// `*` is any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = text.get(at + part.len()..).unwrap_or_default();
    }
    text.ends_with(end)
}
