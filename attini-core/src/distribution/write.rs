use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, BufWriter, Cursor, Read, Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use sha2::{Digest, Sha256};
use thiserror::Error;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::digest::{FileRecord, content_digest};
use super::manifest::{MANIFEST_FILE, Manifest};
use super::tree::{EntryKind, FileTree, TreeEntry};

/// Files above this size are compressed into scratch space instead of memory.
const IN_MEMORY_BYTES: u64 = 4 << 20;
/// From this size on an entry gets fields of 64 bits; below 4 GiB, so that what does not compress still fits without.
const ZIP64_FROM_BYTES: u64 = 0xf000_0000;
/// Small files are compressed together, because starting a compressor costs more than 2 KiB of text.
const BATCH_ENTRIES: usize = 64;
/// Uncompressed bytes from which on a batch is full.
const BATCH_BYTES: u64 = 1 << 19;
/// Uncompressed bytes that are in memory at the same time, at most.
const WINDOW_BYTES: u64 = 48 << 20;
/// Batches that are being compressed or wait for their turn, at most.
const WINDOW_BATCHES: usize = 64;

/// How to write a distribution.
pub struct WriteOptions<'a> {
    /// The time of every entry.
    pub time: EntryTime,
    /// Threads that compress.
    pub threads: NonZeroUsize,
    /// Makes an empty place for the compressed form of one large file; dropped soon after.
    pub scratch: &'a (dyn Fn() -> io::Result<Box<dyn Scratch>> + Sync),
}

/// A temporary place for bytes: a file, or memory.
pub trait Scratch: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Scratch for T {}

/// The modification time that every entry of a distribution gets; by default the beginning of 1980, the earliest one that a zip can tell.
///
/// Real times would make two packagings of the same files differ.
#[derive(Debug, Clone, Copy, Default)]
pub struct EntryTime(DateTime);

impl EntryTime {
    /// Returns the time for a `SOURCE_DATE_EPOCH`, in seconds since 1970, in UTC and full two seconds.
    ///
    /// A moment outside of 1980 to 2107 becomes the nearest one inside.
    #[must_use]
    pub fn from_epoch(seconds: i64) -> Self {
        let first = jiff::civil::date(1980, 1, 1).at(0, 0, 0, 0);
        let last = jiff::civil::date(2107, 12, 31).at(23, 59, 58, 0);
        let time = match jiff::Timestamp::from_second(seconds) {
            Ok(moment) => jiff::tz::Offset::UTC.to_datetime(moment).clamp(first, last),
            Err(_) if seconds < 0 => first,
            Err(_) => last,
        };
        let part = |number: i8| u8::try_from(number).unwrap_or_default();
        let year = u16::try_from(time.year()).unwrap_or_default();
        let (month, day) = (part(time.month()), part(time.day()));
        let written =
            DateTime::from_date_and_time(year, month, day, part(time.hour()), part(time.minute()), part(time.second()));
        Self(written.expect("clamped to what a zip can tell"))
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteReport {
    /// Every file but the manifest, in the order of the archive.
    pub files: Vec<FileRecord>,
    /// Number of directories.
    pub directories: usize,
    /// Bytes of all files before compression.
    pub bytes: u64,
    /// [`content_digest`] of the files.
    pub digest: String,
}

/// A distribution could not be written. What is in the output by then is no archive.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Path in the distribution.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be compressed: the scratch space is full, say.
    #[error("cannot compress {path}")]
    Compress {
        /// Path in the distribution.
        path: String,
        /// Why.
        source: ZipError,
    },
    /// The output does not take the archive.
    #[error("cannot write the distribution")]
    Write(#[source] ZipError),
}

/// Writes the entries of a tree as a zip and returns what went in (cli.md 7.5).
///
/// Equal entries and options give equal bytes, whatever the number of threads: entries are sorted, each directory has an entry before
/// what it holds, names are UTF-8, modes 0644 or 0755, everything is DEFLATE level 6. The manifest of all files comes last, in place of
/// any file of its name. Files are compressed in
/// parallel; memory does not grow with their sizes.
///
/// # Errors
///
/// [`WriteError`] for the first file, in the order of the archive, that cannot be read or packed.
pub fn write_zip<W: Write + Seek>(
    tree: &dyn FileTree,
    entries: &[TreeEntry],
    output: W,
    options: &WriteOptions<'_>,
) -> Result<WriteReport, WriteError> {
    write_with_limit(tree, entries, output, options, IN_MEMORY_BYTES)
}

fn write_with_limit<W: Write + Seek>(
    tree: &dyn FileTree,
    entries: &[TreeEntry],
    output: W,
    options: &WriteOptions<'_>,
    in_memory_bytes: u64,
) -> Result<WriteReport, WriteError> {
    let mut entries: Vec<_> = entries.iter().filter(|entry| entry.path != MANIFEST_FILE).collect();
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    let batches = batches(&entries, in_memory_bytes);
    let packer = Packer { tree, options, in_memory_bytes };
    let broken = Cell::new(false);
    let mut archive = ZipWriter::new(BufWriter::with_capacity(1 << 18, Output { inner: output, broken: &broken }));
    let mut files = Vec::new();

    let (jobs, queue) = mpsc::channel();
    let queue = Mutex::new(queue);
    let written = thread::scope(|scope| {
        for _ in 0..options.threads.get().min(batches.len()) {
            scope.spawn(|| packer.work(&queue));
        }
        // The workers end when the sender is gone.
        let jobs = jobs;
        in_order(&batches, &jobs, |packed| {
            files.extend(packed.files);
            archive.merge_archive(packed.archive).map_err(WriteError::Write)
        })
    });
    let written = written.and_then(|()| {
        let options = entry_options(options.time, 0o644);
        archive.start_file(MANIFEST_FILE, options).map_err(WriteError::Write)?;
        archive.write_all(Manifest::of(&files).render().as_bytes()).map_err(|error| WriteError::Write(error.into()))
    });
    if let Err(error) = written {
        broken.set(true);
        return Err(error);
    }

    let mut buffered = archive.finish().map_err(WriteError::Write)?;
    buffered.flush().map_err(|error| WriteError::Write(error.into()))?;
    let bytes = files.iter().map(|file| file.size).sum();
    let digest = content_digest(&files);
    let directories = entries.len() - files.len();
    Ok(WriteReport { files, directories, bytes, digest })
}

/// The output until something fails, then nothing: an archive that is dropped half-way closes itself as if it were whole, and
/// prints to the terminal when it cannot.
struct Output<'a, W> {
    inner: W,
    broken: &'a Cell<bool>,
}

impl<W> Output<'_, W> {
    fn unless_broken<T>(&mut self, otherwise: T, act: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if self.broken.get() {
            return Ok(otherwise);
        }
        let result = act(&mut self.inner);
        self.broken.set(result.is_err());
        result
    }
}

impl<W: Write> Write for Output<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Whole, so that an output that takes nothing any more counts as failed here.
        self.unless_broken(bytes.len(), |inner| inner.write_all(bytes).map(|()| bytes.len()))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_broken((), Write::flush)
    }
}

impl<W: Seek> Seek for Output<'_, W> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.unless_broken(0, |inner| inner.seek(position))
    }
}

/// Entries that follow each other in the archive: many small ones, or one large file.
#[derive(Clone, Copy)]
struct Batch<'a> {
    entries: &'a [&'a TreeEntry],
    /// Bytes that it needs in memory, at most.
    bytes: u64,
}

fn batches<'a>(entries: &'a [&'a TreeEntry], in_memory_bytes: u64) -> Vec<Batch<'a>> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, entry) in entries.iter().enumerate() {
        let size = entry_bytes(entry);
        let is_large = size > in_memory_bytes;
        if index > start && (is_large || bytes >= BATCH_BYTES || index - start >= BATCH_ENTRIES) {
            batches.push(Batch { entries: &entries[start..index], bytes });
            (start, bytes) = (index, 0);
        }
        bytes += size.min(in_memory_bytes);
        if is_large {
            batches.push(Batch { entries: &entries[index..=index], bytes: 0 });
            (start, bytes) = (index + 1, 0);
        }
    }
    if start < entries.len() {
        batches.push(Batch { entries: &entries[start..], bytes });
    }
    batches
}

fn entry_bytes(entry: &TreeEntry) -> u64 {
    match entry.kind {
        EntryKind::File { size, .. } => size,
        EntryKind::Directory => 0,
    }
}

/// A batch in its compressed form.
struct Packed {
    archive: ZipArchive<Box<dyn Scratch>>,
    files: Vec<FileRecord>,
}

type Answer = Result<Packed, WriteError>;

struct Job<'a> {
    batch: Batch<'a>,
    answer: mpsc::SyncSender<Answer>,
}

/// Hands the batches to the workers, as many as the window allows, and gives `take` what they make of them, in order.
fn in_order<'a>(
    batches: &[Batch<'a>],
    jobs: &mpsc::Sender<Job<'a>>,
    mut take: impl FnMut(Packed) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    // Only a panic ends a worker early, and the scope passes it on.
    let stopped = || WriteError::Write(io::Error::other("a compressing thread stopped").into());
    let mut waiting = VecDeque::new();
    let mut coming = batches.iter().copied().peekable();
    let mut in_flight = 0;
    loop {
        while let Some(batch) = coming.next_if(|_| waiting.len() < WINDOW_BATCHES && in_flight < WINDOW_BYTES) {
            let (answer, packed) = mpsc::sync_channel(1);
            jobs.send(Job { batch, answer }).map_err(|_| stopped())?;
            in_flight += batch.bytes;
            waiting.push_back((packed, batch.bytes));
        }
        let Some((packed, bytes)) = waiting.pop_front() else { return Ok(()) };
        take(packed.recv().map_err(|_| stopped())??)?;
        in_flight -= bytes;
    }
}

struct Packer<'a> {
    tree: &'a dyn FileTree,
    options: &'a WriteOptions<'a>,
    in_memory_bytes: u64,
}

impl Packer<'_> {
    fn work(&self, queue: &Mutex<mpsc::Receiver<Job<'_>>>) {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Job { batch, answer }) = job else { return };
            if answer.send(self.pack(batch, &mut buffer)).is_err() {
                // Nobody waits any more: writing failed, and every other answer is moot too.
                return;
            }
        }
    }

    fn pack(&self, batch: Batch<'_>, buffer: &mut [u8]) -> Answer {
        let first = batch.entries.first().map_or("", |entry| &entry.path);
        let compress = |path: &str, source| WriteError::Compress { path: path.to_owned(), source };
        let is_large = batch.entries.iter().any(|entry| entry_bytes(entry) > self.in_memory_bytes);
        let place: Box<dyn Scratch> = match is_large {
            true => (self.options.scratch)().map_err(|error| compress(first, error.into()))?,
            false => Box::new(Cursor::new(Vec::new())),
        };
        let mut archive = ZipWriter::new(place);
        let mut files = Vec::new();
        for entry in batch.entries {
            let path = entry.path.as_str();
            match entry.kind {
                EntryKind::Directory => {
                    archive
                        .add_directory(path, entry_options(self.options.time, 0o755))
                        .map_err(|error| compress(path, error))?;
                }
                EntryKind::File { executable, size } => {
                    let options = entry_options(self.options.time, if executable { 0o755 } else { 0o644 });
                    let file =
                        self.tree.open(path).map_err(|source| WriteError::Read { path: path.to_owned(), source })?;
                    let options = options.large_file(size >= ZIP64_FROM_BYTES);
                    archive.start_file(path, options).map_err(|error| compress(path, error))?;
                    let mut source = Hashing { file, hasher: Sha256::new(), bytes: 0 };
                    source.copy(&mut archive, buffer).map_err(|failed| failed.explain(path))?;
                    files.push(source.into_record(path, executable));
                }
            }
        }
        let archive = archive.finish_into_readable().map_err(|error| compress(first, error))?;
        Ok(Packed { archive, files })
    }
}

pub(super) fn entry_options(time: EntryTime, mode: u32) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(6))
        .last_modified_time(time.0)
        .unix_permissions(mode)
        .system(zip::System::Unix)
}

/// A file that is hashed while it is read.
struct Hashing<'a> {
    file: Box<dyn Read + Send + 'a>,
    hasher: Sha256,
    bytes: u64,
}

enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

impl CopyError {
    fn explain(self, path: &str) -> WriteError {
        match self {
            Self::Read(source) => WriteError::Read { path: path.to_owned(), source },
            Self::Write(error) => WriteError::Compress { path: path.to_owned(), source: error.into() },
        }
    }
}

impl Hashing<'_> {
    fn into_record(self, path: &str, executable: bool) -> FileRecord {
        FileRecord { path: path.to_owned(), sha256: self.hasher.finalize().into(), executable, size: self.bytes }
    }

    fn copy(&mut self, output: &mut dyn Write, buffer: &mut [u8]) -> Result<(), CopyError> {
        loop {
            let count = match self.file.read(buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(CopyError::Read(error)),
            };
            self.hasher.update(&buffer[..count]);
            self.bytes += count as u64;
            output.write_all(&buffer[..count]).map_err(CopyError::Write)?;
        }
    }
}

#[cfg(test)]
mod tests;
