use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use attini_core::distribution::{EntryKind, FileTree, Listing, TreeEntry, TreeError};
use attini_core::problem::{Problem, Problems};
use walkdir::WalkDir;

use super::is_excluded;

/// A folder as a tree of files.
///
/// Symbolic links count as what they point to. What cannot be followed is named, never silently missing
/// (user-guide acceptance case 11).
#[derive(Debug)]
pub struct FolderTree {
    /// Without links in it.
    root: PathBuf,
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Source,
    Copy,
}

impl FolderTree {
    /// Takes the folder that a person works in.
    ///
    /// `node_modules`, `.DS_Store`, `.vscode` and the folder of the finished zip are left out. Links that leave the folder,
    /// lead nowhere or go in circles are left out with a warning: what they point to is this machine's affair.
    ///
    /// # Errors
    ///
    /// The folder does not exist or cannot be read.
    pub fn source(root: &Path) -> Result<Self, TreeError> {
        Self::open(root, Role::Source)
    }

    /// Takes a work copy after the package commands have run.
    ///
    /// Nothing is left out. Links were made by the commands: they are followed wherever they lead, and one that leads
    /// nowhere or goes in circles is an error (cli.md 7.5).
    ///
    /// # Errors
    ///
    /// The folder does not exist or cannot be read.
    pub fn copy(root: &Path) -> Result<Self, TreeError> {
        Self::open(root, Role::Copy)
    }

    fn open(root: &Path, role: Role) -> Result<Self, TreeError> {
        let root_of = |root: &Path| {
            let canonical = root.canonicalize()?;
            if canonical.is_dir() { Ok(canonical) } else { Err(io::ErrorKind::NotADirectory.into()) }
        };
        let root =
            root_of(root).map_err(|source| TreeError::Unreadable { path: root.display().to_string(), source })?;
        Ok(Self { root, role })
    }

    fn relative(&self, path: &Path) -> Result<String, Problem> {
        let relative = path.strip_prefix(&self.root).unwrap_or(path);
        let parts: Option<Vec<_>> = relative.iter().map(|part| part.to_str()).collect();
        parts.map(|parts| parts.join("/")).ok_or_else(|| {
            Problem::error(format!("the name of {} is not valid UTF-8", relative.display())).with_help("rename it")
        })
    }

    fn look_at(&self, step: walkdir::Result<walkdir::DirEntry>) -> Result<(PathBuf, Found), TreeError> {
        match step {
            Ok(entry) if entry.path_is_symlink() && self.leaves(entry.path()) => {
                let to_directory = entry.file_type().is_dir();
                Ok((entry.into_path(), Found::Leaving { to_directory }))
            }
            Ok(entry) => {
                let metadata = entry.metadata().map_err(|error| unreadable(entry.path(), error))?;
                Ok((entry.into_path(), kind_of(&metadata).map_or(Found::Other, Found::Entry)))
            }
            Err(error) => {
                let path = error.path().unwrap_or(&self.root).to_owned();
                if error.loop_ancestor().is_some() {
                    Ok((path, Found::Circle))
                } else if path.is_symlink() {
                    Ok((path, Found::Nowhere))
                } else {
                    Err(unreadable(&path, error))
                }
            }
        }
    }

    fn leaves(&self, link: &Path) -> bool {
        self.role == Role::Source && link.canonicalize().is_ok_and(|target| !target.starts_with(&self.root))
    }

    fn problem(&self, path: &str, found: &Found) -> Option<Problem> {
        let what = match found {
            Found::Entry(_) => return None,
            Found::Other => {
                return Some(Problem::warning(format!("{path} is neither a file nor a directory and is left out")));
            }
            Found::Leaving { .. } => "leaves the project",
            Found::Nowhere => "leads nowhere",
            Found::Circle => "leads in a circle",
        };
        let target = fs::read_link(self.root.join(path)).map(|target| format!(" to {}", target.display()));
        let text = format!("the symbolic link {path}{} {what}", target.unwrap_or_default());
        Some(match self.role {
            Role::Source => {
                Problem::warning(format!("{text} and is left out")).with_help("put the file itself in its place")
            }
            Role::Copy => Problem::error(text).with_help("remove it, or list it in .attini-ignore"),
        })
    }
}

/// What the walk came upon.
enum Found {
    Entry(EntryKind),
    /// A link out of the project.
    Leaving {
        to_directory: bool,
    },
    /// A link to nothing.
    Nowhere,
    /// A link to a directory that it stands in.
    Circle,
    /// Neither file nor directory: a socket, a device.
    Other,
}

impl Found {
    /// Says whether the walk would look into it next.
    fn is_opened(&self) -> bool {
        matches!(self, Self::Entry(EntryKind::Directory) | Self::Leaving { to_directory: true })
    }

    fn kind(&self) -> EntryKind {
        match self {
            Self::Entry(kind) => *kind,
            Self::Leaving { to_directory: true } | Self::Circle => EntryKind::Directory,
            Self::Leaving { .. } | Self::Nowhere | Self::Other => EntryKind::File { executable: false, size: 0 },
        }
    }
}

impl FileTree for FolderTree {
    fn list(&self, keep: &mut dyn FnMut(&TreeEntry) -> bool) -> Result<Listing, TreeError> {
        let mut entries = Vec::new();
        let mut problems = Vec::new();
        let mut walk = WalkDir::new(&self.root).min_depth(1).follow_links(true).sort_by_file_name().into_iter();
        while let Some(step) = walk.next() {
            let (path, found) = self.look_at(step)?;
            let entry = self.relative(&path).map(|path| TreeEntry { path, kind: found.kind() });
            let kept = match &entry {
                Ok(entry) => !(self.role == Role::Source && is_excluded(&entry.path)) && keep(entry),
                Err(problem) => {
                    problems.push(problem.clone());
                    false
                }
            };
            if found.is_opened() && !(kept && matches!(found, Found::Entry(_))) {
                walk.skip_current_dir();
            }
            if let (Ok(entry), true) = (entry, kept) {
                match self.problem(&entry.path, &found) {
                    None => entries.push(entry),
                    Some(problem) => problems.push(problem),
                }
            }
        }
        let (entries, warnings) = Problems::unless_errors(entries, problems).map_err(TreeError::Unusable)?;
        Ok(Listing { entries, warnings })
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(File::open(self.root.join(path))?))
    }
}

fn kind_of(metadata: &Metadata) -> Option<EntryKind> {
    if metadata.is_dir() {
        return Some(EntryKind::Directory);
    }
    let executable = metadata.permissions().mode() & 0o100 != 0;
    metadata.is_file().then_some(EntryKind::File { executable, size: metadata.len() })
}

fn unreadable(path: &Path, error: walkdir::Error) -> TreeError {
    let source = error.into_io_error().unwrap_or_else(|| io::Error::other("it stands in a circle of links"));
    TreeError::Unreadable { path: path.display().to_string(), source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder(paths: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for path in paths {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    fn list(tree: &FolderTree) -> (Vec<String>, Vec<String>) {
        let listing = tree.list(&mut |_| true).unwrap();
        let warnings = listing.warnings.iter().map(ToString::to_string).collect();
        (listing.entries.into_iter().map(|entry| entry.path).collect(), warnings)
    }

    #[test]
    fn names_that_never_go_in_are_left_out_of_the_source_only() {
        let paths =
            ["a", "attini_dist/a.zip", "d/.DS_Store", "d/attini_dist/x", "node_modules/m/x", "d/.vscode/x", ".git/x"];
        let folder = folder(&paths);
        let (entries, _) = list(&FolderTree::source(folder.path()).unwrap());
        assert_eq!(entries, [".git", ".git/x", "a", "d", "d/attini_dist", "d/attini_dist/x"]);
        let (entries, _) = list(&FolderTree::copy(folder.path()).unwrap());
        assert!(entries.contains(&"node_modules/m/x".to_owned()) && entries.contains(&"attini_dist/a.zip".to_owned()));
    }

    #[test]
    fn a_project_below_an_excluded_name_is_like_any_other() {
        let folder = folder(&["node_modules/.vscode/p/a"]);
        let (entries, _) = list(&FolderTree::source(&folder.path().join("node_modules/.vscode/p")).unwrap());
        assert_eq!(entries, ["a"]);
    }

    #[test]
    fn declined_directories_are_not_looked_into() {
        let folder = folder(&["a/x", "b/y", "c"]);
        let mut asked = Vec::new();
        let tree = FolderTree::source(folder.path()).unwrap();
        let listing = tree.list(&mut |entry| {
            asked.push(entry.path.clone());
            entry.path != "a"
        });
        assert_eq!(asked, ["a", "b", "b/y", "c"]);
        assert_eq!(listing.unwrap().entries.len(), 3);
    }

    #[test]
    fn execute_bits_and_sizes_are_seen() {
        let folder = folder(&["run.sh"]);
        fs::set_permissions(folder.path().join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        let listing = FolderTree::source(folder.path()).unwrap().list(&mut |_| true).unwrap();
        assert_eq!(listing.entries[0].kind, EntryKind::File { executable: true, size: 1 });
    }

    fn with_links() -> (tempfile::TempDir, tempfile::TempDir) {
        let outside = folder(&["o/secret"]);
        let inside = folder(&["a/x", "f"]);
        let link = |target: &Path, name: &str| symlink(target, inside.path().join(name)).unwrap();
        link(Path::new("f"), "file-link");
        link(Path::new("a"), "folder-link");
        link(&inside.path().join("a"), "absolute-link");
        link(&outside.path().join("o"), "out-folder");
        link(&outside.path().join("o/secret"), "out-file");
        link(Path::new("none"), "nowhere");
        link(Path::new("self"), "self");
        link(Path::new(".."), "a/circle");
        (inside, outside)
    }

    #[test]
    fn guide_case_11_links_in_the_source_are_contents_or_named() {
        let (inside, outside) = with_links();
        let (entries, warnings) = list(&FolderTree::source(inside.path()).unwrap());
        assert_eq!(
            entries,
            ["a", "a/x", "absolute-link", "absolute-link/x", "f", "file-link", "folder-link", "folder-link/x"]
        );
        let text = warnings.join("\n").replace(&outside.path().display().to_string(), "OUTSIDE");
        insta::assert_snapshot!(text, @"
        the symbolic link a/circle to .. leads in a circle and is left out (put the file itself in its place)
        the symbolic link absolute-link/circle to .. leads in a circle and is left out (put the file itself in its place)
        the symbolic link folder-link/circle to .. leads in a circle and is left out (put the file itself in its place)
        the symbolic link nowhere to none leads nowhere and is left out (put the file itself in its place)
        the symbolic link out-file to OUTSIDE/o/secret leaves the project and is left out (put the file itself in its place)
        the symbolic link out-folder to OUTSIDE/o leaves the project and is left out (put the file itself in its place)
        the symbolic link self to self leads nowhere and is left out (put the file itself in its place)
        ");
    }

    #[test]
    fn links_in_the_copy_are_followed_or_errors() {
        let (inside, _outside) = with_links();
        let tree = FolderTree::copy(inside.path()).unwrap();
        let error = tree.list(&mut |_| true).unwrap_err().to_string();
        insta::assert_snapshot!(error, @"
        the symbolic link a/circle to .. leads in a circle (remove it, or list it in .attini-ignore)
        the symbolic link absolute-link/circle to .. leads in a circle (remove it, or list it in .attini-ignore)
        the symbolic link folder-link/circle to .. leads in a circle (remove it, or list it in .attini-ignore)
        the symbolic link nowhere to none leads nowhere (remove it, or list it in .attini-ignore)
        the symbolic link self to self leads nowhere (remove it, or list it in .attini-ignore)
        ");
        // Ignored ones do no harm.
        let listing = tree.list(&mut |entry| !["nowhere", "self"].contains(&entry.name()) && entry.name() != "circle");
        let entries = listing.unwrap().entries;
        assert!(entries.iter().any(|entry| entry.path == "out-folder/secret"));
    }

    #[test]
    fn names_that_are_no_text_are_all_named() {
        let folder = folder(&["ok"]);
        for name in [b"a\xff", b"b\xfe"] {
            fs::write(folder.path().join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
        }
        let error = FolderTree::source(folder.path()).unwrap().list(&mut |_| true).unwrap_err().to_string();
        assert_eq!(error.lines().count(), 2, "{error}");
    }

    #[test]
    fn what_is_neither_file_nor_directory_is_named() {
        let folder = folder(&["ok"]);
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        let (entries, warnings) = list(&FolderTree::source(folder.path()).unwrap());
        assert_eq!((entries.len(), warnings.len()), (1, 1));
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let error = FolderTree::source(Path::new("/nonexistent/project")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read /nonexistent/project");
    }
}
