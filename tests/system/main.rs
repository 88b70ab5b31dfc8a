//! Whole-system tests: the real `attini` in the local world, in a home and with an environment of its own.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic and print")]

mod concurrent;
mod hello_world;
mod kill;
mod process;
mod support;
