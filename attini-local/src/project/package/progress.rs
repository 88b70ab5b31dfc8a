//! How much of the files is in the zip, told while it is written.

use std::io::{self, Read};
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use attini_core::distribution::{FileTree, Listing, TreeEntry, TreeError};

/// Between two words; what takes less is not worth one.
const INTERVAL: Duration = Duration::from_millis(100);

/// A tree that counts the bytes that are read from it.
pub(super) struct Counted<'t> {
    tree: &'t dyn FileTree,
    bytes: AtomicU64,
}

impl<'t> Counted<'t> {
    pub(super) fn new(tree: &'t dyn FileTree) -> Self {
        Self { tree, bytes: AtomicU64::new(0) }
    }

    /// Does something with the tree, and tells the bytes so far while it is done.
    pub(super) fn watch<T: Send>(&self, tell: &mut dyn FnMut(u64), work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let (working, end) = mpsc::channel::<()>();
            let worker = scope.spawn(move || {
                // Dropped at the end, however it comes.
                let _working = working;
                work()
            });
            while end.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                tell(self.bytes.load(Ordering::Relaxed));
            }
            worker.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))
        })
    }
}

impl FileTree for Counted<'_> {
    fn list(&self, keep: &mut dyn FnMut(&TreeEntry) -> bool) -> Result<Listing, TreeError> {
        self.tree.list(keep)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(Counting { file: self.tree.open(path)?, bytes: &self.bytes }))
    }
}

struct Counting<'t> {
    file: Box<dyn Read + Send + 't>,
    bytes: &'t AtomicU64,
}

impl Read for Counting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;
    use crate::project::FolderTree;

    #[test]
    fn what_is_read_is_told_until_the_work_is_done() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "12345").unwrap();
        let tree = FolderTree::source(folder.path()).unwrap();
        let counted = Counted::new(&tree);
        // Goes on when it was told of.
        let (go_on, told) = mpsc::channel();
        let mut numbers = Vec::new();
        let tell = &mut |bytes| {
            numbers.push(bytes);
            if bytes == 5 {
                // Told again if the work has not ended by then.
                let _ = go_on.send(());
            }
        };
        let reading = &counted;
        let text = counted.watch(tell, move || {
            let mut text = String::new();
            reading.open("a").unwrap().read_to_string(&mut text).unwrap();
            told.recv().unwrap();
            text
        });
        assert_eq!(text, "12345");
        assert_eq!(numbers.last(), Some(&5));
    }
}
