//! What travels through a plan, and how the payloads of branches become one again.
//!
//! # How merges get the input of their `Parallel`
//!
//! A merge that knows what its branches started from can tell a changed value from an old one (deployment-plan.md 9.4).
//! So the macro gives a `Parallel` whose next state is its own `<name>-Merge`, and which shapes neither input nor output
//! itself, the `ResultPath` [`BRANCH_RESULTS`]: its output is then its input, with the list of the branches' payloads under
//! that key. The merge state is the same as any other, it sends its whole input as `InputsToMerge`. [`merge_step`] sees
//! from the shape what it got: a list is folded; an object with the key is merged three-way, its other keys being the base;
//! any other object comes from a single predecessor and is returned as it is. The key itself is in no result.

mod merge;
mod origin;

pub(crate) use merge::branch_results_path;
pub use merge::{BRANCH_RESULTS, MergeError, merge, merge_step};
pub use origin::{PlatformData, origin_data};
