#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::*;

/// One entry, every field of its headers open to abuse.
#[derive(Clone)]
struct Raw {
    name: Vec<u8>,
    local_name: Option<Vec<u8>>,
    data: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    size: u32,
    made_by: u16,
    attributes: u32,
    offset: Option<u32>,
}

fn raw(name: &str, data: &str) -> Raw {
    Raw {
        name: name.into(),
        local_name: None,
        data: data.into(),
        flags: 1 << 11,
        method: 0,
        crc: crc32(data.as_bytes()),
        size: data.len() as u32,
        made_by: 3 << 8 | 20,
        attributes: 0,
        offset: None,
    }
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

fn build(entries: &[Raw]) -> Vec<u8> {
    let mut zip = Vec::new();
    let mut directory = Vec::new();
    for raw in entries {
        let offset = raw.offset.unwrap_or(zip.len() as u32);
        let mut common = Vec::new();
        for field in [20, raw.flags, raw.method, 0, 0x21] {
            common.extend(field.to_le_bytes());
        }
        for field in [raw.crc, raw.data.len() as u32, raw.size] {
            common.extend(field.to_le_bytes());
        }
        let local_name = raw.local_name.as_ref().unwrap_or(&raw.name);
        zip.extend(b"PK\x03\x04");
        zip.extend(&common);
        zip.extend([(local_name.len() as u16).to_le_bytes(), [0; 2]].concat());
        zip.extend(local_name);
        zip.extend(&raw.data);

        directory.extend(b"PK\x01\x02");
        directory.extend(raw.made_by.to_le_bytes());
        directory.extend(&common);
        directory.extend((raw.name.len() as u16).to_le_bytes());
        directory.extend([0; 8]);
        directory.extend(raw.attributes.to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&raw.name);
    }
    let start = zip.len() as u32;
    zip.extend(&directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend([(entries.len() as u16).to_le_bytes(); 2].concat());
    zip.extend((directory.len() as u32).to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0; 2]);
    zip
}

fn open(zip: Vec<u8>) -> Result<Archive<Cursor<Vec<u8>>>, ArchiveError> {
    Archive::open(Cursor::new(zip), &Limits::default())
}

fn contents(archive: &mut Archive<Cursor<Vec<u8>>>) -> Result<Vec<(String, String)>, ArchiveError> {
    let mut contents = Vec::new();
    archive.extract(&mut |entry, file| {
        let mut content = String::new();
        file.read_to_string(&mut content)?;
        contents.push((entry.path.clone(), content));
        Ok(())
    })?;
    Ok(contents)
}

/// The error of opening, else of reading everything.
#[track_caller]
fn refusal(zip: Vec<u8>) -> String {
    let error = open(zip).and_then(|mut archive| contents(&mut archive)).map(|_| ()).unwrap_err();
    assert!(error.is_archives_fault(), "{error:?}");
    error.to_string()
}

fn deflated(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Overwrites a field in both headers of the only entry.
fn patch(zip: &mut [u8], local: usize, bytes: &[u8]) {
    let central = zip.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    for start in [local, central + local + 2] {
        zip[start..start + bytes.len()].copy_from_slice(bytes);
    }
}

#[test]
fn a_zip_without_modes_and_directory_entries_is_read() {
    let mut dos = raw("a/b/c.txt", "hello");
    dos.made_by = 20;
    let mut archive = open(build(&[dos, raw("attini-config.yaml", "x")])).unwrap();
    assert_eq!(archive.entries().len(), 2);
    assert_eq!(archive.entries()[0].kind, EntryKind::File { executable: false, size: 5 });
    assert_eq!(archive.find_config().unwrap(), "attini-config.yaml");
    let expected = [("a/b/c.txt", "hello"), ("attini-config.yaml", "x")];
    assert_eq!(contents(&mut archive).unwrap(), expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
    assert_eq!(archive.read("a/b/c.txt", 5).unwrap(), b"hello");
}

#[test]
fn repeated_directories_count_once() {
    let archive = open(build(&[raw("a/", ""), raw("a/x", "1"), raw("a/", ""), raw("a/y", "2")])).unwrap();
    let paths: Vec<_> = archive.entries().iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["a", "a/x", "a/y"]);
}

#[test]
fn execute_bits_are_seen() {
    let mut run = raw("run.sh", "");
    run.attributes = 0o100_755 << 16;
    assert_eq!(open(build(&[run])).unwrap().entries()[0].kind, EntryKind::File { executable: true, size: 0 });
}

#[test]
fn deflated_content_is_read() {
    let long = "some text ".repeat(10_000);
    let mut archive = open(deflated(&[("long", long.as_bytes()), ("empty", b"")])).unwrap();
    assert_eq!(contents(&mut archive).unwrap(), [("long".to_owned(), long), ("empty".to_owned(), String::new())]);
}

#[test]
fn what_is_no_zip_is_refused() {
    for data in [&b""[..], b"PK", b"hello, world", &[0; 5000]] {
        assert!(matches!(open(data.to_vec()), Err(ArchiveError::NotAZip)));
    }
}

#[test]
fn a_zip_without_files_is_refused() {
    for zip in [build(&[]), build(&[raw("a/", ""), raw("b/", "")])] {
        assert!(matches!(open(zip), Err(ArchiveError::Empty)));
    }
}

#[test]
fn a_truncated_zip_is_refused_wherever_it_ends() {
    let zip = build(&[raw("a", "hello"), raw("b", "world")]);
    for end in 4..zip.len() {
        assert!(matches!(open(zip[..end].to_vec()), Err(ArchiveError::Truncated)), "{end}");
    }
}

#[test]
fn names_that_leave_the_distribution_are_refused() {
    for (name, expected) in [
        ("/etc/passwd", "is an absolute path"),
        ("//a", "is an absolute path"),
        ("C:/a", "is a path on a drive"),
        ("c:a", "is a path on a drive"),
        ("a\\b", "has a backslash"),
        ("..", "leaves the distribution"),
        ("../a", "leaves the distribution"),
        ("a/../b", "leaves the distribution"),
        ("a/..", "leaves the distribution"),
        ("../", "leaves the distribution"),
        ("a//b", "has an empty part"),
        ("./a", "has an empty part"),
        ("a/.", "has an empty part"),
        ("", "has an empty part"),
        ("/", "has an empty part"),
        ("a\0b", "has a control character"),
        ("a\nb", "has a control character"),
        ("a\u{85}", "has a control character"),
    ] {
        let text = refusal(build(&[raw("ok", ""), raw(name, "")]));
        assert!(text.contains(expected), "{name:?}: {text}");
        assert!(!text.contains(char::is_control), "{text:?}");
    }
    assert!(refusal(build(&[raw(&"a".repeat(1025), "")])).contains("more than 1024 bytes"));
    for name in ["a..b", "..a", "...", "ab:c", "d/a:b", "å"] {
        assert!(open(build(&[raw(name, "")])).is_ok(), "{name}");
    }
}

#[test]
fn a_name_that_appears_twice_is_refused() {
    let error = open(build(&[raw("a", "1"), raw("b", ""), raw("a", "2")])).map(|_| ()).unwrap_err();
    assert!(error.is_suspicious());
    assert_eq!(error.to_string(), "the zip archive holds `a` twice");
    assert_eq!(refusal(build(&[raw("a", "1"), raw("a/", "")])), "the zip archive holds `a` twice");
}

#[test]
fn names_that_differ_in_case_are_refused() {
    let text = refusal(build(&[raw("a/Readme", "1"), raw("a/README", "2")]));
    assert_eq!(text, "entries `a/Readme` and `a/README` of the zip archive differ in letter case only");
}

#[test]
fn a_local_header_of_another_name_is_refused() {
    let mut cloaked = raw("harmless", "x");
    cloaked.local_name = Some(b"../evil!".to_vec());
    assert_eq!(refusal(build(&[cloaked])), "entry `harmless` of the zip archive is damaged");
}

#[test]
fn overlapping_entries_are_refused() {
    // The second entry's bytes are content of the first one, as in zips that unpack to petabytes.
    let inner = build(&[raw("b", "hello")]);
    let inner = &inner[..inner.windows(4).position(|window| window == b"PK\x01\x02").unwrap()];
    let mut outer = raw("a", "");
    outer.data = inner.to_vec();
    outer.size = inner.len() as u32;
    outer.crc = crc32(inner);
    let mut within = raw("b", "hello");
    within.offset = Some(31);
    assert_eq!(refusal(build(&[outer, within])), "entries `a` and `b` of the zip archive overlap");
}

#[test]
fn content_beyond_the_data_is_refused() {
    let mut zip = build(&[raw("a", "hello")]);
    patch(&mut zip, 18, &500u32.to_le_bytes());
    assert_eq!(refusal(zip), "entry `a` of the zip archive reaches beyond the archive's data");
}

#[test]
fn links_and_devices_are_refused() {
    for made_by in [3 << 8 | 20, 20] {
        let mut link = raw("link", "/etc/passwd");
        link.made_by = made_by;
        link.attributes = 0o120_777 << 16;
        assert!(refusal(build(&[link])).contains("`link` of the zip archive is a symbolic link"));
    }
    for (name, mode) in [("a", 0o020_666), ("a", 0o040_755), ("a/", 0o100_644), ("a", 0o010_644), ("a", 0o140_644)] {
        let special = Raw { attributes: mode << 16, ..raw(name, "") };
        assert!(refusal(build(&[special])).contains("neither a file nor a directory"));
    }
}

#[test]
fn encrypted_entries_are_refused() {
    let encrypted = Raw { flags: 1, ..raw("secret", "0123456789abcdef") };
    assert_eq!(refusal(build(&[encrypted])), "entry `secret` of the zip archive is encrypted");
}

#[test]
fn other_compressions_are_refused_by_name() {
    let packed = Raw { method: 12, ..raw("a", "x") };
    assert!(refusal(build(&[packed])).contains("only DEFLATE is supported"));
}

#[test]
fn a_wrong_checksum_is_refused() {
    let wrong = Raw { crc: 1, ..raw("a", "hello") };
    assert_eq!(refusal(build(&[wrong])), "entry `a` of the zip archive is damaged");
    // Also when nobody reads the content to its end.
    let mut archive = open(build(&[Raw { crc: 1, ..raw("a", "hello") }])).unwrap();
    assert!(matches!(archive.extract(&mut |_, _| Ok(())), Err(ArchiveError::Damaged { .. })));
}

#[test]
fn more_or_less_content_than_declared_is_refused() {
    let long = "long ".repeat(1000);
    for declared in [0_u32, 1, 4999, 5001, 1 << 30] {
        let mut zip = deflated(&[("a", long.as_bytes())]);
        patch(&mut zip, 22, &declared.to_le_bytes());
        let mut seen = 0;
        let mut archive = open(zip).unwrap();
        let error = archive.extract(&mut |_, file| {
            seen = io::copy(file, &mut io::sink())?;
            Ok(())
        });
        assert!(matches!(error, Err(ArchiveError::Damaged { .. })), "{declared}");
        assert!(seen <= u64::from(declared));
    }
}

#[test]
fn damaged_deflate_data_is_refused() {
    let mut zip = deflated(&[("a", "text ".repeat(100).as_bytes())]);
    zip[32..36].fill(0xff);
    assert_eq!(refusal(zip), "entry `a` of the zip archive is damaged");
}

#[test]
fn limits_hold() {
    let zip = build(&[raw("a", "12345"), raw("b", "12345"), raw("d/", "")]);
    let open = |limits| Archive::open(Cursor::new(zip.clone()), &limits).map(|_| ()).map_err(|error| error.to_string());
    let exact = Limits { total_bytes: 10, file_bytes: 5, entries: 3 };
    assert_eq!(open(exact), Ok(()));
    assert!(open(Limits { total_bytes: 9, ..exact }).unwrap_err().contains("more than 9 bytes together"));
    assert!(open(Limits { file_bytes: 4, ..exact }).unwrap_err().contains("`a` has 5 bytes, at most 4"));
    assert!(open(Limits { entries: 2, ..exact }).unwrap_err().contains("3 entries, at most 2"));
    let mut archive = Archive::open(Cursor::new(zip.clone()), &exact).unwrap();
    assert!(matches!(archive.read("a", 4), Err(ArchiveError::FileTooLarge { .. })));
}

#[test]
fn there_is_exactly_one_config_at_the_top_level() {
    let find = |names: &[&str]| {
        let zip = build(&names.iter().map(|name| raw(name, "")).collect::<Vec<_>>());
        open(zip).unwrap().find_config().map_err(|error| error.to_string())
    };
    assert_eq!(find(&["x", "attini-config.json"]), Ok("attini-config.json"));
    assert!(find(&["d/attini-config.yaml"]).unwrap_err().contains("no attini-config file at its top level"));
    let text = find(&["attini-config.json", "attini-config.yaml"]).unwrap_err();
    assert!(text.contains("more than one attini-config file: attini-config.yaml, attini-config.json"), "{text}");
}

#[test]
fn failures_of_others_are_kept_apart() {
    let mut archive = open(build(&[raw("a", "hello")])).unwrap();
    let error = archive.extract(&mut |_, _| Err(io::ErrorKind::StorageFull.into())).unwrap_err();
    assert!(matches!(&error, ArchiveError::Consumer { entry, .. } if entry == "a"), "{error:?}");
    assert!(matches!(archive.read("b", 1), Err(ArchiveError::NotFound { .. })));
}

/// A reader that breaks off with an I/O error at some position.
struct Broken(Cursor<Vec<u8>>, u64);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.position() >= self.1 { Err(io::Error::other("network")) } else { self.0.read(buffer) }
    }
}

impl Seek for Broken {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.0.seek(position)
    }
}

#[test]
fn an_archive_that_cannot_be_read_is_no_bad_archive() {
    let zip = build(&[raw("a", "hello")]);
    for position in [0, 40, zip.len() as u64 - 30] {
        let opened = Archive::open(Broken(Cursor::new(zip.clone()), position), &Limits::default());
        assert!(matches!(opened.map(|_| ()), Err(ArchiveError::Unreadable(_))), "{position}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = open(data).map(|mut archive| contents(&mut archive));
    }

    #[test]
    fn mutated_archives_never_panic_and_stay_within_their_limits(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut zip = deflated(&[("attini-config.yaml", b"distributionName: a\n"), ("d/x", &b"x".repeat(3000))]);
        zip.extend(build(&[raw("y", "1")]));
        for (index, byte) in changes {
            let at = index.index(zip.len());
            zip[at] = byte;
        }
        if cut {
            zip.truncate(end.index(zip.len()));
        }
        for zip in [zip.clone(), zip[..zip.len() / 2].to_vec()] {
            let limits = Limits { total_bytes: 10_000, file_bytes: 10_000, entries: 10 };
            if let Ok(mut archive) = Archive::open(Cursor::new(zip), &limits) {
                let mut total = 0;
                let _ = archive.extract(&mut |_, file| {
                    total += io::copy(file, &mut io::sink())?;
                    Ok(())
                });
                prop_assert!(total <= 10_000);
            }
        }
    }
}
