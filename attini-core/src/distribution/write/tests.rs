#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::io::Cursor;

use super::*;
use crate::distribution::tree::memory::MemTree;
use crate::distribution::{Archive, Content, IgnoreRules, Limits, ManifestState, select};

fn scratch() -> io::Result<Box<dyn Scratch>> {
    Ok(Box::new(Cursor::new(Vec::new())))
}

fn options(threads: usize) -> WriteOptions<'static> {
    WriteOptions { time: EntryTime::default(), threads: NonZeroUsize::new(threads).unwrap(), scratch: &scratch }
}

fn entries(tree: &MemTree) -> Vec<TreeEntry> {
    let mut entries = select(tree, &IgnoreRules::parse("").unwrap(), 0).unwrap().entries;
    // The writer sorts by itself.
    entries.reverse();
    entries
}

fn write(tree: &MemTree, options: &WriteOptions<'_>, in_memory_bytes: u64) -> (Vec<u8>, WriteReport) {
    let mut output = Cursor::new(Vec::new());
    let report = write_with_limit(tree, &entries(tree), &mut output, options, in_memory_bytes).unwrap();
    (output.into_inner(), report)
}

fn sample() -> MemTree {
    let mut tree = MemTree::of([
        ("attini-config.yaml", "distributionName: a\n".as_bytes()),
        ("a-b", b"1"),
        ("a/x/y.txt", &b"hello ".repeat(5000)),
        ("a/å.txt", "å".as_bytes()),
        ("empty", b""),
        ("none/", b""),
    ]);
    tree.add("a/run.sh", b"true", true);
    let noise: Vec<u8> = (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    tree.add("noise", &noise, false);
    tree
}

#[test]
fn cli_case_25_parents_come_first_and_modes_are_kept() {
    let (bytes, report) = write(&sample(), &options(2), IN_MEMORY_BYTES);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let lines: Vec<_> = (0..archive.len())
        .map(|index| {
            let file = archive.by_index(index).unwrap();
            let time = file.last_modified().unwrap();
            format!("{:o} {} {} {}", file.unix_mode().unwrap(), file.size(), file.name().unwrap(), time)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    40755 0 a/ 1980-01-01 00:00:00
    100644 1 a-b 1980-01-01 00:00:00
    100755 4 a/run.sh 1980-01-01 00:00:00
    40755 0 a/x/ 1980-01-01 00:00:00
    100644 30000 a/x/y.txt 1980-01-01 00:00:00
    100644 2 a/å.txt 1980-01-01 00:00:00
    100644 20 attini-config.yaml 1980-01-01 00:00:00
    100644 0 empty 1980-01-01 00:00:00
    100644 300000 noise 1980-01-01 00:00:00
    40755 0 none/ 1980-01-01 00:00:00
    100644 950 attini-manifest.json 1980-01-01 00:00:00
    ");
    assert_eq!((report.files.len(), report.directories), (7, 3));
    assert_eq!(report.bytes, report.files.iter().map(|file| file.size).sum::<u64>());
}

#[test]
fn cli_case_25_equal_input_gives_equal_bytes() {
    let (first, report) = write(&sample(), &options(1), IN_MEMORY_BYTES);
    for threads in [2, 7] {
        assert_eq!(write(&sample(), &options(threads), IN_MEMORY_BYTES), (first.clone(), report.clone()));
    }
}

#[test]
fn large_files_through_scratch_space_give_the_same_bytes() {
    let (in_memory, report) = write(&sample(), &options(2), IN_MEMORY_BYTES);
    let (through_scratch, same_report) = write(&sample(), &options(2), 0);
    assert_eq!(report, same_report);
    assert!(in_memory == through_scratch, "bytes differ");
}

#[test]
fn every_file_is_deflated_and_comes_back() {
    let tree = sample();
    let (bytes, report) = write(&tree, &options(2), 1000);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    for record in &report.files {
        let mut file = archive.by_name(&record.path).unwrap();
        assert_eq!(file.compression(), CompressionMethod::Deflated, "{}", record.path);
        let (mut packed, mut original) = (Vec::new(), Vec::new());
        file.read_to_end(&mut packed).unwrap();
        tree.open(&record.path).unwrap().read_to_end(&mut original).unwrap();
        assert!(packed == original, "{}", record.path);
        assert_eq!(record.sha256, <[u8; 32]>::from(Sha256::digest(&original)), "{}", record.path);
    }
}

#[test]
fn what_is_written_passes_the_checks_of_reading() {
    let (bytes, report) = write(&sample(), &options(2), 1000);
    let mut archive = Archive::open(Cursor::new(bytes), &Limits::default()).unwrap();
    let (manifest, others) = archive.entries().split_last().unwrap();
    assert_eq!(manifest.path, MANIFEST_FILE);
    assert_eq!(others, select(&sample(), &IgnoreRules::parse("").unwrap(), 0).unwrap().entries);
    let content = Content::read(&mut archive).unwrap();
    assert!(matches!(content.manifest, ManifestState::Matches), "{:?}", content.manifest);
    assert_eq!((content.files, content.digest), (report.files, report.digest));
}

#[test]
fn a_manifest_among_the_entries_is_replaced() {
    let mut entries = entries(&sample());
    let (bytes, report) = write(&sample(), &options(2), IN_MEMORY_BYTES);
    let kind = EntryKind::File { executable: false, size: 3 };
    entries.push(TreeEntry { path: MANIFEST_FILE.to_owned(), kind });
    let mut output = Cursor::new(Vec::new());
    let same = write_zip(&sample(), &entries, &mut output, &options(2)).unwrap();
    assert_eq!(same, report);
    assert!(output.into_inner() == bytes, "bytes differ");
}

#[test]
fn more_entries_than_the_window_holds() {
    const FILES: usize = BATCH_ENTRIES * (WINDOW_BATCHES + 3);
    let mut tree = MemTree::default();
    for number in 0..FILES {
        tree.add(&format!("d{}/f{number}", number % 7), number.to_string().as_bytes(), false);
    }
    let (bytes, report) = write(&tree, &options(3), IN_MEMORY_BYTES);
    assert_eq!(report.files.len(), FILES);
    assert_eq!(ZipArchive::new(Cursor::new(bytes)).unwrap().len(), FILES + 7 + 1);
}

#[test]
fn a_vanished_file_is_named() {
    let tree = MemTree::of([("a", "1"), ("b", "2")]);
    let mut entries = entries(&tree);
    entries.push(TreeEntry { path: "aa".to_owned(), kind: EntryKind::File { executable: false, size: 1 } });
    let error = write_zip(&tree, &entries, Cursor::new(Vec::new()), &options(2)).unwrap_err();
    assert_eq!(error.to_string(), "cannot read aa");
}

#[test]
fn a_full_output_is_an_error() {
    let mut small = [0; 100];
    let error = write_zip(&sample(), &entries(&sample()), Cursor::new(small.as_mut_slice()), &options(2)).unwrap_err();
    assert!(matches!(error, WriteError::Write(_)), "{error:?}");
}

#[test]
fn scratch_space_that_cannot_be_made_is_an_error() {
    let none = || Err(io::ErrorKind::StorageFull.into());
    let options = WriteOptions { scratch: &none, ..options(2) };
    let error = write_with_limit(&sample(), &entries(&sample()), Cursor::new(Vec::new()), &options, 0).unwrap_err();
    assert!(matches!(error, WriteError::Compress { .. }), "{error:?}");
}

#[test]
fn times_follow_source_date_epoch_within_what_a_zip_can_tell() {
    for (seconds, expected) in [
        (0, "1980-01-01 00:00:00"),
        (-5, "1980-01-01 00:00:00"),
        (1_700_000_001, "2023-11-14 22:13:20"),
        (i64::MAX, "2107-12-31 23:59:58"),
        (i64::MIN, "1980-01-01 00:00:00"),
        (5_000_000_000, "2107-12-31 23:59:58"),
    ] {
        assert_eq!(EntryTime::from_epoch(seconds).0.to_string(), expected);
    }
}
