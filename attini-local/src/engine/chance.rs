use std::fmt;

use attini_core::value::TaskToken;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::action::EffectId;

/// Where an execution's task tokens and random numbers come from: a text that nobody can guess, different for each
/// execution. Two executions with the same seed and the same events do the same.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(String);

impl Seed {
    /// Takes a seed; for real runs, at least 128 random bits as text.
    #[must_use]
    pub fn new(seed: impl Into<String>) -> Self {
        Self(seed.into())
    }

    fn digest(&self, purpose: &str, what: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [&self.0, purpose, what] {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    pub(super) fn token(&self, effect: &EffectId) -> TaskToken {
        TaskToken::new(hex::encode(self.digest("task token", effect.as_str())))
    }

    /// Returns the name of something the execution makes, such as a child execution: a UUID.
    pub(super) fn uuid(&self, purpose: &str, what: &str) -> String {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = self.digest(purpose, what);
        let bytes = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p];
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// Returns the `n`th random number of the execution.
    pub(super) fn random(&self, n: u64) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.digest("random number", &n.to_string());
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

/// The seed is a secret: who has it has all task tokens.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}
