use std::fmt;

use crate::asl::AslProblem;
use crate::document::{DocPath, Document, Segment};
use crate::problem::{Problem, Severity};

/// The longest message that CloudFormation shows, in characters.
const MAX_MESSAGE: usize = 1024;

/// One thing that is wrong with a template's plans or runners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanProblem {
    /// A warning is for the author alone: the macro takes the template all the same, as the original did.
    pub severity: Severity,
    /// Where it is in the template as the author wrote it, also for plans in list syntax.
    pub path: DocPath,
    /// The step it is about, with the steps around it: `Apps > Api`.
    pub step: Option<String>,
    /// What is wrong, on one short line that starts with resource and step.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl PlanProblem {
    /// Puts the names of resource and step in front of the text.
    pub(super) fn new(path: DocPath, step: Option<&str>, text: impl fmt::Display) -> Self {
        let message = match (resource_of(&path), step) {
            (Some(resource), Some(step)) => format!("{resource}, step {step}: {text}"),
            (Some(resource), None) => format!("{resource}: {text}"),
            (None, Some(step)) => format!("step {step}: {text}"),
            (None, None) => text.to_string(),
        };
        Self { severity: Severity::Error, path, step: step.map(ToOwned::to_owned), message, help: None }
    }

    pub(super) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    pub(super) fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }

    /// Returns the problem with the place of its path in the file that the template was read from.
    #[must_use]
    pub fn located(&self, document: &Document) -> Problem {
        let (severity, message, help) = (self.severity, self.message.clone(), self.help.clone());
        Problem { severity, message, help, at: document.spot(&self.path) }
    }

    /// Adds the correction that a misspelt word most likely needs.
    pub(super) fn suggest<'a>(self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        let near = crate::asl::nearest(word, candidates);
        self.help(near.map(|near| format!("did you mean {near}?")))
    }
}

fn resource_of(path: &DocPath) -> Option<&str> {
    match path.segments() {
        [Segment::Key(section), Segment::Key(resource), ..] if section == "Resources" => Some(resource),
        _ => None,
    }
}

impl From<AslProblem> for PlanProblem {
    fn from(problem: AslProblem) -> Self {
        Self::new(problem.path, problem.state.as_deref(), problem.message).help(problem.help)
    }
}

/// One line: `Plan, step Api: unknown Type AttiniCnf (did you mean AttiniCfn?)`.
impl fmt::Display for PlanProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Joins problems to the message that CloudFormation shows: one a line, at most 1024 characters.
///
/// Problems that do not fit are counted in a last line.
pub(super) fn error_message(problems: &[PlanProblem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let whole = lines.join("\n");
    if whole.chars().count() <= MAX_MESSAGE {
        return whole;
    }
    // Without the suggestions more problems fit.
    let lines: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    let whole = lines.join("\n");
    if whole.chars().count() <= MAX_MESSAGE {
        return whole;
    }
    let mut text = String::new();
    let mut length = 0;
    for (index, line) in lines.iter().enumerate() {
        let more = format!("and {} more", lines.len() - index);
        let room = MAX_MESSAGE - length - more.chars().count() - 1;
        let size = line.chars().count() + 1;
        if size > room {
            if index == 0 {
                text = line.chars().take(room - 2).collect::<String>() + "…\n";
            }
            let left = if index == 0 { lines.len() - 1 } else { lines.len() - index };
            if left > 0 {
                text.push_str(&format!("and {left} more"));
            }
            break;
        }
        text.push_str(line);
        text.push('\n');
        length += size;
    }
    text.trim_end().to_owned()
}
