#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod edit;
mod limits;
mod parse;
mod problems;
