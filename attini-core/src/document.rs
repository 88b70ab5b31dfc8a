//! YAML and JSON files that people wrote, with the position of every value.

mod path;

pub use path::{DocPath, Segment};
