//! Promises of [`TaskTokens`].

use serde_json::json;

use crate::port::{AnswerError, TaskTokens};
use crate::value::TaskToken;

/// Runs all tests; `open` lets a new step wait and returns its token.
pub async fn all(tokens: &dyn TaskTokens, open: &(dyn Fn() -> TaskToken + Sync)) {
    an_answered_step_takes_nothing_more(tokens, &open(), &open()).await;
    a_heartbeat_leaves_the_step_waiting(tokens, &open()).await;
    an_output_too_large_leaves_the_step_waiting(tokens, &open()).await;
    long_errors_are_cut(tokens, &open()).await;
    an_unknown_token_is_closed(tokens).await;
}

async fn assert_closed(tokens: &dyn TaskTokens, token: &TaskToken) {
    let answers = [
        tokens.succeed(token, &json!({})).await,
        tokens.fail(token, "Error", "cause").await,
        tokens.heartbeat(token).await,
    ];
    for answer in answers {
        assert!(matches!(answer, Err(AnswerError::Closed)), "{answer:?}");
    }
}

/// A token takes exactly one answer.
pub async fn an_answered_step_takes_nothing_more(tokens: &dyn TaskTokens, one: &TaskToken, two: &TaskToken) {
    tokens.succeed(one, &json!({"a": "ä"})).await.expect("waits");
    assert_closed(tokens, one).await;
    tokens.fail(two, "Error", "cause").await.expect("waits");
    assert_closed(tokens, two).await;
}

/// However many there are.
pub async fn a_heartbeat_leaves_the_step_waiting(tokens: &dyn TaskTokens, token: &TaskToken) {
    for _ in 0..3 {
        tokens.heartbeat(token).await.expect("waits");
    }
    tokens.succeed(token, &json!(null)).await.expect("waits");
}

/// 262,144 bytes of JSON are taken, one more is not.
pub async fn an_output_too_large_leaves_the_step_waiting(tokens: &dyn TaskTokens, token: &TaskToken) {
    // Two bytes are the quotes.
    let error = tokens.succeed(token, &json!("x".repeat(262_143))).await.expect_err("is too large");
    assert!(matches!(error, AnswerError::TooLarge { size_bytes: 262_145, limit_bytes: 262_144 }), "{error}");
    tokens.succeed(token, &json!("x".repeat(262_142))).await.expect("waits");
}

/// A long message must not be the reason that a step waits forever. Length is counted in characters.
pub async fn long_errors_are_cut(tokens: &dyn TaskTokens, token: &TaskToken) {
    tokens.fail(token, &"ä".repeat(300), &"ä".repeat(40_000)).await.expect("waits");
}

/// As one whose execution is long gone.
pub async fn an_unknown_token_is_closed(tokens: &dyn TaskTokens) {
    assert_closed(tokens, &TaskToken::new("contract-unknown")).await;
}
