//! The zip of a distribution: the same inputs give the same bytes, other tools read it, and what could be run still can.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::screen::Screen;
use crate::support::{TestEnv, edit};

/// Packages a project and returns the path of the zip.
fn package(env: &TestEnv, project: &Path, more: &[&str]) -> PathBuf {
    let arguments = ["distribution", "package", project.to_str().unwrap(), "--json"];
    let run = env.attini(arguments.iter().chain(more)).exits(0);
    let events = run.events();
    env.work().join(events.of("zip")[0]["DistributionPath"].as_str().unwrap())
}

/// Gives every file below a folder another time.
fn touch(folder: &Path, time: SystemTime) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            touch(&path, time);
        }
        File::open(&path).unwrap().set_modified(time).unwrap();
    }
}

fn set_mode(file: &Path, mode: u32) {
    fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn two_folders_at_two_times_give_the_same_bytes() {
    for example in ["hello-world", "network-and-app", "release-gate"] {
        let (one, other) = (TestEnv::new(), TestEnv::new().with("TZ", "Asia/Tokyo"));
        let folder = one.project(&format!("examples/{example}"));
        let first = fs::read(package(&one, &folder, &["-i", "1"])).unwrap();

        let copy = other.project(&format!("examples/{example}"));
        let moved = other.work().join("under another name");
        fs::rename(copy, &moved).unwrap();
        touch(&moved, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        // Who may read a file is the business of this machine, not of the distribution.
        set_mode(&moved.join("attini-config.yaml"), 0o600);
        let second = fs::read(package(&other, &moved, &["-i", "1"])).unwrap();
        assert!(first == second, "{example}: the zips differ");

        // The zip of before is no input.
        let again = fs::read(package(&other, &moved, &["-i", "1"])).unwrap();
        assert!(first == again, "{example}: packaging is not repeatable");
        let different = fs::read(package(&other, &moved, &["-i", "2"])).unwrap();
        assert!(first != different, "{example}: the id is not in the zip");
    }
}

#[test]
fn executable_files_stay_executable() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    set_mode(&project.join("scripts/greet.sh"), 0o755);
    edit(&project.join("deployment-plan.yaml"), "- bash scripts/greet.sh", "- ./scripts/greet.sh");
    env.deploy(&project, "1", &[]).exits(0).tells(&["✓ Greet"]);
    set_mode(&project.join("scripts/greet.sh"), 0o644);
    let run = env.deploy(&project, "2", &[]).exits(1);
    run.complains(&["failed in step `Greet`", "126", "is it executable?"]);
}

const READ: &str = "
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    print(json.dumps({entry.filename: [entry.external_attr >> 16, archive.read(entry).decode()] for entry in archive.infolist()}))
";

fn read_with_python(zip: &Path) -> BTreeMap<String, (u32, String)> {
    let output = Command::new("python3").args(["-c", READ]).arg(zip).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn python_reads_names_modes_and_contents() {
    let env = TestEnv::new();
    let project = env.project("examples/release-gate");
    set_mode(&project.join("scripts/smoke-test.sh"), 0o755);
    set_mode(&project.join("version.txt"), 0o644);
    fs::write(project.join("grüße-日本.txt"), "ja\n").unwrap();
    fs::create_dir(project.join(".git")).unwrap();
    fs::write(project.join(".git/HEAD"), "ref\n").unwrap();
    let zip = package(&env, &project, &["-i", "1"]);
    let entries = read_with_python(&zip);
    for (name, mode) in [("scripts/smoke-test.sh", 0o755), ("version.txt", 0o644), ("build/version.txt", 0o644)] {
        assert_eq!(entries[name].0 & 0o777, mode, "{name}");
    }
    assert_eq!(entries["version.txt"].1, "1.4.0\n");
    assert_eq!(entries["build/version.txt"].1, "1.4.0\n", "a package command has made it");
    assert_eq!(entries["grüße-日本.txt"].1, "ja\n");
    assert!(entries["attini-config.yaml"].1.contains("distributionId: \"1\""), "{}", entries["attini-config.yaml"].1);
    let metadata: Value = serde_json::from_str(&entries["attini_data/attini-metadata.json"].1).unwrap();
    assert_eq!(metadata["samProjects"], json!([]));
    assert!(!entries.keys().any(|name| name.contains("attini_dist")), "{:?}", entries.keys());
    assert!(!entries.keys().any(|name| name.starts_with('/') || name.contains("..")), "{:?}", entries.keys());
    // What package commands do, they do to a copy.
    assert!(!project.join("build").exists());
}

#[test]
fn a_package_command_that_fails_makes_no_zip() {
    let env = TestEnv::new();
    let project = env.project("examples/release-gate");
    fs::write(project.join("scripts/stamp.sh"), "echo no stamp >&2\nexit 4\n").unwrap();
    let run = env.deploy(&project, "1", &[]).exits(1);
    assert!(format!("{}{}", run.stdout, run.stderr).contains("no stamp"), "{}\n{}", run.stdout, run.stderr);
    assert!(!project.join("attini_dist/release-gate.zip").exists());
    // Nothing was changed: not even the environment was made.
    env.attini(["environment", "list"]).exits(152);
}

#[test]
fn a_terminal_shows_how_far_a_large_zip_is() {
    let env = TestEnv::new();
    let project = env.work().join("large");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("attini-config.yaml"), "distributionName: large\ndistributionId: one\n").unwrap();
    // Nothing that could be made smaller.
    let mut state = 1_u64;
    let mut block = Vec::with_capacity(8 << 20);
    while block.len() < 8 << 20 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        block.extend((state >> 16).to_le_bytes());
    }
    for number in 0..12 {
        fs::write(project.join(format!("file-{number}")), &block).unwrap();
    }
    let in_a_pipe = env.attini(["package", project.to_str().unwrap()]).exits(0);
    assert!(!in_a_pipe.stdout.contains("Zipping") && !in_a_pipe.stdout.contains(['\r', '\u{1b}']));
    let Some(screen) = Screen::of(&env, 100, 30) else {
        println!("not run: there is no tmux here");
        return;
    };
    let program = env!("CARGO_BIN_EXE_attini");
    screen.types(&[&format!("clear; {program} package large; echo exit code $?"), "Enter"]);
    screen.shows(" of 96.0 MiB, ");
    screen.shows("exit code 0");
    let text = screen.text();
    assert!(!text.contains("Zipping") && text.contains("Distribution created: large/attini_dist/large.zip"), "{text}");
    screen.types(&[&format!("clear; {program} package large --json; echo exit code $?"), "Enter"]);
    screen.shows("exit code 0");
    assert!(!screen.text().contains("Zipping"), "{}", screen.text());
}
