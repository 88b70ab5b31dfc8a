//! Setting one value in a configuration file of a project (cli.md 15).

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use attini_core::config::{ConfigFileError, FILE_NAMES, choose_file};
use attini_core::document::{DocPath, Document, Node, NodeKind};
use attini_core::problem::Problems;
use tempfile::NamedTempFile;
use thiserror::Error;

/// A value could not be set. The file is as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EditError {
    /// There is not exactly one configuration file.
    #[error("Attini configuration file error: {0}")]
    ConfigFile(ConfigFileError),
    /// The file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not what it should be, or has something else in the value's place.
    #[error("cannot set the value in {}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        problems: Problems,
    },
    /// There is another value already.
    #[error("`{key}` already exists in {}", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
        /// Path of the value.
        key: DocPath,
    },
    /// The file cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Returns the path of the `attini-config` file in the root of a project.
///
/// # Errors
///
/// [`EditError::ConfigFile`] unless there is exactly one.
pub fn find_config(directory: &Path) -> Result<PathBuf, EditError> {
    let present = FILE_NAMES.into_iter().filter(|name| directory.join(name).is_file());
    choose_file(present).map(|name| directory.join(name)).map_err(EditError::ConfigFile)
}

/// Sets a text in a YAML or JSON file and keeps comments and layout; missing maps are created. Says whether the file
/// changed.
///
/// A value that is there already, and neither null nor the same text, is replaced only with `replace`. Readers see the old
/// file or the new one. A link stays a link, the file it points to changes.
///
/// # Errors
///
/// [`EditError`].
pub fn set_value(file: &Path, key: &DocPath, value: &str, replace: bool) -> Result<bool, EditError> {
    let path = file.to_owned();
    let read = |source| EditError::Read { path: path.clone(), source };
    let target = file.canonicalize().map_err(read)?;
    let text = fs::read_to_string(&target).map_err(read)?;
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let unusable = |problems| EditError::Unusable { path: path.clone(), problems };
    let document = Document::parse(&name, &text).map_err(unusable)?;
    let duplicates = document.duplicate_keys();
    if !duplicates.is_empty() {
        return Err(unusable(Problems(duplicates)));
    }
    if !replace && document.get(key).is_some_and(|node| !is_unset(node, key) && node.as_text() != Some(value)) {
        return Err(EditError::Exists { path, key: key.clone() });
    }
    let edited = document.set(key, value).map_err(unusable)?;
    if edited == text {
        return Ok(false);
    }
    replace_file(&target, edited.as_bytes()).map(|()| true).map_err(|source| EditError::Write { path: target, source })
}

/// A blank id is none (cli.md 6.2).
fn is_unset(node: &Node, key: &DocPath) -> bool {
    match &node.kind {
        NodeKind::Null => true,
        NodeKind::Scalar(scalar) => scalar.text.trim().is_empty() && *key == DocPath::root().key("distributionId"),
        _ => false,
    }
}

/// Writes a file in one step and keeps its permissions. Something else in its place, such as a link, is replaced.
pub(super) fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".attini-");
    let permissions = match fs::metadata(path) {
        Ok(metadata) => metadata.permissions(),
        // As any new file; the process's mask applies.
        Err(_) => std::os::unix::fs::PermissionsExt::from_mode(0o666),
    };
    let exists = path.exists();
    let mut file: NamedTempFile = builder.permissions(permissions.clone()).tempfile_in(folder)?;
    file.write_all(content)?;
    if exists {
        // The mask does not apply to what was there.
        file.as_file().set_permissions(permissions)?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn key(text: &str) -> DocPath {
        text.split('/').fold(DocPath::root(), |path, part| path.key(part))
    }

    struct TestFile {
        folder: tempfile::TempDir,
        path: PathBuf,
    }

    impl TestFile {
        fn of(name: &str, text: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            Self { folder, path }
        }

        fn set(&self, at: &str, value: &str, replace: bool) -> Result<String, EditError> {
            set_value(&self.path, &key(at), value, replace)?;
            Ok(fs::read_to_string(&self.path).unwrap())
        }
    }

    #[test]
    fn cli_case_48_a_tag_is_set_once_unless_it_is_to_be_replaced() {
        let file = TestFile::of("f.yaml", "# top\ntags: # all\n  b: 1\n");
        assert_eq!(file.set("tags/a", "x", false).unwrap(), "# top\ntags: # all\n  b: 1\n  a: \"x\"\n");
        // An equal value needs no leave.
        file.set("tags/a", "x", false).unwrap();
        assert!(matches!(file.set("tags/a", "y", false), Err(EditError::Exists { .. })));
        assert_eq!(file.set("tags/a", "y", true).unwrap(), "# top\ntags: # all\n  b: 1\n  a: \"y\"\n");
        assert_eq!(fs::read_dir(file.folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_error_shows_no_values() {
        let file = TestFile::of("f.yaml", "parameters: {Password: secret}\n");
        let error = file.set("parameters/Password", "other", false).unwrap_err().to_string();
        assert_eq!(error, format!("`parameters.Password` already exists in {}", file.path.display()));
    }

    #[test]
    fn null_and_blank_ids_are_not_set() {
        for text in ["distributionId:\n", "distributionId: ~\n", "distributionId: ' '\n"] {
            let file = TestFile::of("attini-config.yaml", text);
            assert_eq!(file.set("distributionId", "7", false).unwrap(), "distributionId: \"7\"\n");
        }
        let file = TestFile::of("f.yaml", "tags: {a: ''}\n");
        assert!(matches!(file.set("tags/a", "x", false), Err(EditError::Exists { .. })));
    }

    #[test]
    fn maps_that_are_missing_are_made_even_in_an_empty_file() {
        assert_eq!(TestFile::of("f.yaml", "").set("tags/a", "x", false).unwrap(), "tags:\n  a: \"x\"\n");
        let json = TestFile::of("f.json", "{}\n");
        assert_eq!(json.set("tags/a", "x", false).unwrap(), "{\n  \"tags\": {\n    \"a\": \"x\"\n  }\n}\n");
    }

    #[test]
    fn what_cannot_be_edited_stays() {
        for (text, at) in [("a: [1\n", "b"), ("a: x\n", "a/b"), ("a: {b: 1}\n", "a"), ("a: 1\na: 2\n", "b")] {
            let file = TestFile::of("f.yaml", text);
            assert!(matches!(file.set(at, "x", true), Err(EditError::Unusable { .. })), "{text}");
            assert_eq!(fs::read_to_string(&file.path).unwrap(), text);
        }
        let missing = set_value(Path::new("/nonexistent/f.yaml"), &key("a"), "x", false);
        assert!(matches!(missing, Err(EditError::Read { .. })));
    }

    #[test]
    fn links_and_permissions_are_kept() {
        let file = TestFile::of("f.yaml", "a: 1\n");
        fs::set_permissions(&file.path, fs::Permissions::from_mode(0o755)).unwrap();
        let link = file.folder.path().join("link.yaml");
        symlink("f.yaml", &link).unwrap();
        set_value(&link, &key("b"), "x", false).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file.path).unwrap(), "a: 1\nb: \"x\"\n");
        assert_eq!(fs::metadata(&file.path).unwrap().permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn the_configuration_of_a_project_is_found_or_missed() {
        let file = TestFile::of("attini-config.yml", "");
        assert_eq!(find_config(file.folder.path()).unwrap(), file.path);
        fs::write(file.folder.path().join("attini-config.json"), "{}").unwrap();
        assert!(matches!(find_config(file.folder.path()), Err(EditError::ConfigFile(ConfigFileError::Several { .. }))));
    }
}
