mod error;
mod names;

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use zip::read::{ArchiveOffset, Config, HasZipMetadata, OwnedZipFileEntry, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;
use zip::{CompressionMethod, ZipReadOptions};

pub use self::error::ArchiveError;
pub(super) use self::names::why_unsafe;
use super::CONFIG_FILES;
use super::tree::{EntryKind, TreeEntry};

/// What an archive may hold, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together; 4 GiB by default.
    pub total_bytes: u64,
    /// Bytes of one file; 4 GiB by default.
    pub file_bytes: u64,
    /// Entries, directories included; 100,000 by default.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { total_bytes: 4 << 30, file_bytes: 4 << 30, entries: 100_000 }
    }
}

/// The list of entries is held in memory, with whatever else it says about each of them.
const DIRECTORY_BYTES: u64 = 128 << 20;

/// A distribution that somebody sent: a zip from any tool, checked before anything of it is used.
///
/// Once it is open, every path is a relative one that stays inside, no two entries name the same thing, nothing is a link, and
/// no byte of the zip is the content of two files. Contents are checked while they are read. Directory entries may be
/// missing or repeated, modes may be absent (init-deploy.md 3). Memory depends on the number of entries, not on their sizes.
pub struct Archive<R> {
    zip: ZipIterable<R>,
    entries: Vec<TreeEntry>,
    /// In the order of `entries`.
    headers: Vec<OwnedZipFileEntry>,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the list of entries and checks it.
    ///
    /// # Errors
    ///
    /// [`ArchiveError`] for the first thing that is wrong.
    pub fn open(mut reader: R, limits: &Limits) -> Result<Self, ArchiveError> {
        let mut start = Vec::new();
        reader.by_ref().take(4).read_to_end(&mut start).map_err(ArchiveError::Unreadable)?;
        reader.seek(SeekFrom::Start(0)).map_err(ArchiveError::Unreadable)?;

        let config = Config { archive_offset: ArchiveOffset::Known(0) };
        let mut zip = ZipIterable::try_new(reader, config).map_err(|error| match error {
            ZipError::Io(source) if !is_content(&source) => ArchiveError::Unreadable(source),
            _ if start == *b"PK\x03\x04" => ArchiveError::Truncated,
            _ => ArchiveError::NotAZip,
        })?;
        if zip.len() > limits.entries {
            return Err(ArchiveError::TooManyEntries { entries: zip.len(), limit: limits.entries });
        }
        let (entries, headers) = list(&mut zip, limits)?;
        names::check(&entries)?;
        let mut zip = zip.enforce_header_consistency(true);
        check_ranges(&mut zip, &entries)?;
        let (entries, headers) = without_repeats(entries, headers);
        Ok(Self { zip, entries, headers })
    }

    /// Returns files and directories in the order of the archive, each once.
    #[must_use]
    pub fn entries(&self) -> &[TreeEntry] {
        &self.entries
    }

    /// Returns the name of the config file in the root.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::NoConfig`] or [`ArchiveError::SeveralConfigs`].
    pub fn find_config(&self) -> Result<&'static str, ArchiveError> {
        let is_there = |name: &&str| self.entries.iter().any(|entry| entry.path == **name && !entry.is_directory());
        let found: Vec<_> = CONFIG_FILES.into_iter().filter(is_there).collect();
        match found.as_slice() {
            [] => Err(ArchiveError::NoConfig),
            [name] => Ok(name),
            _ => Err(ArchiveError::SeveralConfigs { names: found }),
        }
    }

    /// Returns the content of one file.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::NotFound`], [`ArchiveError::FileTooLarge`] when it has more than `max_bytes`, and what is wrong with it.
    pub fn read(&mut self, path: &str, max_bytes: u64) -> Result<Vec<u8>, ArchiveError> {
        let is_it = |entry: &TreeEntry| entry.path == path && !entry.is_directory();
        let index = self.entries.iter().position(is_it);
        let index = index.ok_or_else(|| ArchiveError::NotFound { entry: path.to_owned() })?;
        check_file_size(&self.entries[index], max_bytes)?;
        let mut content = Vec::new();
        self.consume(index, &mut |_, file| file.read_to_end(&mut content).map(drop))?;
        Ok(content)
    }

    /// Hands every file to `consume`, in the order of the archive, and checks its content to the end.
    ///
    /// `consume` may leave a file unread in part. What it has made of a file when an error comes is not to be trusted.
    ///
    /// # Errors
    ///
    /// What is wrong with a file, or [`ArchiveError::Consumer`] with what `consume` returned.
    pub fn extract(
        &mut self,
        consume: &mut dyn FnMut(&TreeEntry, &mut dyn Read) -> io::Result<()>,
    ) -> Result<(), ArchiveError> {
        for index in 0..self.entries.len() {
            if !self.entries[index].is_directory() {
                self.consume(index, consume)?;
            }
        }
        Ok(())
    }

    fn consume(
        &mut self,
        index: usize,
        consume: &mut dyn FnMut(&TreeEntry, &mut dyn Read) -> io::Result<()>,
    ) -> Result<(), ArchiveError> {
        let entry = &self.entries[index];
        let reader = self.zip.files().map_err(|error| ArchiveError::of_entry(entry, error))?.reader_mut();
        let file = self.headers[index].as_ref().with_reader(reader, ZipReadOptions::new());
        let inner = file.map_err(|error| ArchiveError::of_entry(entry, error))?;
        let EntryKind::File { size, .. } = entry.kind else { return Ok(()) };
        let mut file = Checked { inner, left: size, failure: None };
        let consumed = consume(entry, &mut file);
        let consumed = consumed.and_then(|()| io::copy(&mut file, &mut io::sink()).map(drop));
        match (file.failure, consumed) {
            (Some(source), _) => Err(ArchiveError::of_entry(entry, source.into())),
            (None, Err(source)) => Err(ArchiveError::Consumer { entry: entry.path.clone(), source }),
            (None, Ok(())) => Ok(()),
        }
    }
}

/// The content of a file, of exactly the declared size. Keeps its own failure apart from those of whoever reads it.
struct Checked<R> {
    inner: R,
    left: u64,
    failure: Option<io::Error>,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self.inner.read(buffer) {
            Ok(0) if !buffer.is_empty() && self.left > 0 => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "it is smaller than its declared size"))
            }
            read => read,
        };
        match read {
            Ok(count) => {
                // The archive's reader stops at the declared size by itself.
                self.left = self.left.saturating_sub(count as u64);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let told = io::Error::new(error.kind(), "the archive cannot be read");
                self.failure.get_or_insert(error);
                Err(told)
            }
        }
    }
}

/// Says whether an I/O error comes from what was read and not from reading it.
fn is_content(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

fn list<R: Read + Seek>(
    zip: &mut ZipIterable<R>,
    limits: &Limits,
) -> Result<(Vec<TreeEntry>, Vec<OwnedZipFileEntry>), ArchiveError> {
    let mut entries = Vec::new();
    let mut headers = Vec::new();
    let mut directory_start = None;
    let mut total: u64 = 0;
    for header in zip.files().map_err(ArchiveError::of_directory)? {
        let header = header.map_err(ArchiveError::of_directory)?;
        let start = *directory_start.get_or_insert(header.central_header_start());
        if header.central_header_start().saturating_sub(start) > DIRECTORY_BYTES {
            return Err(ArchiveError::DirectoryTooLarge { limit: DIRECTORY_BYTES });
        }
        let entry = check_entry(&header)?;
        check_file_size(&entry, limits.file_bytes)?;
        total = total.saturating_add(header.size());
        if total > limits.total_bytes {
            return Err(ArchiveError::TooLarge { limit: limits.total_bytes });
        }
        entries.push(entry);
        headers.push(header.into());
    }
    if entries.iter().all(TreeEntry::is_directory) {
        return Err(ArchiveError::Empty);
    }
    Ok((entries, headers))
}

fn check_entry(header: &ZipFileEntry<'_>) -> Result<TreeEntry, ArchiveError> {
    const TYPE: u32 = 0o170_000;
    const LINK: u32 = 0o120_000;
    const REGULAR: u32 = 0o100_000;
    const DIRECTORY: u32 = 0o040_000;

    let name = header.name().map_err(ArchiveError::of_directory)?;
    let (path, is_directory) = name.strip_suffix('/').map_or((&*name, false), |path| (path, true));
    let entry = || path.to_owned();
    if let Some(reason) = why_unsafe(path) {
        return Err(ArchiveError::UnsafeName { entry: name.into_owned(), reason });
    }
    // Whatever system the entry claims to come from: the upper half is what tools on Unix go by.
    let mode = header.external_attributes() >> 16;
    match mode & TYPE {
        LINK => return Err(ArchiveError::Link { entry: entry() }),
        0 | REGULAR if !is_directory => {}
        0 | DIRECTORY if is_directory => {}
        _ => return Err(ArchiveError::Special { entry: entry() }),
    }
    if header.encrypted() {
        return Err(ArchiveError::Encrypted { entry: entry() });
    }
    let method = header.compression();
    if !matches!(method, CompressionMethod::Stored | CompressionMethod::Deflated) {
        return Err(ArchiveError::Compression { entry: entry(), method: method.to_string() });
    }
    let kind = match is_directory {
        true => EntryKind::Directory,
        false => EntryKind::File { executable: mode & 0o111 != 0, size: header.size() },
    };
    Ok(TreeEntry { path: entry(), kind })
}

fn check_file_size(entry: &TreeEntry, limit: u64) -> Result<(), ArchiveError> {
    match entry.kind {
        EntryKind::File { size, .. } if size > limit => {
            Err(ArchiveError::FileTooLarge { entry: entry.path.clone(), size, limit })
        }
        EntryKind::File { .. } | EntryKind::Directory => Ok(()),
    }
}

/// Compares each entry's own header with the list, and refuses entries that share bytes: a small zip of those holds any amount.
fn check_ranges<R: Read + Seek>(zip: &mut ZipIterable<R>, entries: &[TreeEntry]) -> Result<(), ArchiveError> {
    let mut ranges: Vec<(Range<u64>, &TreeEntry)> = Vec::with_capacity(entries.len());
    let mut directory_start = u64::MAX;
    for (header, entry) in zip.files().map_err(ArchiveError::of_directory)?.zip(entries) {
        let header = header.map_err(|error| ArchiveError::of_entry(entry, error))?;
        directory_start = directory_start.min(header.central_header_start());
        let data_start = header.get_metadata().data_start.get().copied().unwrap_or(u64::MAX);
        let end = data_start.checked_add(header.compressed_size()).filter(|end| *end <= directory_start);
        let Some(end) = end else {
            return Err(ArchiveError::OutOfBounds { entry: entry.path.clone() });
        };
        ranges.push((header.header_start()..end, entry));
    }
    ranges.sort_by_key(|(range, _)| range.start);
    for pair in ranges.windows(2) {
        if let [(one, first), (other, second)] = pair
            && one.end > other.start
        {
            return Err(ArchiveError::Overlap { first: first.path.clone(), second: second.path.clone() });
        }
    }
    Ok(())
}

/// Only directories repeat by now.
fn without_repeats(
    entries: Vec<TreeEntry>,
    headers: Vec<OwnedZipFileEntry>,
) -> (Vec<TreeEntry>, Vec<OwnedZipFileEntry>) {
    let mut seen = std::collections::HashSet::new();
    entries
        .into_iter()
        .zip(headers)
        .filter(|(entry, _)| !entry.is_directory() || seen.insert(entry.path.clone()))
        .unzip()
}

#[cfg(test)]
mod tests;
