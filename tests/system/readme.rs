//! The README says what the program does: its recording is a real run, and its links lead somewhere.
//! `UPDATE_DOCS=1 cargo test -p attini-cli --test system readme` records anew.

use std::fs;

use crate::support::{TestEnv, repository};

const START: &str = "<!-- recording:start -->\n```text\n";
const END: &str = "```\n<!-- recording:end -->";
const COMMAND: &str = "attini deploy run --local examples/hello-world";

#[test]
fn the_recording_in_the_readme_is_a_real_run() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    fs::create_dir(env.work().join("examples")).unwrap();
    fs::rename(project, env.work().join("examples/hello-world")).unwrap();
    let run = env.attini(COMMAND.split(' ').skip(1)).exits(0);
    // The home of the test is a directory of its own.
    let kept = |line: &str| match line.split_once("the state is kept in ") {
        Some((before, _)) => format!("{before}the state is kept in ~/.local/share/attini/local\n"),
        None => format!("{line}\n"),
    };
    let recorded = format!("$ {COMMAND}\n{}", run.stdout.lines().map(kept).collect::<String>());

    let path = repository().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(START).expect("the README has a recording");
    let (shown, after) = rest.split_once(END).expect("the recording has an end");
    // What differs by luck alone is no reason to write the file again.
    if without_luck(shown) != without_luck(&recorded) && std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}{START}{recorded}{END}{after}")).unwrap();
        return;
    }
    let hint = "record it with `UPDATE_DOCS=1 cargo test -p attini-cli --test system readme`";
    assert_eq!(without_luck(shown), without_luck(&recorded), "{hint}");
}

/// Takes out what differs from run to run: random ids and durations.
fn without_luck(text: &str) -> String {
    let word = |word: &str| {
        let core = word.trim_matches(|c| matches!(c, '(' | ')' | ',' | '.'));
        let is_id = core.len() == 36 && core.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let number = core.trim_end_matches(['m', 's']);
        let is_time = core.ends_with('s') && number.parse::<f64>().is_ok();
        if is_id || is_time { word.replace(core, "…") } else { word.to_owned() }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn links_between_pages_lead_somewhere() {
    let root = repository();
    let mut pages = vec![root.join("README.md"), root.join("CHANGELOG.md")];
    for folder in ["docs", "docs/reference"] {
        let entries = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    let mut dead = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        for target in targets.filter(|target| !target.starts_with("http") && !target.starts_with('#')) {
            let file = target.split('#').next().unwrap();
            if !page.parent().unwrap().join(file).exists() {
                dead.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}
