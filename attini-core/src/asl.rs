//! The Amazon States Language as data: scopes, states, paths, intrinsic functions, and the checks that need no execution.

pub mod intrinsic;
pub mod path;

mod model;
mod validate;

pub use model::{Dialect, IteratorKey, Nested, Scope, State};
pub(crate) use model::{kind_of, name_part, scalar_text};
pub(crate) use validate::nearest;
pub use validate::{AslProblem, MAX_NAME_LENGTH, validate};
