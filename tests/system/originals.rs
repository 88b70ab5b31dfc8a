//! Zips as the original makes them (cli.md 7.5, 9.4): read, checked and deployed like ours.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use attini_core::document::Document;
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::packaged::{Packaged, env_of, names};
use crate::support::TestEnv;

/// Packs the files of one of our zips as the original does: without a manifest, in no particular order but each directory before
/// what it holds, with sizes behind the contents instead of before them, without modes, and the configuration written anew.
fn original(packaged: &Packaged) -> PathBuf {
    let mut archive = packaged.open();
    let entries = archive.entries().to_vec();
    let mut order: Vec<_> = entries.iter().filter(|entry| entry.path != "attini-manifest.json").collect();
    // The order of a listing: here the other way round, on each level.
    order.sort_by(|one, other| {
        let mut parts = one.path.split('/').zip(other.path.split('/'));
        let first = parts.find(|(one, other)| one != other);
        first.map_or(one.path.len().cmp(&other.path.len()), |(one, other)| other.cmp(one))
    });
    let path = packaged.env.work().join("original.zip");
    let mut zip = ZipWriter::new_stream(File::create(&path).unwrap());
    let options = SimpleFileOptions::default();
    for entry in order {
        if entry.is_directory() {
            zip.add_directory(entry.path.as_str(), options).unwrap();
            continue;
        }
        let mut content = archive.read(&entry.path, 1 << 20).unwrap();
        if entry.path == "attini-config.yaml" {
            let document = Document::parse(&entry.path, &String::from_utf8(content).unwrap()).unwrap();
            content = format!("---\n{}", rewritten(&document.to_json(), 0)).into_bytes();
        }
        zip.start_file(entry.path.as_str(), options).unwrap();
        zip.write_all(&content).unwrap();
    }
    drop(zip.finish().unwrap());
    without_modes(&path);
    path
}

/// YAML with every text in double quotes.
fn rewritten(value: &Value, depth: usize) -> String {
    let margin = "  ".repeat(depth);
    let below = |value: &Value| match value {
        Value::Object(map) if !map.is_empty() => format!("\n{}", rewritten(value, depth + 1)),
        Value::Array(list) if !list.is_empty() => format!("\n{}", rewritten(value, depth)),
        plain => format!(" {plain}\n"),
    };
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| format!("{margin}{key}:{}", below(value))).collect(),
        Value::Array(list) => list.iter().map(|value| format!("{margin}-{}", below(value))).collect(),
        plain => plain.to_string(),
    }
}

/// Says in the directory of a zip that it comes from a system that knows no modes.
fn without_modes(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let end = bytes.windows(4).rposition(|four| four == b"PK\x05\x06").unwrap();
    let number = |bytes: &[u8], at: usize, len: usize| {
        bytes[at..at + len].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    let mut at = number(&bytes, end + 16, 4);
    while bytes[at..].starts_with(b"PK\x01\x02") {
        bytes[at + 5] = 0;
        bytes[at + 38..at + 42].fill(0);
        at += 46 + number(&bytes, at + 28, 2) + number(&bytes, at + 30, 2) + number(&bytes, at + 32, 2);
    }
    assert_eq!(at, end);
    fs::write(path, bytes).unwrap();
}

#[test]
fn zips_of_the_original_are_inspected_and_verified() {
    for name in names() {
        let packaged = Packaged::of(&name);
        let zip = original(&packaged);
        let zip = zip.to_str().unwrap();
        let inspected = packaged.env.attini(["distribution", "inspect", zip, "--json"]).exits(0).json();
        let ours = packaged.inspect();
        for key in ["distributionName", "distributionId", "plans"] {
            assert_eq!(inspected[key], ours[key], "{name}: {inspected}");
        }
        let verified = packaged.env.attini(["distribution", "verify", zip, "--json"]).exits(0).json();
        assert_eq!((&verified["manifest"], &verified["signature"]), (&"no manifest".into(), &"unsigned".into()));
    }
}

#[test]
fn zips_of_the_original_are_deployed() {
    for (name, wanted) in [
        ("18-runner", "  read in dev: a line for the next job"),
        ("12-website", "SUCCEEDED"),
        ("17-parallel", "SUCCEEDED"),
    ] {
        let packaged = Packaged::by(env_of(name).with("GITHUB_SHA", "abc"), name);
        let zip = original(&packaged);
        let env: &TestEnv = &packaged.env;
        let run = env.attini(["deploy", "run", zip.to_str().unwrap(), "-e", "dev"]).exits(0);
        run.tells(&[wanted, "Deployment plan finished with status: SUCCEEDED"]);
    }
}
