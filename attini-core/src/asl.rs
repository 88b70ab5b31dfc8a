//! The Amazon States Language as data: scopes, states, and the checks that need no execution.

mod model;
mod validate;

pub use model::{Dialect, IteratorKey, Nested, Scope, State};
pub(crate) use model::{kind_of, name_part, scalar_text};
pub(crate) use validate::nearest;
pub use validate::{AslProblem, MAX_NAME_LENGTH, validate};
//! The Amazon States Language as data.

pub mod intrinsic;
pub mod path;
