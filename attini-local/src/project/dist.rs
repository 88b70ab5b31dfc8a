use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;

use super::DIST_FOLDER;

/// Stays in the folder: removing it would let two packagings lock two files of the same name.
const LOCK_FILE: &str = ".lock";

/// The folder that receives the finished zip of one project, for one packaging at a time.
///
/// It holds the newest zip only. An earlier one stays until the new one is complete.
#[derive(Debug)]
pub struct DistFolder {
    path: PathBuf,
    /// Locked until the value is dropped, or the process is killed.
    lock: File,
}

/// The zip could not be put into its folder.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DistError {
    /// Another process packages the same project.
    #[error("{} is being packaged by another process; wait until it is done", .project.display())]
    Busy {
        /// The project.
        project: PathBuf,
    },
    /// The zip is gone from the work copy.
    #[error("the finished zip {} is gone; a postPackage command must leave it where it is", .zip.display())]
    Gone {
        /// Where it was.
        zip: PathBuf,
    },
    /// A file could not be written, moved or removed.
    #[error("cannot write to {}", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl DistFolder {
    /// Creates the folder of a project if it is missing, and takes it for this packaging until the value is dropped.
    ///
    /// # Errors
    ///
    /// [`DistError::Busy`] while another packaging holds it, or [`DistError::Write`].
    pub fn lock(project: &Path) -> Result<Self, DistError> {
        let path = project.join(DIST_FOLDER);
        fs::create_dir_all(&path).map_err(|source| failed(&path, source))?;
        let lock_path = path.join(LOCK_FILE);
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(|source| failed(&lock_path, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, lock }),
            Err(TryLockError::WouldBlock) => Err(DistError::Busy { project: project.to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed(&lock_path, source)),
        }
    }

    /// Returns an empty file in the folder, to be written and given to [`publish`](Self::publish). Dropping it removes it.
    ///
    /// # Errors
    ///
    /// [`DistError::Write`].
    pub fn stage(&self) -> Result<NamedTempFile, DistError> {
        let mut builder = tempfile::Builder::new();
        // As any new file; the process's mask applies.
        let builder = builder.prefix(".attini-").suffix(".zip").permissions(Permissions::from_mode(0o666));
        builder.tempfile_in(&self.path).map_err(|source| failed(&self.path, source))
    }

    /// Gives a complete staged file its name, removes whatever else is in the folder, and returns the file's path.
    ///
    /// # Errors
    ///
    /// [`DistError::Write`].
    pub fn publish(&self, staged: NamedTempFile, name: &str) -> Result<PathBuf, DistError> {
        let target = self.path.join(name);
        staged.persist(&target).map_err(|error| failed(&target, error.error))?;
        let others = fs::read_dir(&self.path).map_err(|source| failed(&self.path, source))?;
        for other in others {
            let other = other.map_err(|source| failed(&self.path, source))?;
            if other.file_name() == name || other.file_name() == LOCK_FILE {
                continue;
            }
            let path = other.path();
            let is_directory = other.file_type().map_err(|source| failed(&path, source))?.is_dir();
            let removed = if is_directory { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|source| failed(&path, source))?;
        }
        Ok(target)
    }

    /// Publishes a zip that lies elsewhere, under its own name: the one in the work copy, after postPackage.
    ///
    /// # Errors
    ///
    /// [`DistError::Gone`] or [`DistError::Write`].
    pub fn take(&self, zip: &Path) -> Result<PathBuf, DistError> {
        let gone = || DistError::Gone { zip: zip.to_owned() };
        let name = zip.file_name().and_then(|name| name.to_str()).ok_or_else(gone)?;
        if !zip.is_file() {
            return Err(gone());
        }
        let mut staged = self.stage()?;
        let copied = File::open(zip).and_then(|mut from| io::copy(&mut from, staged.as_file_mut()));
        copied.map_err(|source| failed(&self.path, source))?;
        self.publish(staged, name)
    }
}

impl Drop for DistFolder {
    fn drop(&mut self) {
        // To close the file is not enough: a process that another thread is just starting shares it until it is another program,
        // and would keep the lock so long. A file that cannot be unlocked is unlocked by the last of them.
        let _ = self.lock.unlock();
    }
}

/// Returns the file name for a name that a person gave: `.zip` is added when it is missing.
#[must_use]
pub fn zip_file_name(name: &str) -> String {
    if name.ends_with(".zip") { name.to_owned() } else { format!("{name}.zip") }
}

fn failed(path: &Path, source: io::Error) -> DistError {
    DistError::Write { path: path.to_owned(), source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(project: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(project.join(DIST_FOLDER))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != LOCK_FILE)
            .collect();
        names.sort();
        names
    }

    #[test]
    fn only_the_newest_zip_stays() {
        let project = tempfile::tempdir().unwrap();
        let dist = DistFolder::lock(project.path()).unwrap();
        fs::write(project.path().join("attini_dist/old.zip"), "").unwrap();
        fs::create_dir_all(project.path().join("attini_dist/left/over")).unwrap();
        let mut staged = dist.stage().unwrap();
        staged.write_all(b"new").unwrap();
        let path = dist.publish(staged, "a.zip").unwrap();
        assert_eq!(path, project.path().join("attini_dist/a.zip"));
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_ne!(fs::metadata(&path).unwrap().permissions().mode() & 0o044, 0);
        assert_eq!(names(project.path()), ["a.zip"]);
    }

    #[test]
    fn cli_case_15_a_failed_packaging_keeps_the_previous_zip() {
        let project = tempfile::tempdir().unwrap();
        let dist = DistFolder::lock(project.path()).unwrap();
        dist.publish(dist.stage().unwrap(), "a.zip").unwrap();
        let mut staged = dist.stage().unwrap();
        staged.write_all(b"half").unwrap();
        drop((staged, dist));
        assert_eq!(names(project.path()), ["a.zip"]);
        assert_eq!(fs::read(project.path().join("attini_dist/a.zip")).unwrap(), b"");
    }

    #[test]
    fn one_packaging_of_a_project_at_a_time() {
        let project = tempfile::tempdir().unwrap();
        let first = DistFolder::lock(project.path()).unwrap();
        assert!(matches!(DistFolder::lock(project.path()), Err(DistError::Busy { .. })));
        // What a process has that is just being started beside it.
        let inherited = first.lock.try_clone().unwrap();
        drop(first);
        DistFolder::lock(project.path()).unwrap();
        drop(inherited);
    }

    #[test]
    fn a_zip_of_the_work_copy_is_taken_or_missed() {
        let project = tempfile::tempdir().unwrap();
        let copy = tempfile::tempdir().unwrap();
        let dist = DistFolder::lock(project.path()).unwrap();
        let zip = copy.path().join("b.zip");
        fs::write(&zip, "rewritten").unwrap();
        assert_eq!(fs::read(dist.take(&zip).unwrap()).unwrap(), b"rewritten");
        fs::remove_file(&zip).unwrap();
        assert!(matches!(dist.take(&zip), Err(DistError::Gone { .. })));
        assert_eq!(names(project.path()), ["b.zip"]);
    }

    #[test]
    fn cli_case_19_file_names() {
        assert_eq!(zip_file_name("foo"), "foo.zip");
        assert_eq!(zip_file_name("foo.zip"), "foo.zip");
    }
}
