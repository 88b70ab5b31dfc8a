//! The pages of `docs/reference` that are made from the program. `UPDATE_DOCS=1 cargo test -p attini-cli reference` writes them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use attini_core::config;
use attini_core::plan::{self, lint};
use attini_core::runner::error_name;
use clap::Command;
use serde_json::{Value, json};

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

#[test]
fn the_schema_of_attini_config_is_that_of_the_program() {
    check("attini-config.schema.json", &format!("{:#}\n", config::schema()));
}

#[test]
fn the_schema_of_templates_is_that_of_the_program() {
    check("attini-template.schema.json", &format!("{:#}\n", plan::schema()));
}

#[test]
fn the_reference_of_attini_config_is_that_of_the_schema() {
    let mut page = String::from(
        "# Keys of attini-config\n\nEvery key of `attini-config.yaml`, `.yml` or `.json`. `ENV` is the name of an environment, or `default` for all; \
         `NAME` is\na name of your own. A missing key and null mean the same. Texts keep their spelling: `1.10` stays `1.10`. *Rule* says where the\n\
         specification has it.\n\n| Key | Type | Default | Meaning | Rule |\n|---|---|---|---|---|\n",
    );
    keys(&config::schema(), "", &mut page);
    page.push_str("\nThe [schema](attini-config.schema.json) for editors says the same, see [configuration](../configuration.md).\n");
    check("attini-config.md", &page);
}

#[test]
fn the_schema_of_files_of_cases_is_that_of_the_program() {
    check("plan-tests.schema.json", &format!("{:#}\n", attini_local::plan_test::schema()));
}

#[test]
fn the_reference_of_files_of_cases_is_that_of_the_schema() {
    let mut page = String::from(
        "# Keys of files of cases\n\nEvery key of the files that `attini plan test` runs, YAML or JSON. `NAME` is the name of a step, a parameter or a key of \
         your own.\n`defaults` has the same keys as a case, but for `name` and `expect`. How to use them is told in \
         [testing plans](../plan-tests.md).\n\n| Key | Type | Meaning |\n|---|---|---|\n",
    );
    let schema = attini_local::plan_test::schema();
    let mut table = String::new();
    keys(&schema, "", &mut table);
    // A list of answers or calls has the keys of one.
    let is_said = |line: &&str| line.starts_with("| `defaults.") || line.contains("NAME[].");
    for line in table.lines().filter(|line| !is_said(line)) {
        let line = &line
            .replace(" or null |", " |")
            .replace("| null |", "| `SUCCEEDED`, `FAILED` or `TIMED_OUT` |")
            .replace("` |  |", "` | any |");
        let columns: Vec<&str> = line.split(" | ").collect();
        let (first, rest) = (&columns[..2], &columns[3..columns.len() - 1]);
        writeln!(page, "{} | {} |", first.join(" | "), rest.join(" | ")).expect("a text can be written to");
    }
    page.push_str(
        "\nThe [schema](plan-tests.schema.json) for editors says the same; `attini plan test --schema` prints it.\n",
    );
    check("plan-tests.md", &page);
}

#[test]
fn the_pages_of_lint_rules_are_those_of_the_program() {
    check("../lint/README.md", &lint::index());
    let mut known = vec!["README.md".to_owned()];
    for rule in lint::RULES {
        let file = format!("{}.md", rule.code);
        check(&format!("../lint/{file}"), &lint::page(rule));
        known.push(file);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/lint");
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let name = entry.expect("it can be read").file_name().to_string_lossy().into_owned();
        assert!(known.contains(&name), "docs/lint/{name} is the page of no rule; remove it");
    }
    // The book shows what its summary lists.
    let summary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/SUMMARY.md");
    let summary = fs::read_to_string(summary).expect("the book has a summary");
    for file in &known {
        assert!(summary.contains(&format!("(lint/{file})")), "docs/SUMMARY.md lacks lint/{file}");
    }
}

/// Writes a row for each key below a place of the schema, depth first.
fn keys(schema: &Value, at: &str, page: &mut String) {
    for (key, child) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{at}{key}");
        let is_required = schema["required"].as_array().is_some_and(|all| all.contains(&json!(key)));
        let default = match (&child["default"], child["x-default"].as_str()) {
            _ if is_required => "required".to_owned(),
            (_, Some(words)) => words.to_owned(),
            (Value::Null, None) => "none".to_owned(),
            (Value::String(text), None) => format!("`{text}`"),
            (other, None) => format!("`{other}`"),
        };
        let meaning = child["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
        let rule = child["x-rule"].as_str().unwrap_or_default();
        writeln!(page, "| `{path}` | {} | {default} | {meaning} | {rule} |", kind(child))
            .expect("a text can be written to");
        below(child, &path, page);
    }
}

/// Goes on below lists and maps with names of the author's own.
fn below(schema: &Value, path: &str, page: &mut String) {
    keys(schema, &format!("{path}."), page);
    if schema["items"].is_object() {
        below(&schema["items"], &format!("{path}[]"), page);
    }
    if schema["additionalProperties"].is_object() {
        let is_level = path.matches('.').count() == 1;
        let name = if is_level && path.starts_with("initDeployConfig.") { "ENV" } else { "NAME" };
        below(&schema["additionalProperties"], &format!("{path}.{name}"), page);
    }
    for branch in schema["anyOf"].as_array().into_iter().flatten() {
        below(branch, path, page);
    }
}

/// Returns the type of a value in words.
fn kind(schema: &Value) -> String {
    if let Some(branches) = schema["anyOf"].as_array() {
        let mut kinds: Vec<String> = branches.iter().map(kind).filter(|kind| !kind.is_empty()).collect();
        kinds.dedup();
        return kinds.join(" or ");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        many => many.as_array().into_iter().flatten().filter_map(Value::as_str).filter(|it| *it != "null").collect(),
    };
    match types.as_slice() {
        ["boolean", ..] => "true or false".to_owned(),
        ["array", ..] => format!("list of: {}", kind(&schema["items"])),
        ["object", ..] if schema["additionalProperties"].is_object() => {
            format!("map of: {}", kind(&schema["additionalProperties"]))
        }
        ["object", ..] => "map".to_owned(),
        ["string", ..] => "text".to_owned(),
        [] => String::new(),
        [other, ..] => (*other).to_owned(),
    }
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
