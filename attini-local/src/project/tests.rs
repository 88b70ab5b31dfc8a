//! The pieces in the order of cli.md 7.2.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use attini_core::distribution::{
    Archive, EntryTime, IGNORE_FILE, IgnoreRules, Limits, MANIFEST_FILE, Selection, TreeEntry, WriteOptions,
    WriteReport, select, write_zip,
};

use super::*;

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files.iter().chain([&("attini-config.yaml", "distributionName: a\n")]) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn rules(root: &Path) -> IgnoreRules {
    match fs::read_to_string(root.join(IGNORE_FILE)) {
        Ok(text) => IgnoreRules::parse(&text).unwrap(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => IgnoreRules::default(),
        Err(error) => panic!("{error}"),
    }
}

fn write(tree: &FolderTree, selection: &Selection, output: &File) -> WriteReport {
    let threads = NonZeroUsize::new(2).unwrap();
    let options = WriteOptions { time: EntryTime::default(), threads, scratch: &scratch };
    write_zip(tree, &selection.entries, output, &options).unwrap()
}

/// Packages with commands, and returns the zip.
fn package(project: &Path, commands: &[&str]) -> PathBuf {
    let dist = DistFolder::lock(project).unwrap();
    let copy = WorkCopy::of(project).unwrap();
    let commands: Vec<_> = commands.iter().map(ToString::to_string).collect();
    let request = PhaseCommands {
        phase: CommandPhase::PrePackage,
        commands: &commands,
        work_dir: copy.path(),
        environment_script: None,
        cli_dir: None,
        distribution_id: None,
        json: true,
    };
    run_commands(&request, &mut |_| {}).unwrap();
    let tree = FolderTree::copy(copy.path()).unwrap();
    let selection = select(&tree, &rules(copy.path()), 0).unwrap();
    let zip = copy.path().join("a.zip");
    write(&tree, &selection, &File::create(&zip).unwrap());
    dist.take(&zip).unwrap()
}

fn open(zip: &Path) -> Archive<File> {
    Archive::open(File::open(zip).unwrap(), &Limits::default()).unwrap()
}

/// Paths in a zip without the manifest, which comes last; directories end in `/`.
fn paths(zip: &Path) -> Vec<String> {
    let path = |entry: &TreeEntry| if entry.is_directory() { format!("{}/", entry.path) } else { entry.path.clone() };
    let mut paths: Vec<_> = open(zip).entries().iter().map(path).collect();
    assert_eq!(paths.pop().as_deref(), Some(MANIFEST_FILE));
    paths
}

#[test]
fn cli_case_14_what_commands_make_goes_in_and_the_source_stays() {
    let project = project(&[("sub/x", "")]);
    let zip = package(project.path(), &["A=1", "cd sub", "echo $A > out.txt"]);
    assert_eq!(open(&zip).read("sub/out.txt", 10).unwrap(), b"1\n");
    assert!(!project.path().join("sub/out.txt").exists());
}

#[test]
fn cli_case_20_defaults() {
    let files = ["a.txt", ".env", "d/.x", "b c.txt", "d/e@f", "node_modules/m/i.js"];
    let project = project(&files.map(|path| (path, "x")));
    assert_eq!(paths(&package(project.path(), &[])), ["a.txt", "attini-config.yaml", "d/"]);
}

#[test]
fn rules_that_a_command_writes_hold_when_the_zip_is_made() {
    let project = project(&[("a.md", ""), (".hidden", "")]);
    let zip = package(project.path(), &["echo '*.md' > .attini-ignore", "cp .hidden shown"]);
    assert_eq!(paths(&zip), [".attini-ignore", ".hidden", "attini-config.yaml", "shown"]);
}

#[test]
fn projects_case_20_a_top_level_cdk_out_goes_in() {
    let ignore = "**/.*\n.*\n**/node_modules/**\n**/cdk.out/**\n";
    let project = project(&[(".attini-ignore", ignore), ("app/cdk.out/x", ""), ("app/node_modules/m/i.js", "")]);
    let zip = package(project.path(), &["mkdir cdk.out", "cd app", "echo {} > ../cdk.out/t.template.json"]);
    assert_eq!(paths(&zip), ["app/", "app/cdk.out/", "attini-config.yaml", "cdk.out/", "cdk.out/t.template.json"]);
}

#[test]
fn cli_case_25_equal_projects_give_equal_zips_with_and_without_a_copy() {
    let files = [("a/b/c.txt", "text"), ("z", "")];
    let (one, other) = (project(&files), project(&files));
    symlink("a/b/c.txt", one.path().join("link")).unwrap();
    fs::write(other.path().join("link"), "text").unwrap();
    let zip = package(one.path(), &["true"]);

    let dist = DistFolder::lock(other.path()).unwrap();
    let tree = FolderTree::source(other.path()).unwrap();
    let selection = select(&tree, &rules(other.path()), 0).unwrap();
    let staged = dist.stage().unwrap();
    let report = write(&tree, &selection, staged.as_file());
    let direct = dist.publish(staged, "a.zip").unwrap();
    assert_eq!(fs::read(zip).unwrap(), fs::read(&direct).unwrap());
    assert_eq!(paths(&direct), ["a/", "a/b/", "a/b/c.txt", "attini-config.yaml", "link", "z"]);
    assert_eq!(report.files.len(), 4);
}
