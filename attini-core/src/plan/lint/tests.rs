mod examples;
mod meaning;
mod properties;
mod reports;
mod silencing;

use super::*;
use crate::distribution::{EntryKind, FileTree, Listing, TreeEntry, TreeError};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// Files in memory.
pub(super) struct Memory(BTreeMap<String, String>);

impl FileTree for Memory {
    fn list(&self, keep: &mut dyn FnMut(&TreeEntry) -> bool) -> Result<Listing, TreeError> {
        let mut listing = Listing::default();
        for (path, text) in &self.0 {
            let entry =
                TreeEntry { path: path.clone(), kind: EntryKind::File { executable: false, size: text.len() as u64 } };
            if keep(&entry) {
                listing.entries.push(entry);
            }
        }
        Ok(listing)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send + '_>> {
        let text = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(text.as_bytes()))
    }
}

pub(super) fn all() -> Vec<&'static Rule> {
    RULES.iter().collect()
}

/// Reads an example as a template alone, or as a distribution when it has several files or a configuration.
pub(super) fn project(example: &Example) -> Project {
    let files = example.files();
    match files.as_slice() {
        [(name, text)] if *name == "plan.yaml" => Project::of_template(name, text),
        _ => {
            let files = files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
            Project::read(&Memory(files), ProjectKind::Sources).expect("files in memory can be read")
        }
    }
}

/// Returns the codes of what is found, each once.
pub(super) fn codes(outcome: &Outcome) -> Vec<&'static str> {
    let mut codes: Vec<_> = outcome.findings.iter().map(|finding| finding.rule.code).collect();
    codes.dedup();
    codes
}

pub(super) fn shown(outcome: &Outcome) -> String {
    let lines = outcome.findings.iter().map(|it| format!("{} {}: {}\n", it.rule.code, it.level, it.to_problem()));
    lines.collect()
}

/// Lints a template.
pub(super) fn of(text: &str) -> Outcome {
    lint(&Project::of_template("plan.yaml", text), &all())
}
