use std::fmt;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use thiserror::Error;

use super::schema;
use super::tx::{Tx, TxError};

/// How long a change waits for the changes of other processes. Each takes milliseconds, so this is only reached when a
/// process holds the database and does not go on.
const BUSY: Duration = Duration::from_secs(30);

/// The directory with the state of the local world; cheap to clone.
///
/// Layout: `records.db` (with `-wal` and `-shm` beside it), `objects/`, `logs/`, `locks/`; the world adds `work/` and `region`.
/// Records and logs hold what a deployment was told, so only the user can read them.
#[derive(Clone)]
pub struct Home(Arc<Inner>);

struct Inner {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Home").field(&self.0.path).finish()
    }
}

/// The home cannot be used, or a change to it failed. The message names the path.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HomeError {
    /// A file or directory could not be used.
    #[error("cannot {operation} {}", path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The disk is full, or the user's quota is used up.
    #[error("cannot write to {}: the disk is full; free some space and try again", path.display())]
    Full {
        /// The file or directory.
        path: PathBuf,
    },
    /// The user may not write there.
    #[error("cannot write to {}: it is read-only or belongs to someone else; choose another directory with ATTINI_HOME", path.display())]
    ReadOnly {
        /// The file or directory.
        path: PathBuf,
    },
    /// Locks do not work there, so two processes would destroy each other's work.
    #[error(
        "{} is on a file system without working file locks ({reason}); choose a directory on a local disk with ATTINI_HOME",
        path.display()
    )]
    NoLocks {
        /// The directory.
        path: PathBuf,
        /// What was seen.
        reason: String,
    },
    /// The directory was removed while this program used it.
    #[error("{} was removed by another process meanwhile; run the command again", path.display())]
    Removed {
        /// The directory.
        path: PathBuf,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "{} was written by a newer version of attini (schema {found}, this version knows {known}); update attini or choose another \
         directory with ATTINI_HOME",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Schema of the database.
        found: i64,
        /// Newest schema this version knows.
        known: i64,
    },
    /// Another process held the database for half a minute. Trying again may help.
    #[error("another process has kept {} busy for {} s; end it or try again", path.display(), BUSY.as_secs())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// The database is damaged, or is none.
    #[error("{} is damaged; move it away to start with an empty one", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The database refused a statement.
    #[error("the database {} failed", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A row holds what this version cannot read.
    #[error("the database {} holds a {what} that cannot be read", path.display())]
    Unreadable {
        /// The database.
        path: PathBuf,
        /// What the row is.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
}

impl HomeError {
    /// Sorts the failure of a file operation: a full disk and missing rights have their own names.
    pub(crate) fn file(operation: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::File { operation, path, source },
        }
    }

    fn database(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => Self::ReadOnly { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path, source },
            _ => Self::Database { path, source },
        }
    }

    fn tx(path: &Path, error: TxError) -> Self {
        match error {
            TxError::Database(source) => Self::database(path, source),
            TxError::Unreadable { what, source } => Self::Unreadable { path: path.to_owned(), what, source },
        }
    }
}

impl Home {
    /// Opens the home, and creates what is missing.
    ///
    /// # Errors
    ///
    /// [`HomeError`] with the reason when the directory cannot be written, file locks do not work there, or the database
    /// belongs to a newer version.
    pub fn open(path: &Path) -> Result<Self, HomeError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| HomeError::file("create", parent, error))?;
        }
        for directory in [path.to_owned(), path.join("objects"), path.join("logs"), path.join("locks")] {
            create_private(&directory).map_err(|error| HomeError::file("create", &directory, error))?;
        }
        probe_locks(&path.join("locks"))?;
        let connection = connect(path)?;
        Ok(Self(Arc::new(Inner { path: path.to_owned(), connection: Mutex::new(connection) })))
    }

    /// Removes everything that belongs to the home, and the directory when nothing else is in it. Whoever uses the home
    /// afterwards must open it again.
    ///
    /// # Errors
    ///
    /// [`HomeError`] naming the first file that cannot be removed.
    pub fn remove(&self) -> Result<(), HomeError> {
        let path = self.path();
        let absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        for directory in ["objects", "logs", "work"].map(|name| path.join(name)) {
            match fs::remove_dir_all(&directory) {
                Err(error) if !absent(&error) => return Err(HomeError::file("remove", &directory, error)),
                _ => {}
            }
        }
        for file in ["records.db", "records.db-wal", "records.db-shm", "region"].map(|name| path.join(name)) {
            match fs::remove_file(&file) {
                Err(error) if !absent(&error) => return Err(HomeError::file("remove", &file, error)),
                _ => {}
            }
        }
        let locks = path.join("locks");
        fs::remove_dir_all(&locks).map_err(|error| HomeError::file("remove", &locks, error))?;
        // The directory may be one that the user had before, with things in it that are not ours.
        match fs::remove_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => {
                Err(HomeError::file("remove", path, error))
            }
            _ => Ok(()),
        }
    }

    /// Returns the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Runs reads that see one state of the database.
    ///
    /// # Errors
    ///
    /// [`HomeError`] when the database cannot be read.
    pub fn read<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, TxError>) -> Result<T, HomeError> {
        self.transaction(TransactionBehavior::Deferred, work)
    }

    /// Runs reads and writes as one transaction, which no other process or thread comes between.
    ///
    /// When this returns, the changes have reached the disk; when it fails or `work` does, there are none. `work` should
    /// be short, and must not use the home itself.
    ///
    /// # Errors
    ///
    /// [`HomeError`] when the database cannot be written.
    pub fn write<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, TxError>) -> Result<T, HomeError> {
        self.transaction(TransactionBehavior::Immediate, work)
    }

    fn transaction<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Tx<'_>) -> Result<T, TxError>,
    ) -> Result<T, HomeError> {
        // A transaction that panicked has rolled itself back, so the connection is as good as before.
        let mut connection = self.0.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let run = || -> Result<T, TxError> {
            let tx: Transaction<'_> = connection.transaction_with_behavior(behavior)?;
            let result = work(&Tx::new(&tx))?;
            tx.commit()?;
            Ok(result)
        };
        run().map_err(|error| HomeError::tx(&database_path(&self.0.path), error))
    }
}

fn database_path(home: &Path) -> PathBuf {
    home.join("records.db")
}

/// Creates a directory that only the user can enter; one that is there stays as it is.
fn create_private(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        result => result,
    }
}

/// Shows that a lock held through one handle is seen through another.
fn probe_locks(directory: &Path) -> Result<(), HomeError> {
    let cannot = |error| HomeError::file("create a file in", directory, error);
    let first = tempfile::NamedTempFile::new_in(directory).map_err(cannot)?;
    let second = first.reopen().map_err(cannot)?;
    let reason = match (first.as_file().try_lock(), second.try_lock()) {
        (Ok(()), Err(TryLockError::WouldBlock)) => return Ok(()),
        (Ok(()), Ok(())) => "a locked file could be locked again".to_owned(),
        (Err(error), _) | (_, Err(error)) => error.to_string(),
    };
    Err(HomeError::NoLocks { path: directory.to_owned(), reason })
}

fn connect(home: &Path) -> Result<Connection, HomeError> {
    // Switching to WAL mode and migrating are not safe against each other in several processes.
    let gate_path = home.join("locks").join("open.lock");
    let gate = open_lock_file(&gate_path)?;
    gate.lock().map_err(|error| HomeError::file("lock", &gate_path, error))?;

    let path = database_path(home);
    // SQLite would create it readable for everybody; its side files get the rights of this one.
    let mut options = File::options();
    options.create(true).truncate(false).write(true).mode(0o600);
    drop(options.open(&path).map_err(|error| HomeError::file("open", &path, error))?);
    let failed = |error| HomeError::database(&path, error);
    let mut connection = Connection::open(&path).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(128);
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    let known = schema::newest();
    if found > known {
        return Err(HomeError::Newer { path, found, known });
    }
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(failed)?;
    if mode != "wal" {
        let reason = format!("the database cannot be shared, its journal mode stays `{mode}`");
        return Err(HomeError::NoLocks { path: home.to_owned(), reason });
    }
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON").map_err(failed)?;
    schema::migrate(&mut connection, found).map_err(failed)?;
    Ok(connection)
}

/// Opens a file that is only there to be locked.
pub(super) fn open_lock_file(path: &Path) -> Result<File, HomeError> {
    let mut options = File::options();
    options.create(true).truncate(false).read(true).write(true).mode(0o600);
    options.open(path).map_err(|error| HomeError::file("open", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(home: &Path, value: i64) {
        let connection = Connection::open(database_path(home)).expect("opens");
        connection.pragma_update(None, "user_version", value).expect("writes");
    }

    fn rows(home: &Home) -> i64 {
        let counted = home.read(|tx| tx.first("SELECT count(*) FROM environment_values", [], |row| Ok(row.get(0)?)));
        counted.expect("reads").expect("counts")
    }

    #[test]
    fn a_home_is_created_and_opened_again() {
        let dir = tempfile::tempdir().expect("creates");
        let path = dir.path().join("deep/home");
        drop(Home::open(&path).expect("creates"));
        let home = Home::open(&path).expect("opens");
        assert_eq!(home.path(), path);
        assert_eq!(rows(&home), 0);
    }

    #[test]
    fn a_new_home_is_private_to_the_user() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("creates");
        let path = dir.path().join("home");
        let home = Home::open(&path).expect("creates");
        home.write(|tx| tx.execute("INSERT INTO environment_values VALUES ('dev', '{}')", [])).expect("writes");
        let mode = |name: &str| fs::metadata(path.join(name)).expect("is there").permissions().mode() & 0o777;
        for directory in ["", "objects", "logs", "locks"] {
            assert_eq!(mode(directory), 0o700, "{directory:?}");
        }
        for file in ["records.db", "records.db-wal", "records.db-shm", "locks/open.lock"] {
            assert_eq!(mode(file), 0o600, "{file}");
        }
    }

    #[test]
    fn removing_a_home_leaves_what_is_not_its_own() {
        let dir = tempfile::tempdir().expect("creates");
        let (own, shared) = (dir.path().join("own"), dir.path().join("shared"));
        Home::open(&own).expect("creates").remove().expect("removes");
        assert!(!own.exists());
        fs::create_dir(&shared).expect("creates");
        fs::write(shared.join("thesis.txt"), "years of work").expect("writes");
        Home::open(&shared).expect("creates").remove().expect("removes");
        let left: Vec<_> =
            fs::read_dir(&shared).expect("lists").map(|entry| entry.expect("reads").file_name()).collect();
        assert_eq!(left, ["thesis.txt"]);
    }

    #[test]
    fn a_database_of_a_newer_version_is_refused_untouched() {
        let dir = tempfile::tempdir().expect("creates");
        drop(Home::open(dir.path()).expect("creates"));
        version(dir.path(), 9999);
        let error = Home::open(dir.path()).expect_err("is newer");
        assert!(matches!(error, HomeError::Newer { found: 9999, .. }), "{error}");
        assert!(error.to_string().contains(dir.path().to_str().expect("is text")), "{error}");
    }

    #[test]
    fn something_else_in_the_database_s_place_is_refused_with_its_path() {
        let dir = tempfile::tempdir().expect("creates");
        fs::write(database_path(dir.path()), "no database, but long enough to be looked at as one".repeat(50))
            .expect("writes");
        let error = Home::open(dir.path()).expect_err("is none");
        assert!(matches!(error, HomeError::Damaged { .. }), "{error:?}");
    }

    #[test]
    fn a_file_in_the_home_s_place_is_refused_with_its_path() {
        let dir = tempfile::tempdir().expect("creates");
        let path = dir.path().join("file");
        fs::write(&path, "").expect("writes");
        let error = Home::open(&path).expect_err("is a file");
        assert!(error.to_string().contains(path.to_str().expect("is text")), "{error}");
    }

    #[test]
    fn a_full_disk_names_the_path() {
        let dir = tempfile::tempdir().expect("creates");
        let home = Home::open(dir.path()).expect("creates");
        // SQLite takes its present size when the limit is below that.
        home.write(|tx| tx.first("PRAGMA max_page_count = 1", [], |_| Ok(()))).expect("limits");
        let error = home
            .write(|tx| tx.execute("INSERT INTO environment_values VALUES ('dev', ?1)", ["x".repeat(1 << 20)]))
            .expect_err("is full");
        assert!(matches!(error, HomeError::Full { .. }), "{error:?}");
        assert!(error.to_string().contains("records.db"), "{error}");
    }

    #[test]
    fn failed_work_leaves_nothing() {
        let dir = tempfile::tempdir().expect("creates");
        let home = Home::open(dir.path()).expect("creates");
        let failed: Result<(), _> = home.write(|tx| {
            tx.execute("INSERT INTO environment_values VALUES ('dev', '{}')", [])?;
            Err(rusqlite::Error::QueryReturnedNoRows.into())
        });
        assert!(failed.is_err());
        assert_eq!(rows(&home), 0);
    }
}
