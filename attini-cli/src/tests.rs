//! Whole command lines against a world in memory.

mod commands;
mod following;
mod memory;
mod reference;
mod simulate;
mod usage;
