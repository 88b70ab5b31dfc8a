//! Promises of [`ParameterStore`].

use crate::port::ParameterStore;

/// Runs all tests. There are no parameters below `/contract/`.
pub async fn all(parameters: &dyn ParameterStore) {
    a_missing_parameter_is_none(parameters).await;
    a_value_is_read_back_and_replaced(parameters).await;
    names_are_exact(parameters).await;
}

async fn find(parameters: &dyn ParameterStore, name: &str) -> Option<String> {
    parameters.find(name).await.expect("reads")
}

/// Nothing there is no error.
pub async fn a_missing_parameter_is_none(parameters: &dyn ParameterStore) {
    assert_eq!(find(parameters, "/contract/missing").await, None);
}

/// The last write counts.
pub async fn a_value_is_read_back_and_replaced(parameters: &dyn ParameterStore) {
    for value in ["one", "zwei ä \"x\""] {
        parameters.put("/contract/value", value, "a value").await.expect("writes");
        assert_eq!(find(parameters, "/contract/value").await.as_deref(), Some(value));
    }
}

/// Letter case and every part count.
pub async fn names_are_exact(parameters: &dyn ParameterStore) {
    parameters.put("/contract/name/a", "a", "").await.expect("writes");
    parameters.put("/contract/name/A", "A", "").await.expect("writes");
    assert_eq!(find(parameters, "/contract/name/a").await.as_deref(), Some("a"));
    assert_eq!(find(parameters, "/contract/name/A").await.as_deref(), Some("A"));
    assert_eq!(find(parameters, "/contract/name").await, None);
}
