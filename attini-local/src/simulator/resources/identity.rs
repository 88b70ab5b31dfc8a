//! Texts that look like ids of the service and are the same for the same resource.

use sha2::{Digest, Sha256};

use super::Subject;

/// The fingerprint of one resource.
pub(super) struct Identity([u8; 32]);

impl Identity {
    pub(super) fn of(subject: &Subject<'_>) -> Self {
        Self(digest(&[subject.stack_id, subject.logical_id, subject.kind, &subject.generation.to_string()]))
    }

    /// `<stack>-<logical id>-<12 characters>`, the first two cut so that it fits.
    pub(super) fn name(&self, stack: &str, logical_id: &str, max: usize) -> String {
        const SUFFIX: usize = 12;
        let suffix = self.letters(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", SUFFIX);
        let room = max.saturating_sub(SUFFIX + 2);
        let logical: String = logical_id.chars().take((room / 2).max(room.saturating_sub(stack.len()))).collect();
        let stack: String = stack.chars().take(room.saturating_sub(logical.len())).collect();
        format!("{stack}-{logical}-{suffix}")
    }

    pub(super) fn hex(&self, length: usize) -> String {
        hex::encode(self.0).chars().take(length).collect()
    }

    pub(super) fn lower(&self, length: usize) -> String {
        self.letters(b"abcdefghijklmnopqrstuvwxyz0123456789", length)
    }

    pub(super) fn upper(&self, length: usize) -> String {
        self.letters(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", length)
    }

    /// Returns the last number of a host's address: 1 to 254.
    pub(super) fn octet(&self) -> u8 {
        self.0[0] % 254 + 1
    }

    pub(super) fn uuid(&self) -> String {
        uuid(&self.0)
    }

    fn letters(&self, alphabet: &[u8], length: usize) -> String {
        self.0.iter().take(length).map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
    }
}

/// Returns the last part of a stack's id.
pub(in super::super) fn stack_uuid(parts: &[&str]) -> String {
    uuid(&digest(parts))
}

/// Returns the text that stands for an attribute nobody knows: `<logical id>-<attribute>-<8 hex digits>`.
pub(super) fn made_up(logical_id: &str, attribute: &str, physical_id: &str) -> String {
    let hash = hex::encode(digest(&[logical_id, attribute, physical_id]));
    format!("{logical_id}-{attribute}-{}", hash.get(..8).unwrap_or_default())
}

fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

fn uuid(bytes: &[u8; 32]) -> String {
    let hex = hex::encode(bytes);
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0..8), part(8..12), part(13..16), part(17..20), part(20..32))
}
