//! What travels through a plan, and how the outputs of branches become one.

mod origin;

pub use origin::{PlatformData, origin_data};
