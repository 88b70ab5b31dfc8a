//! Unit tests of deployment plans: cases with mocks and expectations, run on a clock that jumps, without a cloud.
//!
//! A [`Project`] is expanded as CloudFormation would expand it: the macro, the parameters of the environment, the state
//! machine of the init stack. The steps of Attini then do what they do in an account, over ports in memory: configuration
//! files are read, parameters are chosen, payloads are merged. Only what lies behind them comes from the mocks: the end
//! of a stack operation, the output of a job, the answer of a person.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests may panic"))]

mod answers;
mod check;
mod coverage;
mod file;
mod iteration;
mod junit;
mod model;
mod pattern;
mod ports;
mod project;
mod record;
mod run;
mod schema;
mod suite;
#[cfg(test)]
mod tests;

pub use check::Mismatch;
pub use coverage::{Coverage, Covered};
pub use file::{Case, CaseFile};
pub use junit::junit;
pub use project::{OpenError, Project};
pub use record::{RecordError, Recorded, Recording, record};
pub use run::{CaseResult, MissingAnswer, UnusedMock};
pub use schema::schema;
pub use suite::{FOLDER, Suite, SuiteResult, case_files};
