//! `attini plan graph`: from a project, a template, a zip or a state machine to a drawing.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{TestEnv, repository};

const EXAMPLES: [&str; 3] = ["hello-world", "network-and-app", "release-gate"];

/// Where the picture of the plans page is.
const PAGE: &str = "docs/release-gate.svg";

#[test]
fn folder_template_zip_and_state_machine_draw_the_same_plan() {
    let env = TestEnv::new();
    let project = env.project("examples/release-gate");
    let of_folder = env.attini(["plan", "graph", "release-gate"]).exits(0);
    of_folder.line("release-gate: Plan");
    let steps = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let of_template = env.attini(["plan", "graph", "release-gate/deployment-plan.yaml"]).exits(0);
    assert_eq!(steps(&of_template.stdout), steps(&of_folder.stdout));
    let packaged = env.attini(["package", project.to_str().unwrap()]).exits(0);
    let zip = packaged.line(".zip").split_whitespace().find(|word| word.ends_with(".zip")).unwrap().to_owned();
    let of_zip = env.attini(["plan", "graph", &zip]).exits(0);
    assert_eq!(of_zip.stdout, of_folder.stdout);
    fs::write(env.work().join("machine.json"), r#"{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}"#).unwrap();
    env.attini(["plan", "graph", "machine.json"]).exits(0).tells(&["`- A  Succeed"]);
}

#[test]
fn the_locale_decides_about_characters() {
    let env = TestEnv::new().with("LANG", "en_US.UTF-8");
    env.project("examples/release-gate");
    env.attini(["plan", "graph", "release-gate"]).exits(0).tells(&["├─ Checks  Parallel", "✋ Approve"]);
    let env = env.with("LC_ALL", "C");
    let run = env.attini(["plan", "graph", "release-gate"]).exits(0);
    assert!(run.stdout.is_ascii(), "{}", run.stdout);
}

#[test]
fn the_name_of_the_file_decides_about_the_format() {
    let env = TestEnv::new();
    env.project("examples/hello-world");
    for (file, start) in [("a.svg", "<svg "), ("a.dot", "digraph "), ("a.mmd", "%% hello-world: Plan\nflowchart TD")] {
        env.attini(["plan", "graph", "hello-world", "-o", file]).exits(0).tells(&[&format!("Wrote {file}")]);
        let text = fs::read_to_string(env.work().join(file)).unwrap();
        assert!(text.starts_with(start), "{text}");
    }
    let graph = env.attini(["plan", "graph", "hello-world", "--json"]).exits(0).json();
    assert_eq!(graph["body"]["start"], "Greet");
}

#[test]
fn what_cannot_be_drawn_is_refused_with_what_to_do() {
    let env = TestEnv::new();
    let write = |file: &str, text: &str| fs::write(env.work().join(file), text).unwrap();
    write("none.yaml", "Resources: {}\n");
    env.attini(["plan", "graph", "none.yaml"]).exits(151).complains(&["holds no plan"]);
    let plan = "{Type: Attini::Deploy::DeploymentPlan, Properties: {DeploymentPlan: [{Name: A, Type: Pass}]}}";
    write("two.yaml", &format!("Resources:\n  One: {plan}\n  Two: {plan}\n"));
    env.attini(["plan", "graph", "two.yaml"]).exits(151).complains(&["several plans: `One`, `Two`", "`--plan`"]);
    env.attini(["plan", "graph", "two.yaml", "--plan", "Two"]).exits(0).tells(&["A  Pass"]);
    env.attini(["plan", "graph", "two.yaml", "--plan", "Three"])
        .exits(151)
        .complains(&["no plan called `Three`", "`One`"]);
    write("broken.yaml", "Resources: [\n");
    env.attini(["plan", "graph", "broken.yaml"]).exits(151).complains(&["broken.yaml cannot be read"]);
    env.attini(["plan", "graph", "missing.yaml"]).exits(151).complains(&["cannot read missing.yaml"]);
    env.attini(["plan", "graph", "."]).exits(155);
}

/// Renders the pictures with a program that people have, if it is there; `scripts/test` says when it is not.
#[test]
fn pictures_of_all_examples_can_be_rendered() {
    let env = TestEnv::new();
    for name in EXAMPLES {
        env.project(&format!("examples/{name}"));
        let file = format!("{name}.svg");
        env.attini(["plan", "graph", name, "-o", &file]).exits(0);
        let picture = env.work().join(&file);
        let text = fs::read_to_string(&picture).unwrap();
        assert!(text.trim_end().ends_with("</svg>"));
        let Some((width, height)) = rendered(&picture) else {
            println!("skipped: rendering {file}, rsvg-convert is not installed");
            continue;
        };
        assert!(width > 300 && height > 300, "{name}: {width} x {height}");
    }
}

/// Returns width and height of the picture as a PNG; `None` without the program.
fn rendered(picture: &Path) -> Option<(u32, u32)> {
    let target = picture.with_extension("png");
    let run = Command::new("rsvg-convert").arg("-o").arg(&target).arg(picture).output().ok()?;
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let png = fs::read(&target).unwrap();
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    Some((number(16), number(20)))
}

#[test]
fn the_picture_on_the_plans_page_is_that_of_the_program() {
    let env = TestEnv::new();
    env.project("examples/release-gate");
    let wanted = env.attini(["plan", "graph", "release-gate", "--format", "svg"]).exits(0).stdout;
    let path = repository().join(PAGE);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, wanted).unwrap();
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{PAGE} is stale; write it with `UPDATE_DOCS=1 cargo test -p attini-cli --test system plan_graph`"
    );
}
