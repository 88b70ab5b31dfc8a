//! Command lines that work on project folders.

mod config;
mod zips;

use std::fs;
use std::io::{self, Cursor, Write};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;

use crate::app;
use crate::context::Settings;
use crate::local::Libraries;
use crate::ui::{Terminal, Ui};

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("free").clone()).expect("UTF-8")
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("free").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Ran {
    out: String,
    err: String,
    code: u8,
}

struct Project(TempDir);

impl Project {
    fn of(files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().expect("a folder"));
        for (path, content) in files {
            fs::write(project.0.path().join(path), content).expect("written");
        }
        project
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.path().join(path)).expect("there")
    }

    /// Runs a command line in which `P` is the project's folder, and shows it as `P` again.
    fn attini(&self, line: &str) -> Ran {
        self.attini_with(&Settings::default(), line)
    }

    fn attini_with(&self, settings: &Settings, line: &str) -> Ran {
        let (out, err) = (Sink::default(), Sink::default());
        let input = Box::new(Cursor::new(Vec::new()));
        let (boxed_out, boxed_err) = (Box::new(out.clone()), Box::new(err.clone()));
        let mut ui = Ui::new(boxed_out, boxed_err, input, Terminal::default(), || 80, || 1_700_000_000_000);
        let folder = self.0.path().display().to_string();
        let place = |word: &str| match word.strip_prefix('P') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{folder}{rest}"),
            _ => word.to_owned(),
        };
        let args: Vec<String> = line.split_whitespace().map(place).collect();
        let code = app::run(&args, settings, &Libraries, &mut ui);
        let text = |sink: &Sink| sink.text().replace(&folder, "P");
        Ran { out: text(&out), err: text(&err), code }
    }
}

const CONFIG: (&str, &str) = ("attini-config.yaml", "distributionName: shop\ndistributionId: 0123\n");

#[test]
fn cli_case_10_inspect_shows_what_was_packaged() {
    let project = Project::of(&[CONFIG]);
    let ran = project.attini("distribution package P -v 1.2.0-rc.1+5");
    insta::assert_snapshot!(ran.out, @"
    Packaging distribution: shop
    Distribution version set to: 1.2.0-rc.1+5
    1 file, 70 bytes before compression
    Distribution created: P/attini_dist/shop.zip
    ");
    assert_eq!((ran.err.as_str(), ran.code), ("", 0));
    let ran = project.attini("distribution inspect P/attini_dist/shop.zip --json");
    let expected = serde_json::json!({
        "distributionId": "0123", "distributionName": "shop", "distributionTags": {}, "version": "1.2.0-rc.1+5",
    });
    let found: Value = serde_json::from_str(&ran.out).expect("JSON");
    let identity = found.as_object().expect("an object").iter().take(4);
    // The same keys in the same order.
    assert!(identity.eq(expected.as_object().expect("an object")), "{}", ran.out);
}

#[test]
fn exit_codes_of_packaging() {
    let code = |files: &[(&str, &str)], options: &str| {
        let project = Project::of(files);
        let ran = project.attini(&format!("distribution package P {options}"));
        assert!(ran.out.lines().all(|line| !line.contains("created")) && !ran.err.is_empty(), "{options}");
        ran.code
    };
    let named = |rest: &str| format!("distributionName: shop\n{rest}");
    let config = |text: &str| code(&[("attini-config.yaml", text)], "");
    assert_eq!(code(&[CONFIG, ("attini-config.json", "{}")], ""), 155);
    assert_eq!(code(&[], ""), 155);
    assert_eq!(config("distributionName: a b\n"), 155);
    assert_eq!(config("a: [\n"), 155);
    assert_eq!(config("version: 1.0.0\n"), 155);
    assert_eq!(config(&named("distributionId: \"a b\"\n")), 155);
    assert_eq!(code(&[CONFIG], "-i a/b"), 151);
    assert_eq!(code(&[CONFIG], "-v 1.2"), 151);
    assert_eq!(code(&[CONFIG], "--name a/b"), 151);
    assert_eq!(code(&[CONFIG, (".attini-ignore", "[a\n")], ""), 151);
    assert_eq!(code(&[CONFIG, (".attini-ignore", "nothing\n"), ("x y.txt", "")], ""), 1);
    assert_eq!(config(&named("package: {prePackage: {commands: [exit 3]}}\n")), 1);
    assert_eq!(config(&named("initDeployConfig: {template: none.yaml, stackName: s}\n")), 1);
    let template = named("initDeployConfig: {template: plan.yaml, stackName: s}\n");
    let files = [("attini-config.yaml", template.as_str()), ("plan.yaml", "Resources: [\n")];
    assert_eq!(code(&files, ""), 151);
}

#[test]
fn problems_are_shown_with_their_lines() {
    let project = Project::of(&[("attini-config.yaml", "distributionName: -abc\ndistributionId: a b\n")]);
    insta::assert_snapshot!(project.attini("distribution package P").err, @"
    Error: Attini configuration file error: 2 problems
    error: `distributionName` is not valid: distribution name `-abc` must start with a letter or digit
     --> attini-config.yaml:1:19
      |
    1 | distributionName: -abc
      |                   ^^^^
      = help: a name matches `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`
    error: `distributionId` is not valid: distribution id `a b` must not contain ' '
     --> attini-config.yaml:2:17
      |
    2 | distributionId: a b
      |                 ^^^
      = help: an id becomes a part of object keys: use letters, digits, `.`, `_`, `-` or `:`
    ");
}

#[test]
fn cli_case_17_every_line_is_json() {
    let text = "distributionName: shop\npackage: {prePackage: {commands: [echo hi]}}\n";
    let project = Project::of(&[("attini-config.yaml", text)]);
    let ran = project.attini("distribution package P --json");
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(lines.iter().any(|line| line["type"] == "string" && line["data"] == "hi"), "{}", ran.out);
}

#[test]
fn zips_that_are_no_distributions() {
    let project = Project::of(&[("a.zip", "text"), ("b.txt", "")]);
    let code = |line: &str| project.attini(line).code;
    assert_eq!(code("distribution inspect P/a.zip"), 151);
    assert_eq!(code("distribution inspect P/b.txt"), 151);
    assert_eq!(code("distribution inspect P/none.zip"), 151);
    // The archive of no files at all.
    fs::write(project.0.path().join("a.zip"), [b"PK\x05\x06".as_slice(), &[0; 18]].concat()).expect("written");
    assert_eq!(code("distribution inspect P/a.zip"), 155);
}

#[test]
fn cli_case_48_configure_edits_files() {
    let project = Project::of(&[("f.txt", ""), ("f.yaml", "# top\ntags: {}\n")]);
    let set = |file: &str, value: &str| project.attini(&format!("configure set-tag P/{file} --key a --value {value}"));
    assert_eq!(set("f.txt", "b").code, 155);
    assert_eq!(set("none.yaml", "b").code, 155);
    let ran = set("f.yaml", "b");
    assert_eq!((ran.out.as_str(), ran.code), ("Set tag a=b in P/f.yaml\n", 0));
    assert_eq!(set("f.yaml", "b").code, 0);
    let ran = set("f.yaml", "c");
    insta::assert_snapshot!(ran.err, @"
    Error: `tags.a` already exists in P/f.yaml
    Hint: pass `--override` to replace it
    ");
    assert_eq!(ran.code, 1);
    assert_eq!(set("f.yaml", "c --override").code, 0);
    assert_eq!(project.read("f.yaml"), "# top\ntags: {a: \"c\"}\n");
}

#[test]
fn configure_finds_the_configuration_of_a_project() {
    let project = Project::of(&[("attini-config.yaml", "distributionName: shop # why\n")]);
    let ran = project.attini("configure set-init-deploy-parameter --path P -e dev --key A --value 1");
    assert_eq!((ran.err.as_str(), ran.code), ("", 0));
    assert_eq!(project.attini("configure set-dist-id --path P --id 7").code, 0);
    let text = "distributionName: shop # why\ninitDeployConfig:\n  parameters:\n    dev:\n      A: \"1\"\n\
                distributionId: \"7\"\n";
    assert_eq!(project.read("attini-config.yaml"), text);
    assert_eq!(project.attini("configure set-dist-id --path P --random").code, 1);
    assert_eq!(project.attini("configure set-dist-id --path P --id a/b --override").code, 151);
    assert_eq!(project.attini("configure set-dist-id --path P/none --random").code, 155);
}

#[test]
fn cli_case_12_an_id_that_was_asked_for_stays_in_its_project_only() {
    let (project, other) = (Project::of(&[CONFIG]), Project::of(&[CONFIG]));
    let fixed_id = Some((project.0.path().to_owned(), "X".to_owned()));
    let settings = Settings { fixed_id, ..Settings::default() };
    for option in ["", " --override"] {
        let ran = project.attini_with(&settings, &format!("configure set-dist-id --path P/. --random{option}"));
        let notice = "DistributionId stays X, which `--distribution-id` asks for\n";
        assert_eq!((ran.out.as_str(), ran.code), (notice, 0));
    }
    assert_eq!(project.read(CONFIG.0), CONFIG.1);
    assert_eq!(other.attini_with(&settings, "configure set-dist-id --path P --id 8 --override").code, 0);
    assert!(other.read(CONFIG.0).contains("\"8\""));
}
