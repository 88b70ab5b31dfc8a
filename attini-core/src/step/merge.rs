use serde_json::Value;

use crate::framework::Failure;
use crate::payload::merge_step;

/// Makes one payload of those of a `Parallel`'s branches or a `Map`'s items (deployment-plan.md 9.4).
///
/// # Errors
///
/// `MergeError` for an input that is neither a payload nor a list of them.
pub(super) fn run(input: &Value) -> Result<Value, Failure> {
    let inputs = input.get("InputsToMerge").unwrap_or(&Value::Null);
    merge_step(inputs).map_err(|error| Failure::new("MergeError", error.to_string()))
}
