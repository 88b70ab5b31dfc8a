use serde_json::{Map, Value};
use thiserror::Error;

/// The key under which a `Parallel` with a merge of its own puts the payloads of its branches.
pub const BRANCH_RESULTS: &str = "attiniMerge";

/// Returns the `ResultPath` of such a `Parallel`.
pub(crate) fn branch_results_path() -> String {
    format!("$.{BRANCH_RESULTS}")
}

/// Payloads that cannot be merged. The step fails with the error name `MergeError`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MergeError {
    /// The merge step follows something whose output is no payload.
    #[error("the input must be the list of payloads that a Parallel or Map returns, it is {actual}")]
    NoList {
        /// The type of the input: `a string`.
        actual: &'static str,
    },
    /// A branch or iteration ended with something else than a payload.
    #[error("each branch must end with an object, number {number} ends with {actual}")]
    NoObject {
        /// Position of the branch, counted from 1.
        number: usize,
        /// The type of its output: `a string`.
        actual: &'static str,
    },
}

/// Merges what a merge step got as `InputsToMerge`; see [`crate::payload`] for the three shapes.
///
/// # Errors
///
/// When the input is neither a list of objects nor an object.
pub fn merge_step(input: &Value) -> Result<Value, MergeError> {
    match input {
        Value::Array(inputs) => merge(inputs, None),
        Value::Object(fields) => match fields.get(BRANCH_RESULTS) {
            Some(Value::Array(inputs)) => {
                let mut base = fields.clone();
                base.shift_remove(BRANCH_RESULTS);
                merge(inputs, Some(&Value::Object(base)))
            }
            _ => Ok(input.clone()),
        },
        other => Err(MergeError::NoList { actual: crate::asl::kind_of(other) }),
    }
}

/// Merges payloads, earlier ones first (deployment-plan.md 9.4).
///
/// Objects are merged key by key at every depth. Lists are joined, earlier items first, each item once; lists that are
/// equal stay as they are. Of other values that differ the later one wins, but `null` yields to any value. With `base`,
/// from which all inputs started, a value that differs from it beats one that does not. No inputs give the base, or an
/// empty object without one.
///
/// # Errors
///
/// When an input is not an object.
pub fn merge(inputs: &[Value], base: Option<&Value>) -> Result<Value, MergeError> {
    for (index, input) in inputs.iter().enumerate() {
        if !input.is_object() {
            return Err(MergeError::NoObject { number: index + 1, actual: crate::asl::kind_of(input) });
        }
    }
    if inputs.is_empty() {
        return Ok(base.cloned().unwrap_or_else(|| Value::Object(Map::new())));
    }
    let inputs: Vec<&Value> = inputs.iter().collect();
    Ok(join(&inputs, base))
}

/// Joins at least one value.
fn join(values: &[&Value], base: Option<&Value>) -> Value {
    if values.iter().all(|value| value.is_object()) {
        return join_objects(values, base);
    }
    let changed: Vec<&Value> = values.iter().copied().filter(|value| base != Some(*value)).collect();
    let candidates = if changed.is_empty() { values } else { &changed };
    let given: Vec<&Value> = candidates.iter().copied().filter(|value| !value.is_null()).collect();
    let Some(last) = given.last() else { return Value::Null };
    // A fold from the left: values of another type than a later one's do not matter.
    let same_type = |value: &&&Value| std::mem::discriminant(**value) == std::mem::discriminant(*last);
    let run = given.iter().rev().take_while(same_type).count();
    let given = &given[given.len() - run..];
    match last {
        Value::Object(_) => join_objects(given, base),
        Value::Array(_) => join_lists(given),
        other => (*other).clone(),
    }
}

fn join_objects(values: &[&Value], base: Option<&Value>) -> Value {
    if let [one] = values {
        return (*one).clone();
    }
    let mut keys: Map<String, Value> = Map::new();
    for key in values.iter().filter_map(|value| value.as_object()).flat_map(Map::keys) {
        if !keys.contains_key(key) {
            let below: Vec<&Value> = values.iter().filter_map(|value| value.get(key)).collect();
            keys.insert(key.clone(), join(&below, base.and_then(|base| base.get(key))));
        }
    }
    Value::Object(keys)
}

fn join_lists(values: &[&Value]) -> Value {
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        return values[0].clone();
    }
    let mut items: Vec<Value> = Vec::new();
    for item in values.iter().filter_map(|value| value.as_array()).flatten() {
        if !items.contains(item) {
            items.push(item.clone());
        }
    }
    Value::Array(items)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may panic")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fold(inputs: &Value) -> Value {
        merge_step(inputs).unwrap()
    }

    #[test]
    fn plan_case_47_the_fold() {
        let inputs = json!([{"k": 1, "output": {"A": {"x": 1}}}, {"k": 2, "output": {"B": {"y": 2}}}]);
        assert_eq!(fold(&inputs), json!({"k": 2, "output": {"A": {"x": 1}, "B": {"y": 2}}}));
        assert_eq!(fold(&json!([])), json!({}));
        assert_eq!(fold(&json!([{"l": [1, 2]}, {"l": [2, 3]}])), json!({"l": [1, 2, 3]}));
        assert_eq!(fold(&json!([{"l": [1, 1]}, {"l": [1, 1]}])), json!({"l": [1, 1]}));
        assert_eq!(fold(&json!([{"a": 1}, {"a": null}])), json!({"a": 1}));
        assert_eq!(fold(&json!([{"a": null}, {"a": null}])), json!({"a": null}));
    }

    #[test]
    fn the_later_branch_wins_at_every_depth() {
        let inputs = json!([{"a": {"b": {"c": 1, "d": [1]}}}, {"a": {"b": {"c": 2, "d": "text"}}}]);
        assert_eq!(fold(&inputs), json!({"a": {"b": {"c": 2, "d": "text"}}}));
        assert_eq!(fold(&json!([{"a": {"x": 1}}, {"a": 5}, {"a": {"y": 2}}])), json!({"a": {"y": 2}}));
    }

    #[test]
    fn plan_case_48_a_changed_value_beats_the_old_one() {
        let input = |inputs: Value| json!({"k": 1, "output": {"A": {"x": "old"}}, "attiniMerge": inputs});
        let branch = |x: &str| json!({"k": 1, "output": {"A": {"x": x}}});
        let merged = fold(&input(json!([branch("new"), branch("old")])));
        assert_eq!(merged, branch("new"));
        assert_eq!(fold(&input(json!([branch("old"), branch("old")]))), branch("old"));
        assert_eq!(fold(&input(json!([branch("one"), branch("two"), branch("old")]))), branch("two"));
        assert_eq!(fold(&input(json!([]))), branch("old"));
    }

    #[test]
    fn a_changed_type_beats_the_old_value_and_lists_of_branches_join() {
        let base = json!({"a": {"x": 1}, "l": [1]});
        let merged = merge(&[json!({"a": 5, "l": [1, 2]}), json!({"a": {"x": 1}, "l": [1, 3]})], Some(&base)).unwrap();
        assert_eq!(merged, json!({"a": 5, "l": [1, 2, 3]}));
    }

    #[test]
    fn a_branch_that_dropped_the_payload_does_not_take_it_from_the_others() {
        let base = json!({"environment": "dev", "output": {}});
        let merged = merge(&[json!({"x": 1}), base.clone()], Some(&base)).unwrap();
        assert_eq!(merged, json!({"x": 1, "environment": "dev", "output": {}}));
    }

    #[test]
    fn inputs_that_are_no_payloads() {
        assert_eq!(fold(&json!({"a": 1})), json!({"a": 1}));
        let error = merge_step(&json!([{}, "text"])).unwrap_err();
        assert_eq!(error.to_string(), "each branch must end with an object, number 2 ends with a string");
        assert!(merge_step(&json!("text")).is_err());
    }

    proptest! {
        #[test]
        fn equal_branches_merge_to_themselves(value in prop::collection::hash_map("[a-c]", prop::collection::vec(0..3, 0..3), 0..4)) {
            let value = json!(value);
            prop_assert_eq!(merge(&[value.clone(), value.clone()], None).unwrap(), value.clone());
            prop_assert_eq!(merge(&[value.clone(), value.clone()], Some(&json!({"a": [9]}))).unwrap(), value);
        }
    }
}
