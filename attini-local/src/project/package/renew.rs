//! The manifest of a zip that postPackage commands have changed.

use std::fs::File;
use std::path::Path;

use attini_core::distribution::{
    Archive, ArchiveError, Content, EntryTime, Limits, ManifestState, RenewError, renew_manifest,
};
use attini_core::problem::Problem;
use tempfile::NamedTempFile;

use super::PackageError;
use super::report::Teller;

/// Writes a new manifest into the zip of a work copy unless the one in it still holds.
///
/// A zip that cannot be read is left as it is with a warning: it is what the commands made, and deploying it says why not.
pub(super) fn renew(zip: &Path, time: EntryTime, teller: &mut Teller<'_>) -> Result<(), PackageError> {
    // A zip that is gone is reported where it is taken.
    let Ok(file) = File::open(zip) else { return Ok(()) };
    let state = Archive::open(&file, &Limits::default()).and_then(|mut archive| Content::read(&mut archive));
    match state.map(|content| content.manifest) {
        Ok(ManifestState::Matches) => return Ok(()),
        Ok(_) => {}
        Err(error) => {
            teller.warnings(vec![unreadable(&error)]);
            return Ok(());
        }
    }
    let failed = |source| PackageError::Write { path: zip.to_owned(), source };
    let staged = NamedTempFile::new_in(zip.parent().unwrap_or(zip)).map_err(failed)?;
    match renew_manifest(&file, staged.as_file(), time) {
        Ok(_) => {}
        Err(RenewError::Write(error)) => return Err(error.into()),
        Err(RenewError::Archive(error)) => {
            teller.warnings(vec![unreadable(&error)]);
            return Ok(());
        }
    }
    staged.persist(zip).map_err(|error| failed(error.error))?;
    teller.message("The zip was changed by postPackage commands, its manifest is written anew".to_owned());
    Ok(())
}

fn unreadable(error: &ArchiveError) -> Problem {
    Problem::warning(format!("what postPackage commands left cannot be deployed: {error}"))
}
