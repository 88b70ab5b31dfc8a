//! The one place that turns errors into exit codes and error objects (cli.md 4.1).

use std::{fmt, io};

use attini_core::follow::FollowError;
use attini_core::port::{BoxError, InventoryError};
use attini_core::problem::{Problem, Problems};
use attini_core::value::InvalidValue;

/// What kind of failure it is, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// Any failure without a code of its own, failed deployments included.
    Execution,
    /// The command line could not be understood.
    Usage,
    /// The person interrupted the command; what it started goes on. Shells and `kubectl` use the same code.
    Interrupted,
    /// An argument is wrong in a way that only shows after parsing.
    IllegalArgument,
    /// There are no environments.
    NotConfigured,
    /// There is no framework to talk to.
    #[allow(dead_code, reason = "part of the documented table; the AWS world answers with it")]
    FrameworkNotInstalled,
    /// Nobody believes the credentials.
    #[allow(dead_code, reason = "part of the documented table; the AWS world answers with it")]
    InvalidCredentials,
    /// Something is wrong with the `attini-config` file.
    Config,
    /// The reader of our output went away, which is no error.
    ClosedPipe,
}

impl ErrorKind {
    /// Returns the exit code.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            Self::Execution => 1,
            Self::Usage => 2,
            Self::Interrupted => 130,
            Self::IllegalArgument => 151,
            Self::NotConfigured => 152,
            Self::FrameworkNotInstalled => 153,
            Self::InvalidCredentials => 154,
            Self::Config => 155,
        }
    }

    /// Returns the kind of a failed command of ours by its exit code.
    pub(crate) fn of_exit_code(code: i32) -> Self {
        let kinds = [
            Self::IllegalArgument,
            Self::NotConfigured,
            Self::FrameworkNotInstalled,
            Self::InvalidCredentials,
            Self::Config,
        ];
        kinds.into_iter().find(|kind| i32::from(kind.exit_code()) == code).unwrap_or(Self::Execution)
    }

    /// Returns the name in error objects.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Execution | Self::ClosedPipe => "ExecutionError",
            Self::Usage => "UsageError",
            Self::Interrupted => "Interrupted",
            Self::IllegalArgument => "IllegalArgument",
            Self::NotConfigured => "NotConfigured",
            Self::FrameworkNotInstalled => "AttiniFrameworkNotInstalled",
            Self::InvalidCredentials => "InvalidCredentials",
            Self::Config => "AttiniConfigError",
        }
    }
}

/// Why a command failed, and what a person can do about it.
#[derive(Debug)]
pub(crate) struct CommandError {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// What happened; its sources say why.
    pub source: BoxError,
    /// What to do next, one sentence each.
    pub hints: Vec<String>,
    /// What is wrong in files that a person wrote.
    pub problems: Vec<Problem>,
    /// Whether the command has told the person already.
    pub told: bool,
}

impl CommandError {
    /// Joins a kind and what happened.
    pub(crate) fn new(kind: ErrorKind, source: impl Into<BoxError>) -> Self {
        Self { kind, source: source.into(), hints: Vec::new(), problems: Vec::new(), told: false }
    }

    /// A failure without a code of its own.
    pub(crate) fn execution(source: impl Into<BoxError>) -> Self {
        Self::new(ErrorKind::Execution, source)
    }

    /// A wrong argument.
    pub(crate) fn illegal(source: impl Into<BoxError>) -> Self {
        Self::new(ErrorKind::IllegalArgument, source)
    }

    /// Problems in the `attini-config` file.
    pub(crate) fn config(problems: Problems) -> Self {
        Self::of_problems(ErrorKind::Config, "Attini configuration file error", problems)
    }

    /// Problems in a file; those without a place of their own stand in the text, others below it.
    pub(crate) fn of_problems(kind: ErrorKind, what: &str, problems: Problems) -> Self {
        match problems.0.as_slice() {
            [problem] if problem.at.is_none() => {
                let error = Self::new(kind, format!("{what}: {}", problem.message));
                problem.help.clone().into_iter().fold(error, Self::hint)
            }
            [_] => Self { problems: problems.0, ..Self::new(kind, what.to_owned()) },
            all => {
                let text = format!("{what}: {} problems", all.len());
                Self { problems: problems.0, ..Self::new(kind, text) }
            }
        }
    }

    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Marks a failure that needs no further words.
    pub(crate) fn told(mut self) -> Self {
        self.told = true;
        self
    }

    /// Adds what was tried; the failure so far becomes its cause.
    pub(crate) fn context(self, what: impl Into<String>) -> Self {
        let source = Box::new(Context { what: what.into(), source: self.source });
        Self { source, ..self }
    }

    /// Returns what happened and its causes, outermost first.
    pub(crate) fn chain(&self) -> Vec<String> {
        let mut texts = vec![self.source.to_string()];
        let mut next = self.source.source();
        while let Some(cause) = next {
            texts.push(cause.to_string());
            next = cause.source();
        }
        texts
    }
}

/// What was tried, with its cause.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
struct Context {
    what: String,
    source: BoxError,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain().join(": "))
    }
}

/// Failures of our own output; errors of other files carry their path and do not come this way.
impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        let closed = error.kind() == io::ErrorKind::BrokenPipe;
        let kind = if closed { ErrorKind::ClosedPipe } else { ErrorKind::Execution };
        Self::new(kind, error).context("cannot write the output")
    }
}

impl From<InvalidValue> for CommandError {
    fn from(error: InvalidValue) -> Self {
        Self::illegal(error)
    }
}

impl From<InventoryError> for CommandError {
    fn from(error: InventoryError) -> Self {
        Self::execution(error)
    }
}

impl From<FollowError> for CommandError {
    fn from(error: FollowError) -> Self {
        Self::execution(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_the_documentation() {
        use ErrorKind::*;
        let kinds =
            [Execution, Usage, IllegalArgument, NotConfigured, FrameworkNotInstalled, InvalidCredentials, Config];
        assert_eq!(kinds.map(ErrorKind::exit_code), [1, 2, 151, 152, 153, 154, 155]);
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
        let error = CommandError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((error.kind, error.kind.exit_code()), (ErrorKind::ClosedPipe, 0));
    }
}
