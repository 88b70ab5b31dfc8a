//! Whole projects, packaged.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod outcome;
mod refusals;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use attini_core::config::Config;
use attini_core::distribution::{Archive, Content, Limits, MANIFEST_FILE, ManifestState, TreeEntry};
use serde_json::Value;
use tempfile::TempDir;

use super::*;

/// What `configure set-dist-id` does, as far as package commands can tell.
const STAND_IN: &str = r#"#!/bin/bash
[[ "$1 $2" == "configure set-dist-id" ]] || exit 2
[[ -n $ATTINI_PACKAGE_DISTRIBUTION_ID ]] && { echo "stays $ATTINI_PACKAGE_DISTRIBUTION_ID"; exit 0; }
id=random-id
[[ $3 == --id ]] && id=$4
file=$(ls attini-config.*)
grep -q ^distributionId "$file" && { echo exists >&2; exit 1; }
echo "distributionId: '$id'" >> "$file"
"#;

/// A project folder, and a folder with a stand-in for the command line.
struct Project {
    folder: TempDir,
    cli: TempDir,
}

impl Project {
    /// A project of these files.
    fn of(files: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap(), cli: tempfile::tempdir().unwrap() };
        let cli = project.cli.path().join("attini");
        fs::write(&cli, STAND_IN).unwrap();
        fs::set_permissions(&cli, fs::Permissions::from_mode(0o755)).unwrap();
        files.iter().for_each(|(path, content)| project.write(path, content));
        project
    }

    /// A project with name, id, these commands before packaging, and these files.
    fn with_commands(commands: &[&str], files: &[(&str, &str)]) -> Self {
        let project = Self::of(files);
        let commands = serde_json::to_string(commands).unwrap();
        let config = format!("distributionName: shop\npackage:\n  prePackage:\n    commands: {commands}\n");
        project.write("attini-config.yaml", &config);
        project
    }

    /// A project with an id, an init template, and these files.
    fn with_template(template: &str, files: &[(&str, &str)]) -> Self {
        let project = Self::of(files);
        let config =
            "distributionName: shop\ndistributionId: a\ninitDeployConfig: {template: /plan.yaml, stackName: s}\n";
        project.write("attini-config.yaml", config);
        project.write("plan.yaml", template);
        project
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn options(&self) -> PackageOptions<'_> {
        PackageOptions { cli_dir: Some(self.cli.path()), json: true, ..PackageOptions::new(self.path()) }
    }

    fn package(&self) -> Made {
        Made::by(&self.options())
    }

    /// Names in the folder of the finished zip.
    fn dist(&self) -> Vec<String> {
        let names = fs::read_dir(self.path().join("attini_dist")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != ".lock").collect()
    }
}

/// What a packaging did.
struct Made {
    result: Result<Packaged, PackageError>,
    messages: Vec<String>,
    output: Vec<String>,
    warnings: Vec<String>,
}

impl Made {
    fn by(options: &PackageOptions<'_>) -> Self {
        let (mut messages, mut output, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
        let result = package(options, &mut |event| match event {
            PackageEvent::Message(text) => messages.push(text),
            PackageEvent::Output(line) => output.push(line),
            PackageEvent::Warning(problem) => warnings.push(problem.to_string()),
            PackageEvent::Progress { .. } => {}
        });
        Self { result, messages, output, warnings }
    }

    #[track_caller]
    fn packaged(&self) -> &Packaged {
        self.result.as_ref().unwrap_or_else(|error| panic!("{}", explain(error)))
    }

    #[track_caller]
    fn refused(&self) -> &PackageError {
        self.result.as_ref().expect_err("it was packaged")
    }

    #[track_caller]
    fn open(&self) -> Archive<File> {
        open(&self.packaged().zip)
    }

    /// Paths in the zip without the manifest, which comes last; directories end in `/`.
    #[track_caller]
    fn paths(&self) -> Vec<String> {
        paths(&self.packaged().zip)
    }

    #[track_caller]
    fn file(&self, path: &str) -> String {
        String::from_utf8(self.open().read(path, 1 << 20).unwrap()).unwrap()
    }

    #[track_caller]
    fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.file(path)).unwrap()
    }

    #[track_caller]
    fn config(&self) -> Config {
        Config::parse("attini-config.yaml", &self.file("attini-config.yaml")).unwrap().0
    }
}

fn open(zip: &Path) -> Archive<File> {
    Archive::open(File::open(zip).unwrap(), &Limits::default()).unwrap()
}

fn paths(zip: &Path) -> Vec<String> {
    let path = |entry: &TreeEntry| if entry.is_directory() { format!("{}/", entry.path) } else { entry.path.clone() };
    let mut paths: Vec<_> = open(zip).entries().iter().map(path).collect();
    assert_eq!(paths.pop().as_deref(), Some(MANIFEST_FILE));
    paths
}

/// The error and its causes, one a line.
fn explain(error: &PackageError) -> String {
    let first: &dyn std::error::Error = error;
    let chain = std::iter::successors(Some(first), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
