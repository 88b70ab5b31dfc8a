pub(super) mod reaper;

use std::fs::{self, File, FileTimes, Metadata, Permissions};
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use attini_core::distribution::{FileTree, TreeEntry, TreeError};
use attini_core::problem::Problem;
use tempfile::TempDir;
use thiserror::Error;

use self::reaper::Reaper;
use super::folder::FolderTree;

/// A copy of a project that package commands may change freely. Dropping it removes it, and so does the end of the process.
#[derive(Debug)]
pub struct WorkCopy {
    folder: TempDir,
    /// Dropped after the folder.
    _reaper: Option<Reaper>,
    warnings: Vec<Problem>,
}

/// A project could not be copied.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The project could not be listed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// There is no place for the copy.
    #[error("cannot create a temporary directory")]
    Folder(#[source] io::Error),
    /// A file or directory could not be copied.
    #[error("cannot copy {path}")]
    Entry {
        /// Path in the project.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl WorkCopy {
    /// Copies a project into a new temporary directory, as [`FolderTree::source`] sees it: links have become what they point to.
    ///
    /// Permission bits and modification times are kept, apart from the owner's right to change the copy. Files share their blocks
    /// with the source where the file system can do that; otherwise two threads or more copy them. What `.attini-ignore` leaves out of the
    /// zip is copied too: package commands may read it, and may write that file anew (user-projects.md 2).
    ///
    /// # Errors
    ///
    /// [`CopyError`] for the first thing that cannot be copied.
    pub fn of(source: &Path) -> Result<Self, CopyError> {
        let listing = FolderTree::source(source)?.list(&mut |_| true)?;
        let folder = tempfile::Builder::new().prefix("attini-temp").tempdir().map_err(CopyError::Folder)?;
        let reaper = Reaper::of(folder.path());
        let (directories, files): (Vec<_>, Vec<_>) = listing.entries.iter().partition(|entry| entry.is_directory());
        for entry in &directories {
            fs::create_dir(folder.path().join(&entry.path)).map_err(|source| failed(entry, source))?;
        }
        copy_all(&files, source, folder.path())?;
        // Children first, because each of them changes the time of the directory around it.
        for entry in directories.iter().rev() {
            let (from, to) = (source.join(&entry.path), folder.path().join(&entry.path));
            let copied = fs::metadata(from).and_then(|of| copy_metadata(&of, &File::open(to)?, 0o700));
            copied.map_err(|source| failed(entry, source))?;
        }
        Ok(Self { folder, _reaper: reaper, warnings: listing.warnings })
    }

    /// Returns the root of the copy.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns what was left out although nothing excludes it.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }
}

fn copy_all(files: &[&TreeEntry], source: &Path, target: &Path) -> Result<(), CopyError> {
    let next = AtomicUsize::new(0);
    let clones = AtomicBool::new(true);
    let first_failure = Mutex::new(None);
    let work = || {
        while let Some(entry) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = copy_file(&source.join(&entry.path), &target.join(&entry.path), &clones) {
                // The others need not go on.
                next.store(files.len(), Ordering::Relaxed);
                let mut failure = first_failure.lock().expect("no holder of the lock panics");
                failure.get_or_insert(failed(entry, error));
            }
        }
    };
    // Also with one processor, because much of the time is waiting.
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).clamp(2, 8).min(files.len());
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    first_failure.into_inner().expect("no holder of the lock panics").map_or(Ok(()), Err)
}

/// `clones` says whether the file system shares blocks between files, as far as is known.
fn copy_file(from: &Path, to: &Path, clones: &AtomicBool) -> io::Result<()> {
    if clones.load(Ordering::Relaxed) {
        match reflink_copy::reflink(from, to) {
            Ok(()) => return copy_metadata(&fs::metadata(from)?, &File::open(to)?, 0o600),
            // Not to be tried anew for each file.
            Err(error) if cannot_clone(&error) => clones.store(false, Ordering::Relaxed),
            // Whatever it is, copying tells it better.
            Err(_) => {}
        }
    }
    let mut source = File::open(from)?;
    let mut target = File::create(to)?;
    io::copy(&mut source, &mut target)?;
    copy_metadata(&source.metadata()?, &target, 0o600)
}

fn cannot_clone(error: &io::Error) -> bool {
    const NO_SUCH_CALL: i32 = 25;
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::CrossesDevices)
        || error.raw_os_error() == Some(NO_SUCH_CALL)
}

/// `added` are rights that the copy has whatever the source has, so that commands can change it and dropping can remove it.
fn copy_metadata(of: &Metadata, to: &File, added: u32) -> io::Result<()> {
    to.set_times(FileTimes::new().set_modified(of.modified()?))?;
    to.set_permissions(Permissions::from_mode(of.permissions().mode() & 0o777 | added))
}

fn failed(entry: &TreeEntry, source: io::Error) -> CopyError {
    CopyError::Entry { path: entry.path.clone(), source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn contents_bits_and_times_are_kept_and_links_become_contents() {
        let project = tempfile::tempdir().unwrap();
        let at = |path: &str| project.path().join(path);
        for folder in ["d/e", "empty", "node_modules/m"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("d/e/run.sh"), "true").unwrap();
        fs::write(at("node_modules/m/x"), "").unwrap();
        symlink("d/e/run.sh", at("link")).unwrap();
        symlink("/etc/hostname-that-is-not-there", at("gone")).unwrap();
        fs::set_permissions(at("d/e/run.sh"), Permissions::from_mode(0o555)).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for path in ["d/e/run.sh", "d/e"] {
            File::open(at(path)).unwrap().set_modified(time).unwrap();
        }
        fs::set_permissions(at("d/e"), Permissions::from_mode(0o555)).unwrap();

        let copy = WorkCopy::of(project.path()).unwrap();
        let root = copy.path().to_owned();
        assert_eq!(fs::read(root.join("d/e/run.sh")).unwrap(), b"true");
        assert_eq!(fs::metadata(root.join("d/e/run.sh")).unwrap().permissions().mode() & 0o777, 0o755);
        for path in ["d/e/run.sh", "d/e"] {
            assert_eq!(fs::metadata(root.join(path)).unwrap().modified().unwrap(), time, "{path}");
        }
        assert!(root.join("link").symlink_metadata().unwrap().is_file());
        assert!(root.join("empty").is_dir() && !root.join("node_modules").exists());
        assert_eq!(copy.warnings().len(), 1);
        fs::write(root.join("link"), "changed").unwrap();
        assert_eq!(fs::read(at("d/e/run.sh")).unwrap(), b"true");

        drop(copy);
        assert!(!root.exists());
        fs::set_permissions(at("d/e"), Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn many_files_arrive() {
        let project = tempfile::tempdir().unwrap();
        for number in 0..300 {
            fs::write(project.path().join(format!("f{number}")), number.to_string()).unwrap();
        }
        let copy = WorkCopy::of(project.path()).unwrap();
        for number in 0..300 {
            assert_eq!(fs::read_to_string(copy.path().join(format!("f{number}"))).unwrap(), number.to_string());
        }
    }
}
