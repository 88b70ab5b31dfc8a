//! Zips that are none, or that were made to do harm: first as files that are deployed, then as uploads that somebody put
//! into the origin without asking the command line.

use attini_core::deploy::{Upload, init_deploy};
use attini_core::port::{Body, Precondition};
use attini_core::value::{DistributionName, Environment, ObjectKey, Timestamp};
use attini_local::world::{LocalWorld, Options};

use super::*;

/// An archive made by hand, byte by byte.
#[derive(Default)]
struct Zip {
    bytes: Vec<u8>,
    central: Vec<u8>,
    count: u16,
}

/// What an entry says about itself.
struct Entry<'a> {
    name: &'a str,
    content: &'a [u8],
    mode: u32,
    crc: Option<u32>,
    /// Where its content is said to be; the true place when absent.
    at: Option<usize>,
    /// How long it is said to be.
    size: Option<u32>,
}

fn file<'a>(name: &'a str, content: &'a str) -> Entry<'a> {
    Entry { name, content: content.as_bytes(), mode: 0o100_644, crc: None, at: None, size: None }
}

impl Zip {
    fn of(entries: &[Entry<'_>]) -> Vec<u8> {
        let mut zip = Self::default();
        entries.iter().for_each(|entry| zip.add(entry));
        zip.finish()
    }

    fn add(&mut self, entry: &Entry<'_>) {
        let offset = entry.at.unwrap_or(self.bytes.len());
        let crc = entry.crc.unwrap_or_else(|| crc32(entry.content));
        let size = entry.size.unwrap_or_else(|| u32::try_from(entry.content.len()).unwrap());
        let name_length = u16::try_from(entry.name.len()).unwrap();
        let mut common = Vec::new();
        for number in [20_u16, 0, 0, 0, 0x21] {
            common.extend(number.to_le_bytes());
        }
        for number in [crc, size, size] {
            common.extend(number.to_le_bytes());
        }
        common.extend(name_length.to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        if entry.at.is_none() {
            self.bytes.extend(b"PK\x03\x04");
            self.bytes.extend(&common);
            self.bytes.extend(entry.name.as_bytes());
            self.bytes.extend(entry.content);
        }
        self.central.extend(b"PK\x01\x02");
        // Made by Unix.
        self.central.extend([20, 3]);
        self.central.extend(&common);
        self.central.extend([0; 6]);
        self.central.extend((entry.mode << 16).to_le_bytes());
        self.central.extend(u32::try_from(offset).unwrap().to_le_bytes());
        self.central.extend(entry.name.as_bytes());
        self.count += 1;
    }

    fn finish(mut self) -> Vec<u8> {
        let start = u32::try_from(self.bytes.len()).unwrap();
        let size = u32::try_from(self.central.len()).unwrap();
        self.bytes.extend(&self.central);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(size.to_le_bytes());
        self.bytes.extend(start.to_le_bytes());
        self.bytes.extend([0, 0]);
        self.bytes
    }
}

/// The checksum of the format, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

fn with(entries: Vec<Entry<'_>>) -> Vec<u8> {
    let steps = plan("        - {Name: Only, Type: Pass}\n");
    let mut all = vec![file("attini-config.yaml", CONFIG), file("plan.yaml", &steps)];
    all.extend(entries);
    Zip::of(&all)
}

/// A file whose content is a whole entry, which the directory lists too.
fn nested_entry() -> Vec<u8> {
    let mut inner = Zip::default();
    inner.add(&file("inner", "twice"));
    let outer = Entry { content: &inner.bytes, ..file("outer", "") };
    let mut zip = Zip::default();
    zip.add(&file("attini-config.yaml", CONFIG));
    let header = 30 + "outer".len();
    let at = zip.bytes.len() + header;
    zip.add(&outer);
    zip.add(&Entry { at: Some(at), ..file("inner", "twice") });
    zip.finish()
}

fn sound() -> Vec<u8> {
    with(vec![file("readme.txt", "all is well")])
}

fn cases() -> Vec<(&'static str, Vec<u8>)> {
    let sound = sound();
    let config = |text: &str| Zip::of(&[file("attini-config.yaml", text)]);
    let mut cases = vec![
        ("an entry above the root", with(vec![file("a/../../evil", "x")])),
        ("an absolute entry", with(vec![file("/etc/evil", "x")])),
        ("an entry with a backslash", with(vec![file("a\\..\\evil", "x")])),
        ("an entry with a drive", with(vec![file("C:/evil", "x")])),
        ("a duplicate entry", with(vec![file("a", "1"), file("a", "2")])),
        ("a file that is a folder too", with(vec![file("a", "1"), file("a/b", "2")])),
        ("an entry in another one", nested_entry()),
        ("two entries at one place", with(vec![Entry { at: Some(0), crc: Some(0), ..file("b", CONFIG) }])),
        ("a symbolic link", with(vec![Entry { mode: 0o120_777, ..file("link", "/etc/passwd") }])),
        ("a device", with(vec![Entry { mode: 0o060_644, ..file("disk", "") }])),
        ("a wrong checksum", with(vec![Entry { crc: Some(1), ..file("a", "1") }])),
        (
            "a wrong checksum of the configuration",
            Zip::of(&[Entry { crc: Some(1), ..file("attini-config.yaml", CONFIG) }]),
        ),
        ("a size that is not there", with(vec![Entry { size: Some(u32::MAX - 1), ..file("a", "1") }])),
        ("no zip", b"#!/bin/sh\necho hello\n".to_vec()),
        ("an empty file", Vec::new()),
        ("a zip without entries", Zip::of(&[])),
        ("a zip without configuration", Zip::of(&[file("a", "1")])),
        ("a name outside the allowed characters", config("distributionName: ../shop\n")),
        ("an id outside the allowed characters", config("distributionName: shop\ndistributionId: a/../../b\n")),
        ("an alias bomb as configuration", config(&alias_bomb())),
        ("nested brackets as configuration", config(&format!("distributionName: {}\n", nested()))),
    ];
    cases.push(("the first half of a zip", sound[..sound.len() / 2].to_vec()));
    cases.push(("a zip without its last byte", sound[..sound.len() - 1].to_vec()));
    cases
}

#[test]
fn bad_zips_are_refused_before_anything_is_uploaded() {
    let env = TestEnv::new();
    let zip = env.work().join("shop.zip");
    let mut told = String::new();
    for (name, bytes) in cases() {
        fs::write(&zip, &bytes).unwrap();
        let run = deploy(&env, &zip);
        assert_ne!(run.code, 0, "{name}");
        assert!(!run.stdout.contains("Upload"), "{name}: {}", run.stdout);
        told.push_str(&format!("== {name}\n{}\n", failure(&env, &run)));
    }
    insta::assert_snapshot!(told);
    has_no_environments(&env);
    fs::write(&zip, sound()).unwrap();
    deploy(&env, &zip).exits(0);
}

#[tokio::test]
async fn bad_uploads_are_recorded_as_failures_and_change_nothing_else() {
    let env = TestEnv::new();
    env.run(["environment", "create", "dev", "--env-type", "test"]).exits(0);
    let world = LocalWorld::open(Options::new(env.home().join("local"))).unwrap();
    let framework = world.framework("dev");
    let key = ObjectKey::of_upload(&Environment::parse("dev").unwrap(), &DistributionName::parse("shop").unwrap());
    let mut told = String::new();
    // Init deploy takes a zip without configuration: everything is default then (init-deploy.md 4.1).
    let refused = cases().into_iter().filter(|(name, _)| *name != "a zip without configuration");
    for (at, (name, bytes)) in refused.enumerate() {
        let version = framework.origin.put(&key, Body::from(bytes), Precondition::None).await.unwrap();
        let time = Timestamp::from_ms(1_000 + i64::try_from(at).unwrap());
        let upload = Upload { key: key.clone(), version, user: "someone".to_owned(), time };
        let failure = match init_deploy(&framework, &upload).await {
            Ok(()) => "accepted".to_owned(),
            Err(failure) => format!("{}: {}", failure.error, failure.cause),
        };
        let failure: String = failure.lines().next().unwrap_or_default().chars().take(200).collect();
        told.push_str(&format!("{name}: {failure}\n"));
    }
    insta::assert_snapshot!(told);
    // Only the uploads and their records are there.
    let all = attini_core::value::KeyPrefix::closed("dev");
    assert_eq!(framework.artifacts.list(&all, None).await.unwrap().items, []);
    let history = env.run(["deploy", "history", "-n", "shop", "-e", "dev", "--json", "-o", "100"]).exits(0).json();
    let outcomes: Vec<_> = history.as_array().unwrap().iter().map(|entry| entry["outcome"].as_str().unwrap()).collect();
    assert!(!outcomes.is_empty() && outcomes.iter().all(|outcome| *outcome == "FAILED"), "{outcomes:?}");
}
