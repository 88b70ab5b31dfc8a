//! Whole-system tests: the real `attini` in the local world, in a home and with an environment of its own.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic and print")]

mod approval;
mod bad_input;
mod cdk;
mod checkers;
mod concurrent;
mod container;
mod environments;
mod examples;
mod failing;
mod hello_world;
mod history;
mod holdings;
mod init_project;
mod kill;
mod lint;
mod no_cloud;
mod originals;
mod package;
mod packaged;
mod plan;
mod plan_graph;
mod plan_tests;
mod process;
mod projects;
mod readme;
mod resume;
mod rollback;
mod screen;
mod session;
mod stacks;
mod support;
mod terminal;
mod user_packages;
mod user_plans;
mod user_runs;
