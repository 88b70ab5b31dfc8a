use std::collections::HashMap;

use thiserror::Error;

use super::ignore::{IgnoreRules, SkipReason};
use super::manifest::MANIFEST_FILE;
use super::read::why_unsafe;
use super::tree::{FileTree, TreeEntry, TreeError};
use crate::problem::{Problem, Problems};
use crate::value::is_key_hostile;

/// The longest key of an object store, in bytes of UTF-8.
const KEY_BYTES: usize = 1024;

/// What goes into a distribution, and what does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// What goes in, in byte order of the paths, so each directory before what it holds.
    pub entries: Vec<TreeEntry>,
    /// What stays out, in the same order. Nothing below a directory that stays out is listed.
    pub skipped: Vec<Skipped>,
    /// What a person should know: names left out for their characters, links that leave the project, lines of the ignore
    /// file that just miss something.
    pub warnings: Vec<Problem>,
}

/// Something that stays out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The entry.
    pub entry: TreeEntry,
    /// Why.
    pub reason: SkipReason,
}

/// A tree cannot become a distribution.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SelectError {
    /// The tree could not be listed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// Names that cannot be published; all of them.
    #[error("{0}")]
    Names(Problems),
}

/// Chooses what goes into a distribution and checks its names (cli.md 8.3).
///
/// `key_prefix_bytes` is the length of what will stand before each path in an object's key, as far as it is known.
///
/// # Errors
///
/// [`SelectError`]: what the tree reports, or all names that cannot be parts of keys, that make keys of more than 1024 bytes, or that
/// differ from another one in letter case only.
pub fn select(tree: &dyn FileTree, rules: &IgnoreRules, key_prefix_bytes: usize) -> Result<Selection, SelectError> {
    let mut skipped = Vec::new();
    let listing = tree.list(&mut |entry| match rules.skip(entry) {
        Some(reason) => {
            skipped.push(Skipped { entry: entry.clone(), reason });
            false
        }
        None => true,
    })?;
    let mut entries = listing.entries;
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    skipped.sort_by(|one, other| one.entry.path.cmp(&other.entry.path));

    let mut problems = bad_names(&entries, key_prefix_bytes);
    problems.extend(case_collisions(&entries));
    if !problems.is_empty() {
        return Err(SelectError::Names(Problems(problems)));
    }
    let mut warnings = listing.warnings;
    warnings.extend(skipped.iter().filter_map(character_warning));
    warnings.extend(rules.near_misses(&entries));
    Ok(Selection { entries, skipped, warnings })
}

fn character_warning(skipped: &Skipped) -> Option<Problem> {
    let SkipReason::Character(c) = skipped.reason else { return None };
    let path = &skipped.entry.path;
    let what = if skipped.entry.is_directory() { "directory " } else { "" };
    Some(
        Problem::warning(format!("{what}{path} is left out because its name contains {c:?}"))
            .with_help("rename it, or list it in .attini-ignore"),
    )
}

fn bad_names(entries: &[TreeEntry], key_prefix_bytes: usize) -> Vec<Problem> {
    let mut problems = Vec::new();
    for entry in entries {
        let path = entry.path.escape_debug();
        if let Some(c) = entry.name().chars().find(|c| is_key_hostile(*c)) {
            problems.push(
                Problem::error(format!("file {path} contains the illegal character {c:?}"))
                    .with_help("rename it, or list it in .attini-ignore"),
            );
        } else if let Some(reason) = why_unsafe(&entry.path) {
            problems.push(Problem::error(format!("file {path} {reason}")).with_help("rename it"));
        }
        if fold_case(&entry.path) == MANIFEST_FILE {
            problems.push(
                Problem::error(format!("{path} has the name of the manifest, which packaging writes"))
                    .with_help("rename it, or list it in .attini-ignore"),
            );
        }
        let bytes = key_prefix_bytes.saturating_add(entry.path.len());
        if bytes > KEY_BYTES {
            problems.push(
                Problem::error(format!(
                    "file {path} makes an object key of {bytes} bytes, at most {KEY_BYTES} are possible"
                ))
                .with_help("shorten the names of the file or of the directories above it"),
            );
        }
    }
    problems
}

/// Files that differ in letter case only overwrite each other on half of all machines.
fn case_collisions(entries: &[TreeEntry]) -> Vec<Problem> {
    let mut known: HashMap<String, &str> = HashMap::new();
    let mut problems = Vec::new();
    for entry in entries {
        if let Some(first) = known.insert(fold_case(&entry.path), &entry.path) {
            // Below two such directories everything may collide; the directories say enough.
            if parent(first) == parent(&entry.path) {
                problems.push(
                    Problem::error(format!("{first} and {} differ in letter case only", entry.path))
                        .with_help("rename one of them"),
                );
            }
        }
    }
    problems
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Two paths with the same folded case are one file on systems that do not tell them apart.
pub(super) fn fold_case(path: &str) -> String {
    path.to_lowercase()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;
    use crate::distribution::tree::memory::MemTree;

    const CONFIG: &str = "attini-config.yaml";

    fn tree(paths: &[&'static str]) -> MemTree {
        MemTree::of(paths.iter().map(|path| (*path, "x")))
    }

    fn paths(selection: &Selection) -> Vec<&str> {
        selection.entries.iter().map(|entry| entry.path.as_str()).collect()
    }

    fn text(problems: &[Problem]) -> String {
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    fn names_of(error: SelectError) -> Vec<Problem> {
        match error {
            SelectError::Names(problems) => problems.0,
            SelectError::Tree(error) => panic!("{error}"),
        }
    }

    #[test]
    fn cli_case_20_defaults_without_an_ignore_file() {
        let files = [CONFIG, "a.txt", ".env", "d/.x", "b c.txt", "d/e@f", "node_modules/m/i.js"];
        let selection = select(&tree(&files), &IgnoreRules::default(), 0).unwrap();
        assert_eq!(paths(&selection), ["a.txt", CONFIG, "d"]);
        insta::assert_snapshot!(text(&selection.warnings), @"
        b c.txt is left out because its name contains ' ' (rename it, or list it in .attini-ignore)
        d/e@f is left out because its name contains '@' (rename it, or list it in .attini-ignore)
        ");
        let skipped: Vec<_> = selection.skipped.iter().map(|skipped| skipped.entry.path.as_str()).collect();
        assert_eq!(skipped, [".env", "b c.txt", "d/.x", "d/e@f", "node_modules"]);
    }

    #[test]
    fn cli_case_21_a_file_of_rules() {
        let files = ["r.md", "d/r.md", "src/x", "ok"];
        let selection = select(&tree(&files), &IgnoreRules::parse("*.md\nsrc").unwrap(), 0).unwrap();
        assert_eq!(paths(&selection), ["d", "d/r.md", "ok"]);
        assert_eq!(selection.skipped[1].reason, SkipReason::Rule { line: 2, text: "src".to_owned() });
    }

    #[test]
    fn cli_case_22_contents_of_a_directory() {
        let selection = select(&tree(&["tmp/a"]), &IgnoreRules::parse("tmp/**").unwrap(), 0).unwrap();
        assert_eq!(paths(&selection), ["tmp"]);
    }

    #[test]
    fn cli_case_23_all_bad_names_are_errors_with_a_file_of_rules() {
        let files = ["x y.txt", "d/a*b", "d/q\"", "d/c\u{1}", "d/e@f/g", "c:x", "ok"];
        let error = select(&tree(&files), &IgnoreRules::parse("nothing").unwrap(), 0).unwrap_err();
        insta::assert_snapshot!(text(&names_of(error)), @r#"
        file c:x is a path on a drive (rename it)
        file d/a*b contains the illegal character '*' (rename it, or list it in .attini-ignore)
        file d/c\u{1} contains the illegal character '\u{1}' (rename it, or list it in .attini-ignore)
        file d/e@f contains the illegal character '@' (rename it, or list it in .attini-ignore)
        file d/q\" contains the illegal character '"' (rename it, or list it in .attini-ignore)
        file x y.txt contains the illegal character ' ' (rename it, or list it in .attini-ignore)
        "#);
    }

    #[test]
    fn keys_have_at_most_1024_bytes() {
        let tree = tree(&["0123456789"]);
        assert!(select(&tree, &IgnoreRules::default(), 1014).is_ok());
        let problems = names_of(select(&tree, &IgnoreRules::default(), 1015).unwrap_err());
        assert!(problems[0].message.contains("1025 bytes"), "{problems:?}");
    }

    #[test]
    fn a_manifest_of_an_earlier_packaging_stays_out() {
        let selection =
            select(&tree(&["a", "attini-manifest.json", "d/attini-manifest.json"]), &IgnoreRules::default(), 0);
        let selection = selection.unwrap();
        assert_eq!(paths(&selection), ["a", "d", "d/attini-manifest.json"]);
        assert_eq!(selection.skipped[0].reason, SkipReason::Manifest);
        for taken in ["attini-manifest.json/a", "Attini-Manifest.json"] {
            let problems = names_of(select(&tree(&[taken]), &IgnoreRules::default(), 0).unwrap_err());
            assert!(problems[0].message.contains("the name of the manifest"), "{problems:?}");
        }
    }

    #[test]
    fn names_that_differ_in_case_are_refused_once_per_pair() {
        let tree = tree(&["README", "Readme", "d/x", "D/x", "d/y"]);
        let problems = names_of(select(&tree, &IgnoreRules::default(), 0).unwrap_err());
        insta::assert_snapshot!(text(&problems), @"
        README and Readme differ in letter case only (rename one of them)
        D and d differ in letter case only (rename one of them)
        ");
    }
}
