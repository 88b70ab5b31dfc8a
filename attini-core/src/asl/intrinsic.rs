//! The intrinsic functions of the States Language: `States.Format('{}', $.a)`.
//!
//! A call is read once, with all its nested calls and paths, and evaluated as often as needed. What a pure library cannot
//! make (random numbers) comes from the [`Scope`].

mod functions;
mod parse;
#[cfg(test)]
mod tests;

use serde_json::Value;
use thiserror::Error;

use super::path::{NoMatch, Query};
pub use functions::Function;

/// A text is no call of an intrinsic function.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not an intrinsic function call: {reason} (character {position})")]
pub struct CallError {
    /// The text as given.
    pub text: String,
    /// What is wrong, as the end of a sentence.
    pub reason: String,
    /// Where, counted from 1.
    pub position: usize,
}

/// A call could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EvaluationError {
    /// A path among the arguments names nothing.
    #[error("`{path}`: {source}")]
    NoMatch {
        /// The path as written.
        path: String,
        /// What is missing.
        source: NoMatch,
    },
    /// The function cannot work with its arguments.
    #[error("{function}: {reason}")]
    BadArgument {
        /// `States.ArrayRange`, …
        function: &'static str,
        /// Why, as a sentence without a full stop.
        reason: String,
    },
}

/// Where a call finds values and chance.
pub trait Scope {
    /// Returns what a path selects.
    ///
    /// # Errors
    ///
    /// [`NoMatch`] when a definite path names nothing.
    fn query(&self, query: &Query) -> Result<Value, NoMatch>;

    /// Returns 64 random bits.
    fn random(&self) -> u64;
}

/// A call of an intrinsic function.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    function: Function,
    arguments: Vec<Argument>,
}

#[derive(Debug, Clone, PartialEq)]
enum Argument {
    Literal(Value),
    Query(Query),
    Call(Call),
}

impl Call {
    /// Reads a call such as `States.Array($.a, 'text', States.UUID())`.
    ///
    /// # Errors
    ///
    /// [`CallError`] when the text is no call, names no known function, or has the wrong number of arguments.
    pub fn parse(text: &str) -> Result<Self, CallError> {
        parse::call(text)
    }

    /// Hands every path among the arguments to `visit`, those of calls inside included.
    pub fn queries(&self, visit: &mut dyn FnMut(&Query)) {
        for argument in &self.arguments {
            match argument {
                Argument::Literal(_) => {}
                Argument::Query(query) => visit(query),
                // The parser limits the depth.
                Argument::Call(call) => call.queries(visit),
            }
        }
    }

    /// Returns the value of the call.
    ///
    /// # Errors
    ///
    /// [`EvaluationError`] when an argument is missing or unfit.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvaluationError> {
        let mut values = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            values.push(match argument {
                Argument::Literal(value) => value.clone(),
                Argument::Query(query) => scope
                    .query(query)
                    .map_err(|source| EvaluationError::NoMatch { path: query.as_str().to_owned(), source })?,
                // The parser limits the depth.
                Argument::Call(call) => call.evaluate(scope)?,
            });
        }
        self.function
            .apply(&values, &mut || scope.random())
            .map_err(|reason| EvaluationError::BadArgument { function: self.function.name(), reason })
    }
}
