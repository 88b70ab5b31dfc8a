//! One directory on one machine that holds everything a local environment has: objects, records, queues, logs.
//!
//! [`Home`] is the directory. Records are rows of an embedded SQLite database; objects and logs are files. Any number of
//! processes may use one home at the same time: a change is one transaction, and who is alive is told by file locks, which
//! the operating system releases when a process dies.
//!
//! Two layers stand here. The adapters implement the ports of `attini-core`. The modules [`executions`], [`journal`],
//! [`task_tokens`], [`intents`], [`deployments`] and [`stacks`] hold typed functions over a [`Tx`], so that the workflow
//! engine and the stack simulator can join several of them to one transaction:
//!
//! ```
//! # fn demo(home: &attini_local::store::Home) -> Result<(), attini_local::store::HomeError> {
//! use attini_local::store::intents;
//! let abort = home.write(|tx| intents::take(tx, "deployment-1"))?;
//! # Ok(()) }
//! ```

pub mod deployments;
pub mod executions;
pub mod intents;
pub mod journal;
pub mod stacks;
pub mod task_tokens;

mod clock;
mod file_name;
mod gate;
mod home;
mod inventory;
mod lease;
mod logs;
mod notifications;
mod objects;
mod parameters;
mod purge;
mod queue;
mod schema;
mod tx;
mod values;

pub use clock::{RandomIds, SystemClock};
pub use gate::HomeGate;
pub use home::{Home, HomeError};
pub use inventory::SqliteInventory;
pub use lease::{NamedLock, WorkerLease};
pub use logs::FileLogStore;
pub use notifications::{SqliteNotifications, StoredNotification};
pub use objects::FsObjectStore;
pub use parameters::SqliteParameters;
pub use queue::SqliteQueue;
pub(crate) use queue::{has_left, show_again};
pub use task_tokens::SqliteTaskTokens;
pub use tx::{Tx, TxError};
pub use values::EnvironmentValues;
