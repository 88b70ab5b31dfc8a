//! Texts that an expectation describes.

use fancy_regex::Regex;

use super::model::{Contains, Matches, Pattern};

/// Returns what is wrong with a pattern.
pub(super) fn problem(pattern: &Pattern) -> Option<String> {
    match pattern {
        Pattern::Matches(Matches { matches }) => {
            Regex::new(matches).err().map(|error| format!("`matches` is no regular expression: {error}"))
        }
        _ => None,
    }
}

/// Says whether a text is as described. A pattern that takes too long is not found.
pub(super) fn fits(pattern: &Pattern, text: &str) -> bool {
    match pattern {
        Pattern::Equals(wanted) => wanted == text,
        Pattern::Contains(Contains { contains }) => text.contains(contains.as_str()),
        Pattern::Matches(Matches { matches }) => {
            Regex::new(matches).and_then(|regex| regex.is_match(text)).unwrap_or(false)
        }
    }
}

/// Returns the description in words.
pub(super) fn words(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Equals(wanted) => wanted.clone(),
        Pattern::Contains(Contains { contains }) => format!("a text with `{contains}` in it"),
        Pattern::Matches(Matches { matches }) => format!("a text that matches `{matches}`"),
    }
}
