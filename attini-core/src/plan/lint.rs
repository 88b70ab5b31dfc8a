//! Advice on plans: what the framework would refuse, and what it would run although nobody can have meant it.
//!
//! A [`Project`] is read once. From it come the facts that rules share (states, the graph of each scope, what is read and
//! written where), then each [`Rule`] of [`RULES`] looks at the facts and reports [`Finding`]s. Comments and metadata of the
//! author silence some of them. Rules are independent of each other: leaving one out changes nothing but its own findings.

mod archive;
mod facts;
mod graph;
mod junit;
mod page;
mod payload;
mod project;
mod reads;
mod rule;
mod rules;
mod sarif;
mod silence;
mod stack_step;
mod walk;
mod written;

#[cfg(test)]
mod tests;

pub use archive::ArchiveTree;
pub use junit::junit;
pub use page::{index, page};
pub use project::{Project, ProjectError, ProjectKind};
pub use rule::{Example, Finding, Level, Rule};
pub use rules::RULES;
pub use sarif::sarif;

use std::collections::BTreeMap;

use facts::{Facts, Parsed};
use rule::Findings;
use silence::Silencers;

/// What a lint found.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The findings by file, line and column.
    pub findings: Vec<Finding>,
    /// How many more the author silenced.
    pub silenced: usize,
    /// The files that were read, in byte order of their paths.
    pub files: Vec<String>,
}

impl Outcome {
    /// Returns the worst level among the findings.
    #[must_use]
    pub fn worst(&self) -> Option<Level> {
        self.findings.iter().map(|finding| finding.level).max()
    }

    /// Counts the findings of a level.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }
}

/// Finds a rule by its code (`AT012`) or its name, in any letter case.
#[must_use]
pub fn find_rule(text: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code.eq_ignore_ascii_case(text) || rule.name.eq_ignore_ascii_case(text))
}

/// Runs rules over a project.
///
/// Takes time linear in the size of the plans, as long as steps read what was surely written before.
#[must_use]
pub fn lint(project: &Project, rules: &[&'static Rule]) -> Outcome {
    let parsed = Parsed::of(project);
    let facts = Facts::of(project, &parsed);
    let mut found = Vec::new();
    for rule in rules {
        let mut findings = Findings::of(rule);
        (rule.check)(&facts, &mut findings);
        found.append(&mut findings.found);
    }
    hide_secrets(&mut found);
    let mut silencers = Silencers::of(project);
    let before = found.len();
    found.retain(|finding| !silencers.silence(finding));
    let silenced = before - found.len();
    found.extend(silencers.findings(rules));
    found.sort_by(|one, other| one.order().cmp(&other.order()));
    Outcome { findings: found, silenced, files: project.files_read() }
}

/// Cuts the lines that hold a secret in front of it, also where another rule found something on the same line.
fn hide_secrets(found: &mut [Finding]) {
    let mut cuts: BTreeMap<(String, u32), u32> = BTreeMap::new();
    for at in
        found.iter().filter(|finding| rules::finds_secrets(finding.rule)).filter_map(|finding| finding.at.as_ref())
    {
        let cut = cuts.entry((at.file.clone(), at.line)).or_insert(at.column);
        *cut = at.column.min(*cut);
    }
    if cuts.is_empty() {
        return;
    }
    for at in found.iter_mut().filter_map(|finding| finding.at.as_mut()) {
        if let Some(column) = cuts.get(&(at.file.clone(), at.line)) {
            let kept = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
            at.text = at.text.chars().take(kept).chain(['…']).collect();
            at.length = at.length.min(column.saturating_sub(at.column)).max(1);
        }
    }
}
