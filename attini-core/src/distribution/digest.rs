use sha2::{Digest, Sha256};

use super::manifest::MANIFEST_FILE;

/// One file of a distribution, as manifests and digests see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Path in the distribution, its parts joined by `/`.
    pub path: String,
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
    /// May be run.
    pub executable: bool,
    /// Bytes.
    pub size: u64,
}

impl FileRecord {
    /// Returns the mode in manifests and digests: `0755` or `0644`.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        if self.executable { "0755" } else { "0644" }
    }
}

/// Returns the digest of a distribution's content: 64 lower-case hexadecimal digits.
///
/// It is the SHA-256 of one line `<sha256> <mode> <size> <path>` with a closing line feed per file, in byte order of the paths; the mode is `0755` for
/// an executable file and else `0644`. The manifest, directories, times and the way the files are packed do not count, so the digest tells whether two
/// distributions deploy the same thing.
#[must_use]
pub fn content_digest<'a>(files: impl IntoIterator<Item = &'a FileRecord>) -> String {
    let mut files: Vec<_> = files.into_iter().filter(|file| file.path != MANIFEST_FILE).collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update(format!("{} {} {} {}\n", hex::encode(file.sha256), file.mode(), file.size, file.path));
    }
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(path: &str, content: &str, executable: bool) -> FileRecord {
        let sha256 = Sha256::digest(content).into();
        FileRecord { path: path.to_owned(), sha256, executable, size: content.len() as u64 }
    }

    #[test]
    fn digest_of_known_lines() {
        let files = [record("b/run.sh", "hi", true), record("a", "", false)];
        let lines = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0644 0 a\n\
                     8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4 0755 2 b/run.sh\n";
        assert_eq!(content_digest(&files), hex::encode(Sha256::digest(lines)));
        assert_eq!(content_digest(files.iter().rev()), content_digest(&files));
    }

    #[test]
    fn the_manifest_does_not_count() {
        let files = [record("a", "x", true), record(MANIFEST_FILE, "y", false)];
        assert_eq!(content_digest(&files), content_digest(&files[..1]));
        let below = [record("a", "x", true), record("d/attini-manifest.json", "y", false)];
        assert_ne!(content_digest(&below), content_digest(&below[..1]));
    }

    #[test]
    fn the_execute_bit_counts() {
        assert_ne!(content_digest(&[record("a", "x", true)]), content_digest(&[record("a", "x", false)]));
    }
}
