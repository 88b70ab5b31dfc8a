//! Promises of [`Functions`].

use serde_json::json;

use crate::port::{FunctionError, Functions};

/// Runs all tests; the function named `echo` returns its payload, and the one named `broken` fails.
pub async fn all(functions: &dyn Functions, echo: &str, broken: &str) {
    a_function_gets_the_payload_and_its_value_comes_back(functions, echo).await;
    a_failure_has_a_name_to_catch(functions, broken).await;
    a_function_that_is_not_there_is_unknown(functions).await;
}

/// Payload in, value out.
pub async fn a_function_gets_the_payload_and_its_value_comes_back(functions: &dyn Functions, echo: &str) {
    let payload = json!({"a": [1, null, "ä"], "b": {"c": true}});
    assert_eq!(functions.invoke(echo, "State", payload.clone()).await.expect("returns"), payload);
}

/// A function that fails by itself is told apart from one that cannot be called.
pub async fn a_failure_has_a_name_to_catch(functions: &dyn Functions, broken: &str) {
    let error = functions.invoke(broken, "State", json!({})).await.expect_err("fails");
    assert!(matches!(&error, FunctionError::Failed { error, .. } if !error.is_empty()), "{error}");
}

/// The message of an unknown function names it.
pub async fn a_function_that_is_not_there_is_unknown(functions: &dyn Functions) {
    let error = functions.invoke("contract-missing", "State", json!({})).await.expect_err("is not there");
    assert!(matches!(error, FunctionError::Unknown(_)), "{error}");
    assert!(error.to_string().contains("contract-missing"), "{error}");
}
