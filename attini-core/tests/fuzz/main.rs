//! The fuzz targets under proptest, in every test run: random bytes, and sound files with random damage.
//!
//! `FUZZ_SECONDS=600 cargo test -p attini-core --test fuzz` goes on for that long per target. The functions themselves
//! are plain, so that `cargo fuzz` can call them where a nightly compiler is.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests may panic and say what they did")]
#![allow(clippy::disallowed_methods, clippy::unit_arg, reason = "a fuzzing run takes its time from outside")]

mod targets;

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use attini_core::distribution::{Archive, Content, EntryTime, Limits, Manifest, PrivateKey, renew_manifest};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use targets::CONFIG;

const PLAN: &str = "Resources:\n  P:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n\
    \x20     - {Name: A, Type: Pass}\n      - {Name: B, Type: Parallel, Branches: [[{Name: C, Type: AttiniCfn}]]}\n";

fn zipped() -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_directory("d", SimpleFileOptions::default()).unwrap();
    for (path, text) in [("attini-config.yaml", CONFIG), ("p.yaml", PLAN), ("d/run.sh", "true"), ("å", "")] {
        zip.start_file(path, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    let mut whole = Cursor::new(Vec::new());
    renew_manifest(zip.finish().unwrap(), &mut whole, EntryTime::default()).unwrap();
    whole.into_inner()
}

/// A change of a sound file: bytes replaced, removed, or taken from elsewhere in it.
#[derive(Debug, Clone)]
enum Damage {
    Replace(usize, Vec<u8>),
    Remove(usize, usize),
    Copy(usize, usize, usize),
    Insert(usize, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    let interesting = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..5),
        Just(vec![0xff; 4]),
        Just(vec![0; 4]),
        Just(b"../".to_vec()),
        Just(b"*a".to_vec()),
        Just(b"[[[[".to_vec()),
        Just("\u{feff}".into()),
    ];
    prop_oneof![
        4 => (any::<usize>(), interesting.clone()).prop_map(|(at, bytes)| Damage::Replace(at, bytes)),
        1 => (any::<usize>(), 1..40usize).prop_map(|(at, length)| Damage::Remove(at, length)),
        1 => (any::<usize>(), any::<usize>(), 1..80usize).prop_map(|(from, to, length)| Damage::Copy(from, to, length)),
        1 => (any::<usize>(), interesting).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
    ]
}

fn damaged(sound: &[u8], changes: &[Damage]) -> Vec<u8> {
    let mut data = sound.to_vec();
    for change in changes {
        let length = data.len();
        let place = |at: usize| if length == 0 { 0 } else { at % length };
        let end = |at: usize, count: usize| (at + count).min(length);
        match change {
            Damage::Replace(at, bytes) => {
                let at = place(*at);
                data.splice(at..end(at, bytes.len()), bytes.iter().copied());
            }
            Damage::Remove(at, count) => drop(data.drain(place(*at)..end(place(*at), *count))),
            Damage::Copy(from, to, count) => {
                let part = data[place(*from)..end(place(*from), *count)].to_vec();
                data.splice(place(*to)..place(*to), part);
            }
            Damage::Insert(at, bytes) => drop(data.splice(place(*at)..place(*at), bytes.iter().copied())),
        }
    }
    data
}

/// Runs a target on random bytes and on damaged sound files, a fixed number of times or as long as `FUZZ_SECONDS` says.
fn fuzz(name: &str, sound: &[u8], target: fn(&[u8])) {
    target(sound);
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let inputs = prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..600),
        9 => prop::collection::vec(damage(), 1..5).prop_map(|changes| damaged(sound, &changes)),
    ];
    let mut count = 0;
    loop {
        let config = Config { cases: 1500, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new(config);
        runner.run(&inputs, |data| Ok(target(&data))).unwrap_or_else(|error| panic!("{name}: {error}"));
        count += 1500;
        if end.is_none_or(|end| Instant::now() >= end) {
            eprintln!("{name}: {count} inputs");
            return;
        }
    }
}

#[test]
fn archives() {
    fuzz("archive", &zipped(), targets::archive);
}

#[test]
fn distributions() {
    fuzz("distribution", &zipped(), targets::distribution);
}

#[test]
fn plans_in_sound_archives() {
    fuzz("plan", PLAN.as_bytes(), targets::plan);
}

#[test]
fn manifests() {
    let mut archive = Archive::open(Cursor::new(zipped()), &Limits::default()).unwrap();
    let text = Manifest::of(&Content::read(&mut archive).unwrap().files).render();
    fuzz("manifest", text.as_bytes(), targets::manifest);
}

#[test]
fn signatures() {
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIBREf1cP/ZGFAT8AFJec8Cvzu3bW+FQosdJS94EEUWH5\n-----END PRIVATE KEY-----\n";
    let signed = PrivateKey::parse(KEY).unwrap().sign(&"a".repeat(64)).render();
    fuzz("signature", signed.as_bytes(), targets::signature);
}

#[test]
fn configurations() {
    fuzz("config", CONFIG.as_bytes(), targets::config);
}
