//! The pages of `docs/reference` that are made from the program. `UPDATE_DOCS=1 cargo test -p attini-cli reference` writes them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use attini_core::runner::error_name;
use clap::Command;

use crate::args;

/// Columns of the help texts in the reference, whatever the terminal of the test has.
const COLUMNS: usize = 100;

#[test]
fn the_reference_of_commands_is_that_of_the_program() {
    let mut definition = args::command().term_width(COLUMNS);
    definition.build();
    let mut page = String::from(
        "# Commands\n\nThe help texts of all commands, as `attini COMMAND --help` prints them. The global options, which every command \
         takes before or\nafter its name, are shown once.\n",
    );
    sections(&mut definition, &mut page);
    check("cli.md", &page);
}

#[test]
fn the_reference_of_step_errors_is_that_of_the_program() {
    let mut page = String::from(
        "# Error names of runner jobs\n\nWhat a step that runs on a runner can fail with, for `ErrorEquals` of `Catch` and \
         `Retry`. These names do not change.\n\n| Name | Meaning |\n|---|---|\n",
    );
    for (name, meaning) in error_name::ALL {
        writeln!(page, "| `{name}` | {meaning} |").expect("a text can be written to");
    }
    page.push_str("\nThe names that other steps fail with stand with the step types, see [plans](../plans.md).\n");
    check("step-errors.md", &page);
}

/// Writes a command and its visible sub-commands, depth first, in the order of the help texts.
fn sections(command: &mut Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or("attini").to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let mut help = help.join("\n");
    if let (true, Some(at)) = (name != "attini", help.find("\nGlobal options:")) {
        help.truncate(at);
    }
    write!(page, "\n## `{name}`\n\n```text\n{}\n```\n", help.trim_end()).expect("a text can be written to");
    for sub in command.get_subcommands_mut().filter(|sub| !sub.is_hide_set()) {
        sections(sub, page);
    }
}

/// Compares a page with what it should be, or writes it when `UPDATE_DOCS` is set.
fn check(file: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference").join(file);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("the folder can be made");
        fs::write(&path, wanted).expect("the page can be written");
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/reference/{file} is stale; write it with `UPDATE_DOCS=1 cargo test -p attini-cli reference`"
    );
}
