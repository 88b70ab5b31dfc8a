//! Which names an archive may hold.

use super::ArchiveError;
use crate::distribution::select::fold_case;
use crate::distribution::tree::TreeEntry;

/// No object key is longer.
const PATH_BYTES: usize = 1024;

/// Returns what keeps a name from being a relative path inside the distribution, as the end of a sentence.
pub(in crate::distribution) fn why_unsafe(path: &str) -> Option<&'static str> {
    let mut start = path.chars();
    let drive = start.next().is_some_and(|c| c.is_ascii_alphabetic()) && start.next() == Some(':');
    if path.len() > PATH_BYTES {
        Some("has a name of more than 1024 bytes")
    } else if path.chars().any(char::is_control) {
        Some("has a control character in its name")
    } else if path.contains('\\') {
        Some("has a backslash in its name; the parts of a path are separated by `/`")
    } else if path.starts_with('/') {
        Some("is an absolute path")
    } else if drive {
        Some("is a path on a drive")
    } else if path.split('/').any(|part| part == "..") {
        Some("leaves the distribution by `..`")
    } else if path.split('/').any(|part| matches!(part, "" | ".")) {
        Some("has an empty part or `.` in its path")
    } else {
        None
    }
}

/// Refuses entries that would be written to the same place, on any system. Directories may repeat.
///
/// Sorted by folded path, part by part, whatever shares a place or a directory stands side by side.
pub(super) fn check(entries: &[TreeEntry]) -> Result<(), ArchiveError> {
    // Names hold no control characters, so `\0` sorts a directory right before what it holds.
    let mut sorted: Vec<_> = entries.iter().map(|entry| (fold_case(&entry.path).replace('/', "\0"), entry)).collect();
    sorted.sort_by(|one, other| one.0.cmp(&other.0));
    sorted.windows(2).try_for_each(|pair| match pair {
        [(_, one), (_, other)] => check_pair(one, other),
        _ => Ok(()),
    })
}

fn check_pair(one: &TreeEntry, other: &TreeEntry) -> Result<(), ArchiveError> {
    let (mut parts, mut other_parts) = (one.path.split('/'), other.path.split('/'));
    loop {
        match (parts.next(), other_parts.next()) {
            (Some(part), Some(other_part)) if part == other_part => {}
            (Some(part), Some(other_part)) if fold_case(part) == fold_case(other_part) => {
                return Err(ArchiveError::CaseCollision { first: one.path.clone(), second: other.path.clone() });
            }
            (None, None) if one.is_directory() && other.is_directory() => return Ok(()),
            (None, None) => return Err(ArchiveError::Duplicate { entry: one.path.clone() }),
            (None, Some(_)) if !one.is_directory() => {
                return Err(ArchiveError::BelowFile { file: one.path.clone(), entry: other.path.clone() });
            }
            _ => return Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;
    use crate::distribution::tree::EntryKind;

    fn checked(paths: &[&str]) -> Result<(), String> {
        let entry = |path: &&str| match path.strip_suffix('/') {
            Some(path) => TreeEntry { path: path.to_owned(), kind: EntryKind::Directory },
            None => TreeEntry { path: (*path).to_owned(), kind: EntryKind::File { executable: false, size: 0 } },
        };
        check(&paths.iter().map(entry).collect::<Vec<_>>()).map_err(|error| error.to_string())
    }

    #[test]
    fn places_that_are_taken_twice() {
        assert_eq!(checked(&["a", "b/", "b/c", "b/", "b.c", "b-c/d"]), Ok(()));
        for paths in [&["a", "x", "a"][..], &["a", "a/"], &["a/", "a"]] {
            assert_eq!(checked(paths).unwrap_err(), "the zip archive holds `a` twice");
        }
        for (paths, expected) in [
            (&["Readme", "b", "README"][..], "entries `Readme` and `README`"),
            (&["A/x", "q", "a/y"], "entries `A/x` and `a/y`"),
            (&["A/", "a/y"], "entries `A` and `a/y`"),
            (&["Å", "å"], "entries `Å` and `å`"),
            (&["a/b", "a-b", "a"], "holds `a/b` below `a`, which is a file"),
            (&["a/b/c/d", "a/b"], "holds `a/b/c/d` below `a/b`, which is a file"),
        ] {
            let text = checked(paths).unwrap_err();
            assert!(text.contains(expected), "{text}");
        }
    }
}
