//! The shell that runs what projects write, and words that it reads back as they were.

use std::env;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Returns bash, or `sh` where there is no bash.
pub(super) fn find_shell(path: &OsStr) -> PathBuf {
    find_program("bash", path).unwrap_or_else(|| PathBuf::from("/bin/sh"))
}

/// Returns the file that a name on the search path stands for. A name with a `/` is the file itself.
pub(super) fn find_program(name: &str, path: &OsStr) -> Option<PathBuf> {
    if name.contains('/') {
        return is_program(Path::new(name)).then(|| PathBuf::from(name));
    }
    env::split_paths(path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Returns a text as one word of a shell.
pub(super) fn quoted(text: &OsStr) -> Vec<u8> {
    let mut word = vec![b'\''];
    for byte in text.as_bytes() {
        match byte {
            b'\'' => word.extend(br"'\''"),
            byte => word.push(*byte),
        }
    }
    word.push(b'\'');
    word
}

/// Returns a text as one word of a shell, without quotes where it needs none.
pub(super) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_as_they_were() {
        assert_eq!(word("a/b-c:1"), "a/b-c:1");
        assert_eq!(word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(word(""), "''");
        assert_eq!(quoted(OsStr::new("it's")), br"'it'\''s'");
    }

    #[test]
    fn a_name_with_a_slash_is_a_file() {
        let path = OsStr::new("/nowhere:/usr/bin:/bin");
        assert!(find_program("sh", path).is_some_and(|file| file.ends_with("sh")));
        assert_eq!(find_program("/bin/sh", OsStr::new("")), Some(PathBuf::from("/bin/sh")));
        assert_eq!(find_program("/etc/passwd", path), None);
        assert_eq!(find_program("no-such-program-here", path), None);
    }
}
