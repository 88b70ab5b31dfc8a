use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use attini_core::runner::{JobMessage, JobPaths, OUTPUT_LIMIT_BYTES, OutputTooLarge, job_script};
use serde_json::Value;
use tempfile::TempDir;
use thiserror::Error;

use crate::control::job_name;

/// The files of one job, in a folder of its own.
#[derive(Debug)]
pub(crate) struct JobFiles {
    dir: Dir,
    pub(crate) source: PathBuf,
    pub(crate) script: PathBuf,
    pub(crate) temporary: PathBuf,
    input: PathBuf,
    pub(crate) output: PathBuf,
}

/// Whose the folder of a job is.
#[derive(Debug)]
enum Dir {
    /// It goes with the value.
    Own(Option<TempDir>),
    /// It outlives this process.
    Kept(PathBuf),
}

/// A file of a job could not be made or read.
#[derive(Debug, Error)]
#[error("cannot {operation} {}", path.display())]
pub(crate) struct FileError {
    operation: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// The output of a job cannot be returned.
#[derive(Debug, Error)]
pub(crate) enum OutputError {
    #[error(transparent)]
    TooLarge(#[from] OutputTooLarge),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("$ATTINI_OUTPUT is no file any more")]
    NoFile,
}

impl JobFiles {
    /// Makes the folder with input, empty output, script and an empty source folder; readable by this user only.
    pub(crate) fn create(parent: &Path, job: &JobMessage) -> Result<Self, FileError> {
        let prefix = format!("{}_{}_", path_part(&job.distribution_name), path_part(job.step.as_str()));
        let dir =
            tempfile::Builder::new().prefix(&prefix).tempdir_in(parent).map_err(at("make a folder in", parent))?;
        let path = dir.path().to_owned();
        Self::in_folder(&path, Dir::Own(Some(dir))).filled(job)
    }

    /// As [`Self::create`], in a folder that stays until it is removed. What an earlier try left in it goes.
    pub(crate) fn create_kept(parent: &Path, job: &JobMessage) -> Result<Self, FileError> {
        let files = Self::kept(parent, job);
        let path = parent.join(job_name(job));
        remove_folder(&path)?;
        private_folder(&path).map_err(at("make", &path))?;
        files.filled(job)
    }

    /// Returns the files that [`Self::create_kept`] made.
    pub(crate) fn kept(parent: &Path, job: &JobMessage) -> Self {
        let path = parent.join(job_name(job));
        Self::in_folder(&path, Dir::Kept(path.clone()))
    }

    fn in_folder(folder: &Path, dir: Dir) -> Self {
        let path = |name: &str| folder.join(name);
        Self {
            source: path("source"),
            script: path("script.sh"),
            temporary: path("tmp"),
            input: path("input.json"),
            output: path("output.json"),
            dir,
        }
    }

    fn filled(self, job: &JobMessage) -> Result<Self, FileError> {
        let files = self;
        for folder in [&files.source, &files.temporary] {
            private_folder(folder).map_err(at("make", folder))?;
        }
        let input = Value::Object(job.input_document().clone()).to_string();
        for (file, content) in [
            (&files.input, input),
            (&files.output, String::new()),
            (&files.script, job_script(&job.properties.commands)),
        ] {
            private_file(file, &content).map_err(at("write", file))?;
        }
        Ok(files)
    }

    pub(crate) fn paths(&self) -> JobPaths {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        JobPaths { input: text(&self.input), output: text(&self.output), source_dir: text(&self.source) }
    }

    /// Reads what the job left in `$ATTINI_OUTPUT`; a deleted file is an empty one.
    pub(crate) fn read_output(&self) -> Result<Vec<u8>, OutputError> {
        let metadata = match fs::metadata(&self.output) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            metadata => metadata.map_err(at("read", &self.output))?,
        };
        // Opening a pipe would wait for ever.
        if !metadata.is_file() {
            return Err(OutputError::NoFile);
        }
        if metadata.len() > OUTPUT_LIMIT_BYTES as u64 {
            return Err(OutputTooLarge { size_bytes: metadata.len() }.into());
        }
        let mut content = Vec::new();
        let file = fs::File::open(&self.output).map_err(at("open", &self.output))?;
        // One byte more than allowed shows that a file which still grows is too large.
        file.take(OUTPUT_LIMIT_BYTES as u64 + 1).read_to_end(&mut content).map_err(at("read", &self.output))?;
        Ok(content)
    }

    /// Removes everything, folders included that the job protected against it.
    pub(crate) fn remove(mut self) -> Result<(), FileError> {
        match &mut self.dir {
            Dir::Own(dir) => dir.take().map_or(Ok(()), |dir| remove_folder(&dir.keep())),
            Dir::Kept(path) => remove_folder(path),
        }
    }
}

impl Drop for JobFiles {
    fn drop(&mut self) {
        if let Dir::Own(dir) = &mut self.dir
            && let Some(dir) = dir.take()
        {
            // Only when the job's future is dropped; there is nobody left to tell.
            let _left = remove_folder(&dir.keep());
        }
    }
}

/// Writes the script of the startup commands.
pub(crate) fn startup_script(folder: &Path, commands: &[String]) -> Result<tempfile::TempPath, FileError> {
    let mut file = tempfile::Builder::new()
        .prefix("startup_")
        .suffix(".sh")
        .tempfile_in(folder)
        .map_err(at("make a file in", folder))?;
    file.write_all(job_script(commands).as_bytes()).map_err(at("write", file.path()))?;
    Ok(file.into_temp_path())
}

/// Makes a folder that only this user may enter, with its parents; it may exist.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Joins the maps, later ones winning.
pub(crate) fn joined<const N: usize>(maps: [BTreeMap<String, String>; N]) -> BTreeMap<String, String> {
    maps.into_iter().flatten().collect()
}

fn private_file(path: &Path, content: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(content.as_bytes())
}

fn remove_folder(path: &Path) -> Result<(), FileError> {
    if fs::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    open_folders(path);
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Lets this user remove what is in the folder, as far as possible. Links are not followed.
fn open_folders(path: &Path) {
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    if !metadata.is_dir() {
        return;
    }
    // What still cannot be removed is said by whoever removes it.
    let _denied = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        open_folders(&entry.path());
    }
}

pub(crate) fn path_part(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' };
    name.chars().take(40).map(plain).collect()
}

fn at(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError { operation, path, source }
}
