//! Command lines that work on finished zips.

use std::path::Path;

use attini_core::distribution::{Archive, Limits};

use super::*;

// Made for these tests: openssl genpkey -algorithm ed25519
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIBREf1cP/ZGFAT8AFJec8Cvzu3bW+FQosdJS94EEUWH5\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAyfQsH6xwNehjwJUsQBw3jmmUkLS/ZS9X8XD8ImVDhL0=\n-----END PUBLIC KEY-----\n";
const OTHER: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGVVNXjMgNth9dZq0CcaPn5bPFrG8YKdQ7/2t8AZ03e4=\n-----END PUBLIC KEY-----\n";

impl Project {
    /// A packaged project with keys beside it; the zip is `P/a.zip`.
    fn packaged(more: &[(&str, &str)]) -> Self {
        let project = Self::of(more);
        for (path, text) in [CONFIG, ("run.sh", "true\n")] {
            fs::write(project.0.path().join(path), text).expect("written");
        }
        assert_eq!(project.attini("distribution package P").code, 0);
        fs::rename(project.0.path().join("attini_dist/shop.zip"), project.0.path().join("a.zip")).expect("moved");
        for (path, text) in [("private.pem", PRIVATE), ("public.pem", PUBLIC), ("other.pem", OTHER)] {
            fs::write(project.0.path().join(path), text).expect("written");
        }
        project
    }

    /// Replaces a zip by one of these files in the manner of other tools.
    fn zip(&self, name: &str, files: &[(&str, &str)]) {
        let mut all = Vec::new();
        let mut directory = Vec::new();
        for (path, text) in files {
            let crc = !text.bytes().fold(u32::MAX, |crc, byte| {
                (0..8)
                    .fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
            });
            let short = |number: usize| u16::try_from(number).expect("small").to_le_bytes();
            let long = |number: usize| u32::try_from(number).expect("small").to_le_bytes();
            let mut common = [10u16, 0, 0, 0, 0x21].map(u16::to_le_bytes).concat();
            common.extend([crc.to_le_bytes(), long(text.len()), long(text.len())].concat());
            common.extend([short(path.len()), short(0)].concat());
            directory.extend(
                [b"PK\x01\x02\x14\0".as_slice(), &common, &[0; 10], &long(all.len()), path.as_bytes()].concat(),
            );
            all.extend([b"PK\x03\x04".as_slice(), &common, path.as_bytes(), text.as_bytes()].concat());
        }
        let (count, start) = (u16::try_from(files.len()).expect("small").to_le_bytes(), all.len());
        let end = [directory.len(), start].map(|number| u32::try_from(number).expect("small").to_le_bytes()).concat();
        all.extend([directory.as_slice(), b"PK\x05\x06\0\0\0\0", &count, &count, &end, &[0; 2]].concat());
        fs::write(self.0.path().join(name), all).expect("written");
    }

    /// A file in a zip.
    fn entry(&self, zip: &str, path: &str) -> String {
        let file = fs::File::open(self.0.path().join(zip)).expect("there");
        let mut archive = Archive::open(file, &Limits::default()).expect("a zip");
        String::from_utf8(archive.read(path, 1 << 20).expect("there")).expect("UTF-8")
    }

    fn data(&self, line: &str) -> Value {
        let ran = self.attini(&format!("{line} --json"));
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {} {}", ran.out, ran.err))
    }
}

#[test]
fn a_packaged_zip_verifies_and_says_that_it_is_unsigned() {
    let project = Project::packaged(&[]);
    let ran = project.attini("distribution verify P/a.zip");
    insta::assert_snapshot!(ran.out, @r#"
    digest: "6489834bfd341c088aa26d0119f90bdbb6cdf44b47a95eb657733eecc0004228"
    manifest: matches
    signature: unsigned
    "#);
    assert_eq!((ran.err.as_str(), ran.code), ("", 0));
    let ran = project.attini("distribution verify P/a.zip --key P/public.pem");
    insta::assert_snapshot!(ran.err, @r#"
    errorCode: ExecutionError
    message: "P/a.zip cannot be trusted: it is unsigned"
    "#);
    assert_eq!(ran.code, 1);
}

#[test]
fn a_zip_of_the_original_is_inspected_and_verified() {
    let project = Project::of(&[]);
    let config = r#"{"distributionName": "old", "distributionId": "7", "initDeployConfig": {"template": "p.yaml", "stackName": "s"}}"#;
    let plan = "Resources: {Plan: {Type: 'Attini::Deploy::DeploymentPlan', Properties: {DeploymentPlan: [\
                {Name: A, Type: Pass}]}}}";
    project.zip("old.zip", &[("attini-config.json", config), ("p.yaml", plan)]);
    insta::assert_snapshot!(project.attini("distribution inspect P/old.zip").out, @r#"
    distributionId: "7"
    distributionName: old
    distributionTags: {}
    dependencies: []
    parameters: {}
    plans:
    - template: p.yaml
      plan: Plan
      steps:
      - name: A
        type: Pass
    digest: "2393ab471d578a033bca3ea2f20bf5b820880a61226a094d47da7f190ab7b9bf"
    manifest: no manifest
    signature: unsigned
    fileCount: 2
    bytes: 226
    files:
    - p.yaml (114 bytes, 0644)
    - attini-config.json (112 bytes, 0644)
    "#);
    assert_eq!(project.data("distribution inspect P/old.zip")["files"][1]["mode"], "0644");
    let ran = project.attini("distribution verify P/old.zip");
    assert!(
        ran.code == 0 && ran.out.contains("manifest: no manifest\nsignature: unsigned\n"),
        "{} {}",
        ran.out,
        ran.err
    );
}

#[test]
fn a_signature_holds_for_the_content_and_the_key() {
    let project = Project::packaged(&[]);
    let ran = project.attini("distribution sign P/a.zip --key P/private.pem");
    insta::assert_snapshot!(ran.out, @"
    signature: P/a.zip.sig
    signedBy: c9f42c1fac7035e863c0952c401c378e699490b4bf652f57f170fc22654384bd
    ");
    assert_eq!((ran.err.as_str(), ran.code), ("", 0));
    let signature = |line: &str| project.data(line)["signature"].as_str().expect("a text").to_owned();
    assert!(signature("distribution inspect P/a.zip").starts_with("signed by "));
    assert!(signature("distribution verify P/a.zip").ends_with("not checked whose key that is"));
    assert!(signature("distribution verify P/a.zip --key P/public.pem").starts_with("valid, signed by "));
    assert_eq!(project.attini("distribution verify P/a.zip --key P/public.pem").code, 0);
    let ran = project.attini("distribution verify P/a.zip --key P/other.pem");
    assert!(ran.code == 1 && ran.err.contains("it was signed by another key"), "{}", ran.err);

    // The same files, packed by another tool: the signature is over what is inside.
    let text = project.data("distribution inspect P/a.zip");
    let config = &project.entry("a.zip", "attini-config.yaml");
    project.zip("b.zip", &[("attini-config.yaml", config), ("run.sh", "true\n")]);
    assert_eq!(project.data("distribution inspect P/b.zip")["digest"], text["digest"]);
    fs::copy(project.0.path().join("a.zip.sig"), project.0.path().join("b.zip.sig")).expect("copied");
    assert_eq!(project.attini("distribution verify P/b.zip --key P/public.pem").code, 0);
    assert_eq!(project.attini("distribution diff P/a.zip P/b.zip").code, 0);

    project.zip("b.zip", &[("attini-config.yaml", config), ("run.sh", "rm -r\n")]);
    for line in ["distribution verify P/b.zip --key P/public.pem", "distribution verify P/b.zip"] {
        let ran = project.attini(line);
        assert!(ran.code == 1 && ran.err.contains("the content was changed after it was signed"), "{}", ran.err);
    }
    fs::write(project.0.path().join("b.zip.sig"), "x").expect("written");
    let ran = project.attini("distribution verify P/b.zip");
    assert!(ran.code == 1 && ran.err.contains("its signature cannot be read"), "{}", ran.err);
}

#[test]
fn what_is_not_as_its_manifest_says_is_refused() {
    let project = Project::packaged(&[]);
    let (config, manifest) =
        (project.entry("a.zip", "attini-config.yaml"), project.entry("a.zip", "attini-manifest.json"));
    project.zip("a.zip", &[("attini-config.yaml", &config), ("attini-manifest.json", &manifest), ("more", "")]);
    let ran = project.attini("distribution verify P/a.zip --json");
    let data: Value = serde_json::from_str(&ran.out).expect("JSON");
    let told: Vec<_> = data["differences"].as_array().expect("a list").iter().map(|line| line.as_str()).collect();
    assert_eq!(told, [Some("run.sh is listed and missing"), Some("more is there and not listed")]);
    assert!(ran.code == 1 && ran.err.contains("its files are not those of its manifest"), "{}", ran.err);
    let ran = project.attini("distribution sign P/a.zip --key P/private.pem");
    assert!(ran.code == 1 && ran.err.contains("is not signed"), "{}", ran.err);
    assert!(!Path::new(&project.0.path().join("a.zip.sig")).exists());
}

#[test]
fn keys_and_zips_that_cannot_be_used() {
    let project = Project::packaged(&[]);
    for (line, expected) in [
        ("sign P/a.zip --key P/public.pem", "a private key is needed to sign"),
        ("sign P/a.zip --key P/none.pem", "cannot read P/none.pem"),
        ("sign P/a.zip --key P/a.zip", "no Ed25519 key in PEM; make one: openssl genpkey"),
        ("verify P/a.zip --key P/private.pem", "openssl pkey -in PRIVATE.pem -pubout"),
        ("verify P/run.sh", "Illegal path"),
        ("diff P/a.zip P/none.zip", "Target does not exist"),
    ] {
        let ran = project.attini(&format!("distribution {line}"));
        assert!(ran.code == 151 && ran.err.contains(expected), "{line}: {} {}", ran.code, ran.err);
        assert!(!ran.err.contains("BEGIN"), "{}", ran.err);
    }
}

#[test]
fn differences_are_told_and_end_with_1() {
    let project = Project::packaged(&[("gone", "x")]);
    assert_eq!(project.attini("distribution diff P/a.zip P/a.zip").code, 0);
    assert_eq!(project.data("distribution diff P/a.zip P/a.zip")["equal"], true);
    let config = "distributionName: shop\ndistributionId: \"8\"\n";
    project.zip("b.zip", &[("attini-config.yaml", config), ("run.sh", "true\n")]);
    let ran = project.attini("distribution diff P/a.zip P/b.zip");
    assert_eq!((ran.err.as_str(), ran.code), ("", 1));
    let ran: Vec<_> = ran.out.lines().skip(1).collect();
    insta::assert_snapshot!(ran.join("\n"), @"
    Configuration:
      ~ distributionId: 0123 -> 8
    Files:
      ~ attini-config.yaml (46 -> 43 bytes)
      - gone (1 bytes, mode 0644)
    ");
    let data = project.data("distribution diff P/a.zip P/b.zip");
    assert_eq!(data["config"][0], serde_json::json!({"path": "distributionId", "old": "0123", "new": "8"}));
}
