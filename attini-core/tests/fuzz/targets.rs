//! What is given bytes of strangers: one function each, which must return, whatever it gets.
//!
//! They assert what holds for every input, so that a fuzzer finds more than panics.

use std::io::{Cursor, Write};

use attini_core::config::Config;
use attini_core::distribution::{
    Archive, Content, EntryTime, InspectError, Inspection, Limits, Manifest, ManifestState, PublicKey, Signature, diff,
    renew_manifest,
};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A sound configuration whose template is `p.yaml`.
pub(crate) const CONFIG: &str = "distributionName: shop\ndistributionId: '1'\ndependencies: [{distributionName: a, version: ^1.0.0}]\n\
    initDeployConfig: &a\n  template: p.yaml\n  stackName: ${environment}-s\n  parameters: {default: {A: '1'}, dev: {A: 2}}\n\
    package: {prePackage: {commands: [make]}}\n";

/// Small, so that a bomb that gets through shows as one.
const LIMITS: Limits = Limits { total_bytes: 1 << 20, file_bytes: 1 << 19, entries: 1000 };

/// An archive: what opens keeps the limits, and every read ends.
pub(crate) fn archive(data: &[u8]) {
    let Ok(mut archive) = Archive::open(Cursor::new(data), &LIMITS) else { return };
    assert!(archive.entries().len() <= LIMITS.entries);
    for entry in archive.entries() {
        assert!(!entry.path.starts_with('/') && !entry.path.split('/').any(|part| part == ".." || part.is_empty()));
    }
    let mut total = 0;
    let read = archive.extract(&mut |_, content| {
        total += std::io::copy(content, &mut std::io::sink())?;
        Ok(())
    });
    assert!(total <= LIMITS.total_bytes, "{total} bytes");
    let Ok(content) = Content::read(&mut archive) else {
        assert!(read.is_err());
        return;
    };
    let mut renewed = Cursor::new(Vec::new());
    if renew_manifest(Cursor::new(data), &mut renewed, EntryTime::default()).is_ok() {
        let mut archive = Archive::open(renewed, &Limits::default()).expect("what we write, we read");
        let again = Content::read(&mut archive).expect("what we write, we read");
        assert!(matches!(again.manifest, ManifestState::Matches));
        assert_eq!(again.digest, content.digest);
    }
}

/// A whole distribution: archive, configuration, template, plan.
pub(crate) fn distribution(data: &[u8]) {
    let Ok(mut archive) = Archive::open(Cursor::new(data), &LIMITS) else { return };
    match Inspection::read(&mut archive) {
        Ok(found) => {
            assert!(diff(&found, &found).equal);
            assert!(found.to_json("unsigned").is_object());
        }
        Err(InspectError::Config(problems)) => assert!(!problems.0.is_empty()),
        Err(_) => {}
    }
}

/// A template with a plan, in a distribution that is sound otherwise.
pub(crate) fn plan(data: &[u8]) {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in [("attini-config.yaml", CONFIG.as_bytes()), ("p.yaml", data)] {
        zip.start_file(path, SimpleFileOptions::default()).expect("a sound name");
        zip.write_all(content).expect("there is memory");
    }
    distribution(zip.finish().expect("there is memory").get_ref());
}

/// A manifest: what is read is written and read again as the same.
pub(crate) fn manifest(data: &[u8]) {
    let Ok((manifest, _)) = Manifest::parse(data) else { return };
    let (again, wrong) = Manifest::parse(manifest.render().as_bytes()).expect("what we write, we read");
    assert_eq!((again, wrong), (manifest.clone(), None));
    assert!(manifest.compare(manifest.files()).is_empty());
}

/// A signature: nothing that is made up holds.
pub(crate) fn signature(data: &[u8]) {
    const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAyfQsH6xwNehjwJUsQBw3jmmUkLS/ZS9X8XD8ImVDhL0=\n-----END PUBLIC KEY-----\n";
    let Ok(signature) = Signature::parse(data) else { return };
    assert_eq!(Signature::parse(signature.render().as_bytes()).expect("what we write, we read"), signature);
    let key = PublicKey::parse(KEY).expect("a key of OpenSSL");
    assert!(signature.verify(&key, &"0".repeat(64)).is_err());
    if signature.check_content(signature.digest()).is_ok() {
        let other = "0".repeat(64);
        assert!(signature.digest() == other || signature.check_content(&other).is_err());
    }
}

/// A configuration, as YAML and as JSON: a document or at least one problem.
pub(crate) fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for file in ["attini-config.yaml", "attini-config.json"] {
        match Config::parse(file, text) {
            Ok((config, _)) => assert!(!config.text_with_quotes().is_empty() || text.is_empty()),
            Err(problems) => assert!(!problems.0.is_empty()),
        }
    }
}
