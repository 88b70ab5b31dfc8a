use attini_core::port::StackError;
use attini_core::value::StackName;
use thiserror::Error;

/// A request that was not taken; nothing has changed. The texts are CloudFormation's where it has one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The stack is already as requested.
    #[error("No updates are to be performed.")]
    NoUpdates,
    /// A stack of that name exists, whatever its status.
    #[error("Stack [{name}] already exists")]
    AlreadyExists {
        /// The stack.
        name: String,
    },
    /// There is no stack of that name.
    #[error("Stack [{name}] does not exist")]
    NotFound {
        /// The stack.
        name: String,
    },
    /// The template, a parameter or the stack's status does not allow the operation.
    #[error("{0}")]
    Validation(String),
    /// The template of a nested stack is not on this machine.
    #[error(
        "stack {stack}: the template of the nested stack {resource} cannot be read (/Resources/{resource}/Properties/TemplateURL is `{address}`): {reason}"
    )]
    NoTemplate {
        /// The stack.
        stack: String,
        /// Logical id of the nested stack.
        resource: String,
        /// Where the template should be.
        address: String,
        /// Why it is not there, and what to do.
        reason: String,
    },
    /// CloudFormation may do this; the simulator does not.
    #[error(
        "{what} is not supported by the stack simulator; deploy this stack to a real or emulated endpoint (--aws-endpoint)"
    )]
    Unsupported {
        /// The thing, with its place: `Fn::ForEach in Resources`.
        what: String,
    },
}

impl Refusal {
    /// Returns the error code: CloudFormation's, or `SimulatorUnsupported`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadyExists { .. } => "AlreadyExistsException",
            Self::NoUpdates | Self::NotFound { .. } | Self::Validation(_) => "ValidationError",
            Self::NoTemplate { .. } | Self::Unsupported { .. } => "SimulatorUnsupported",
        }
    }

    /// Returns the error that a stack service answers.
    #[must_use]
    pub fn into_stack_error(self, name: &StackName) -> StackError {
        match self {
            Self::NoUpdates => StackError::NothingToUpdate { name: name.clone() },
            Self::AlreadyExists { .. } => StackError::AlreadyExists { name: name.clone() },
            Self::NotFound { .. } => StackError::NotFound { name: name.clone() },
            refused @ Self::NoTemplate { .. } => {
                StackError::Refused { code: refused.code().to_owned(), message: refused.to_string() }
            }
            refused => {
                StackError::Refused { code: refused.code().to_owned(), message: format!("stack {name}: {refused}") }
            }
        }
    }

    pub(super) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::Validation(message.into())
    }

    /// A refusal that says where in the template its cause stands.
    pub(super) fn at(text: &str, at: impl std::fmt::Display) -> Self {
        Self::Validation(format!("{text} (at {at})"))
    }

    pub(super) fn format(message: impl std::fmt::Display) -> Self {
        Self::Validation(format!("Template format error: {message}"))
    }
}
