//! State machines without a world: whole executions with mocked tasks, single states, and the checks of a definition.
//!
//! Nothing in here calls anything. Time is a clock that jumps, tasks are answered by a [`MockFile`] or by what a
//! [`Case`] recorded from the real service, and the answers have the shape of the service's own.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests may panic"))]

mod case;
mod diagnose;
mod mocks;
mod recorded;
mod references;
mod report;
mod run;
mod shapes;
mod test_state;

pub use case::{Case, CaseError};
pub use diagnose::{Diagnostic, MachineType, diagnose, diagnose_text, refusal};
pub use mocks::{MockFile, mock_lines};
pub use references::variable_references;
pub use report::{ended, events};
pub use run::{MissingMock, SimulationError, run_with_mocks};
pub use test_state::{FieldValidation, InspectionLevel, Mock, Refusal, TestStateError, TestStateRequest, test_state};
