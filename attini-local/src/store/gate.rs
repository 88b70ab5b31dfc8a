use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;

use super::home::open_lock_file;
use super::{Home, HomeError};

/// Keeps a home from being emptied while something is added to it, and the other way round. It ends when it is dropped or
/// its process dies.
#[derive(Debug)]
pub struct HomeGate {
    _file: File,
}

impl HomeGate {
    /// Waits until nobody empties the home. Any number may add something at the same time; it should not take long.
    ///
    /// # Errors
    ///
    /// [`HomeError::Removed`] when the home was removed, else when the lock file cannot be used.
    pub fn to_add(home: &Home) -> Result<Self, HomeError> {
        Self::pass(home, File::lock_shared)
    }

    /// Waits until nobody adds anything to the home.
    ///
    /// # Errors
    ///
    /// [`HomeError::Removed`] when the home was removed, else when the lock file cannot be used.
    pub fn to_empty(home: &Home) -> Result<Self, HomeError> {
        Self::pass(home, File::lock)
    }

    fn pass(home: &Home, lock: impl FnOnce(&File) -> std::io::Result<()>) -> Result<Self, HomeError> {
        let path = home.path().join("locks").join("home.gate");
        let removed = || HomeError::Removed { path: home.path().to_owned() };
        if !path.parent().is_some_and(std::path::Path::is_dir) {
            return Err(removed());
        }
        let file = open_lock_file(&path)?;
        lock(&file).map_err(|error| HomeError::file("lock", &path, error))?;
        // Whoever was here before may have removed the file with everything else.
        let own = file.metadata().map_err(|error| HomeError::file("look at", &path, error))?.ino();
        match fs::metadata(&path) {
            Ok(found) if found.ino() == own => Ok(Self { _file: file }),
            _ => Err(removed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_adds_to_a_home_that_was_removed_learns_that() {
        let dir = tempfile::tempdir().expect("creates");
        let home = Home::open(&dir.path().join("home")).expect("opens");
        let (one, two) = (HomeGate::to_add(&home).expect("passes"), HomeGate::to_add(&home).expect("passes"));
        drop((one, two));
        let emptying = HomeGate::to_empty(&home).expect("passes");
        let adding = {
            let home = home.clone();
            std::thread::spawn(move || HomeGate::to_add(&home))
        };
        home.remove().expect("removes");
        drop(emptying);
        assert!(matches!(adding.join().expect("ends"), Err(HomeError::Removed { .. })));
        assert!(matches!(HomeGate::to_empty(&home), Err(HomeError::Removed { .. })));
    }
}
