use std::fmt;

use serde::Serialize;

use super::facts::Facts;
use crate::document::{DocPath, Document};
use crate::problem::{Problem, Severity, SourceSpot};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It works, and could be plainer.
    Note,
    /// It works, until something happens that will happen.
    Warning,
    /// It does not work.
    Error,
}

impl Level {
    /// All levels, the least first.
    pub const ALL: [Self; 3] = [Self::Note, Self::Warning, Self::Error];

    /// Returns the level in one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One rule: when it fires, and all that a person needs to know about it.
pub struct Rule {
    /// Stable code: `AT012`. It is never given to another rule.
    pub code: &'static str,
    /// Readable name: `choice-without-default`.
    pub name: &'static str,
    /// How much its findings matter, unless a finding says otherwise.
    pub level: Level,
    /// What it finds, in one sentence.
    pub summary: &'static str,
    /// Why that is a problem.
    pub why: &'static str,
    /// How to fix it.
    pub fix: &'static str,
    /// Something on which this rule fires, and no other.
    pub bad: Example,
    /// The same, put right: no rule fires.
    pub good: Example,
    pub(super) check: fn(&Facts<'_>, &mut Findings),
}

impl Rule {
    /// Returns where the page of the rule stands in the documentation.
    #[must_use]
    pub fn page_path(&self) -> String {
        format!("docs/lint/{}.md", self.code)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.name)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

/// Files that show what a rule is about.
#[derive(Debug, Clone, Copy)]
pub enum Example {
    /// The steps of a plan in list syntax; the template around it is not shown.
    Steps(&'static str),
    /// A plan in the States Language; the template around it is not shown.
    States(&'static str),
    /// A whole template.
    Template(&'static str),
    /// Files of a distribution with their paths.
    Files(&'static [(&'static str, &'static str)]),
}

/// What stands around the plan of an example.
const FRAME: &str = "\
Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]
Parameters:
  AttiniEnvironmentName: {Type: String}
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DeploymentPlan:
";

impl Example {
    /// Returns the files of the example, complete; a template alone is called `plan.yaml`.
    #[must_use]
    pub fn files(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Steps(plan) | Self::States(plan) => {
                let lines = plan.lines().map(|line| format!("        {line}\n"));
                vec![("plan.yaml", FRAME.to_owned() + &lines.collect::<String>())]
            }
            Self::Template(text) => vec![("plan.yaml", (*text).to_owned())],
            Self::Files(files) => files.iter().map(|(path, text)| (*path, (*text).to_owned())).collect(),
        }
    }
}

/// Something that a rule has to say about a place.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How much it matters.
    pub level: Level,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// What to do about it here.
    pub help: Option<String>,
    /// Where.
    pub at: Option<SourceSpot>,
}

impl Finding {
    /// Returns the finding as a problem; a note is a warning there.
    #[must_use]
    pub fn to_problem(&self) -> Problem {
        let severity = if self.level == Level::Error { Severity::Error } else { Severity::Warning };
        Problem { severity, message: self.message.clone(), help: self.help.clone(), at: self.at.clone() }
    }

    /// Returns what findings are sorted by.
    pub(super) fn order(&self) -> (Option<(&str, u32, u32)>, &'static str, &str) {
        let at = self.at.as_ref().map(|at| (at.file.as_str(), at.line, at.column));
        (at, self.rule.code, &self.message)
    }
}

/// Collects the findings of one rule.
pub(super) struct Findings {
    rule: &'static Rule,
    pub(super) found: Vec<Finding>,
}

impl Findings {
    pub(super) fn of(rule: &'static Rule) -> Self {
        Self { rule, found: Vec::new() }
    }

    /// Adds a finding at a spot.
    pub(super) fn spot(&mut self, at: Option<SourceSpot>, message: impl Into<String>) -> Added<'_> {
        let finding = Finding { rule: self.rule, level: self.rule.level, message: message.into(), help: None, at };
        let index = self.found.len();
        self.found.push(finding);
        Added(&mut self.found[index])
    }

    /// Adds a finding at the value of a path.
    pub(super) fn value(&mut self, document: &Document, path: &DocPath, message: impl Into<String>) -> Added<'_> {
        self.spot(document.spot(path), message)
    }

    /// Adds a finding at the key of a path.
    pub(super) fn key(&mut self, document: &Document, path: &DocPath, message: impl Into<String>) -> Added<'_> {
        self.spot(document.key_spot(path), message)
    }

    /// Adds what was found by somebody else.
    pub(super) fn problem(&mut self, problem: &Problem) {
        let level = match problem.severity {
            Severity::Error => self.rule.level,
            Severity::Warning => self.rule.level.min(Level::Warning),
        };
        let added = self.spot(problem.at.clone(), problem.message.clone());
        added.0.help.clone_from(&problem.help);
        added.0.level = level;
    }
}

/// A finding that was just added.
pub(super) struct Added<'f>(&'f mut Finding);

impl Added<'_> {
    /// Adds what to do about it.
    pub(super) fn help(self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Adds the correction that a misspelt word most likely needs.
    pub(super) fn suggest<'a>(self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match crate::asl::nearest(word, candidates) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    pub(super) fn level(self, level: Level) -> Self {
        self.0.level = level;
        self
    }
}
