use serde_json::Value;

use crate::framework::Failure;

/// Makes one payload of those of a `Parallel`'s branches or a `Map`'s items (deployment-plan.md 9.4).
pub(super) fn run(_input: &Value) -> Result<Value, Failure> {
    Err(Failure::new("MergeError", "not merged yet"))
}
