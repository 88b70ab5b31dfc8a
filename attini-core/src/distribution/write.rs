use std::collections::VecDeque;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use sha2::{Digest, Sha256};
use thiserror::Error;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipFileBuilder};
use zip::{CompressionMethod, DateTime, PreparedZipFile, ZipArchive, ZipWriter};

use super::digest::{FileRecord, content_digest};
use super::tree::{EntryKind, FileTree, TreeEntry};

/// Files above this size are compressed into scratch space instead of memory.
const IN_MEMORY_BYTES: u64 = 4 << 20;
/// From this size on an entry gets fields of 64 bits; below 4 GiB, so that what does not compress still fits without.
const ZIP64_FROM_BYTES: u64 = 0xf000_0000;
/// Uncompressed bytes that are in memory at the same time, at most.
const WINDOW_BYTES: u64 = 48 << 20;
/// Entries that are being compressed or wait for their turn, at most.
const WINDOW_ENTRIES: usize = 512;

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
    /// Every file, in the order of the archive.
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
/// what it holds, names are UTF-8, modes 0644 or 0755, everything is DEFLATE level 6. Files are compressed in
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
    mut output: W,
    options: &WriteOptions<'_>,
    in_memory_bytes: u64,
) -> Result<WriteReport, WriteError> {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    let packer = Packer { tree, options, in_memory_bytes };
    let mut archive = ZipWriter::new(BufWriter::with_capacity(1 << 18, &mut output));
    let mut files = Vec::new();
    let mut directories = 0;

    let (jobs, queue) = mpsc::channel();
    let queue = Mutex::new(queue);
    let written = thread::scope(|scope| {
        for _ in 0..options.threads.get().min(entries.len()) {
            scope.spawn(|| packer.work(&queue));
        }
        // The workers end when the sender is gone.
        let jobs = jobs;
        in_order(&entries, &jobs, |entry, packed| match packed {
            None => {
                directories += 1;
                archive.add_directory(entry.path.as_str(), packer.options_of(0o755)).map_err(WriteError::Write)
            }
            Some(packed) => {
                let (record, content) = packed?;
                files.push(record);
                content.add_to(&mut archive).map_err(WriteError::Write)
            }
        })
    });
    if let Err(error) = written {
        // Dropped, it would close the archive as if it were whole, and print to the terminal what it thinks of that.
        std::mem::forget(archive);
        return Err(error);
    }

    let mut buffered = archive.finish().map_err(WriteError::Write)?;
    buffered.flush().map_err(|error| WriteError::Write(error.into()))?;
    let bytes = files.iter().map(|file| file.size).sum();
    let digest = content_digest(&files);
    Ok(WriteReport { files, directories, bytes, digest })
}

type Packed = Result<(FileRecord, Content), WriteError>;

struct Job<'a> {
    entry: &'a TreeEntry,
    answer: mpsc::SyncSender<Packed>,
}

/// Hands the files to the workers, as many as the window allows, and gives `take` each entry in order.
///
/// Directories come without anything packed.
fn in_order<'a>(
    entries: &[&'a TreeEntry],
    jobs: &mpsc::Sender<Job<'a>>,
    mut take: impl FnMut(&'a TreeEntry, Option<Packed>) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let mut waiting: VecDeque<(&TreeEntry, Option<mpsc::Receiver<Packed>>, u64)> = VecDeque::new();
    let mut coming = entries.iter().copied().peekable();
    let mut in_flight = 0;
    loop {
        while let Some(entry) = coming.next_if(|_| waiting.len() < WINDOW_ENTRIES && in_flight < WINDOW_BYTES) {
            let EntryKind::File { size, .. } = entry.kind else {
                waiting.push_back((entry, None, 0));
                continue;
            };
            let bytes = size.min(IN_MEMORY_BYTES);
            let (answer, packed) = mpsc::sync_channel(1);
            jobs.send(Job { entry, answer }).map_err(|_| stopped())?;
            in_flight += bytes;
            waiting.push_back((entry, Some(packed), bytes));
        }
        let Some((entry, packed, bytes)) = waiting.pop_front() else { return Ok(()) };
        let packed = packed.map(|packed| packed.recv().map_err(|_| stopped())).transpose()?;
        in_flight -= bytes;
        take(entry, packed)?;
    }
}

/// Only a panic ends a worker early, and it is passed on.
fn stopped() -> WriteError {
    WriteError::Write(io::Error::other("a compressing thread stopped").into())
}

/// A file's compressed form.
enum Content {
    Memory(Box<PreparedZipFile>),
    /// An archive with that file alone.
    Scratch(Box<dyn Scratch>),
}

impl Content {
    fn add_to<W: Write + Seek>(self, archive: &mut ZipWriter<W>) -> Result<(), ZipError> {
        match self {
            Self::Memory(file) => archive.add_prepared_file(*file),
            Self::Scratch(scratch) => archive.raw_copy_file(ZipArchive::new(scratch)?.by_index_raw(0)?),
        }
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
            let Ok(Job { entry, answer }) = job else { return };
            if answer.send(self.pack(entry, &mut buffer)).is_err() {
                // Nobody waits any more: writing failed, and every other answer is moot too.
                return;
            }
        }
    }

    fn pack(&self, entry: &TreeEntry, buffer: &mut [u8]) -> Packed {
        let (executable, size) = match entry.kind {
            EntryKind::File { executable, size } => (executable, size),
            EntryKind::Directory => (true, 0),
        };
        let path = &entry.path;
        let read = |source| WriteError::Read { path: path.clone(), source };
        let compress = |source| WriteError::Compress { path: path.clone(), source };
        let options = self.options_of(if executable { 0o755 } else { 0o644 });
        let mut source = Hashing { file: self.tree.open(path).map_err(read)?, hasher: Sha256::new(), bytes: 0 };

        let content = if size <= self.in_memory_bytes {
            let mut packed = ZipFileBuilder::new(path, options).map_err(compress)?;
            source.copy(&mut packed, buffer).map_err(|failed| failed.explain(path))?;
            Content::Memory(Box::new(packed.finish().map_err(compress)?))
        } else {
            let scratch = (self.options.scratch)().map_err(|error| compress(error.into()))?;
            let mut packed = ZipWriter::new(scratch);
            packed.start_file(path, options.large_file(size >= ZIP64_FROM_BYTES)).map_err(compress)?;
            source.copy(&mut packed, buffer).map_err(|failed| failed.explain(path))?;
            Content::Scratch(packed.finish().map_err(compress)?)
        };
        let record =
            FileRecord { path: path.clone(), sha256: source.hasher.finalize().into(), executable, size: source.bytes };
        Ok((record, content))
    }

    fn options_of(&self, mode: u32) -> SimpleFileOptions {
        SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(6))
            .last_modified_time(self.options.time.0)
            .unix_permissions(mode)
            .system(zip::System::Unix)
    }
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
