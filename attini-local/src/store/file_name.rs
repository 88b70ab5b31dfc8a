use sha2::{Digest, Sha256};

/// Longest name made here, in bytes; file systems take 255.
const LONGEST: usize = 200;

/// Turns any text into the name of one file or directory: readable, safe, and different for different texts.
///
/// Letters, digits, `-`, `_` and dots inside stay; every other byte becomes `%` and two hex digits. What would be too
/// long is cut and ends in `%~` and a digest of the whole text.
pub(super) fn segment(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for (index, byte) in text.bytes().enumerate() {
        // A dot at either end is special to somebody: `.`, `..`, hidden files, Windows.
        let edge = index == 0 || index + 1 == text.len();
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && !edge) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    if name.is_empty() {
        return "%".to_owned();
    }
    if name.len() > LONGEST {
        let digest = hex::encode(Sha256::digest(text.as_bytes()));
        // All bytes are ASCII, so every position is a boundary.
        name.truncate(LONGEST - 2 - digest.len());
        name.push_str("%~");
        name.push_str(&digest);
    }
    name
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_text_has_its_own_safe_name() {
        let long = "ä".repeat(80);
        let longer = format!("{long}x");
        let texts =
            ["", ".", "..", "...", "a", "a b", "a%20b", "a/b", "../x", "a.b", "\0", "\\", "%", "ä", &long, &longer];
        let names: HashSet<String> = texts.iter().map(|text| segment(text)).collect();
        assert_eq!(names.len(), texts.len());
        for name in &names {
            assert!(name.len() <= LONGEST && !name.starts_with('.') && !name.ends_with('.'), "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b'\\'), "{name}");
        }
        assert_eq!(segment("Deploy site"), "Deploy%20site");
    }
}
