use std::fs;
use std::io::{self, Write};
use std::path::Path;

use attini_core::framework::Failure;
use attini_core::value::Region;
use tempfile::NamedTempFile;

use super::deploy::WorldError;
use crate::store::HomeError;

/// Region when nobody names one.
const DEFAULT_REGION: &str = "eu-west-1";

/// Returns the wanted region, else the recorded one, else the default; and records it the first time. Of several processes
/// that open a fresh home at once, one records.
pub(super) fn region_of(home: &Path, wanted: Option<Region>) -> Result<Region, WorldError> {
    let path = home.join("region");
    let failed = |operation: &'static str| {
        let path = path.clone();
        move |error| WorldError::Home(HomeError::file(operation, &path, error))
    };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let default = || Region::parse(DEFAULT_REGION).expect("the default is a region");
            let first = wanted.clone().unwrap_or_else(default);
            // Written whole before it gets its name, so nobody reads half of it.
            let mut file = NamedTempFile::new_in(home).map_err(failed("create"))?;
            writeln!(file, "{first}").map_err(failed("write"))?;
            match file.persist_noclobber(&path) {
                Ok(_) => return Ok(first),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                    fs::read_to_string(&path).map_err(failed("read"))?
                }
                Err(error) => return Err(failed("write")(error.error)),
            }
        }
        Err(error) => return Err(failed("read")(error)),
    };
    // Another region would hide everything that was deployed, so it is not guessed.
    wanted.map_or_else(|| Region::parse(text.trim()), Ok).map_err(|error| {
        Failure::new("InternalError", format!("{}: {error}; write the region of this home there", path.display()))
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> Region {
        Region::parse(name).expect("valid")
    }

    #[test]
    fn the_first_region_that_is_named_stays() {
        let dir = tempfile::tempdir().expect("creates");
        let open = |wanted: Option<&str>| region_of(dir.path(), wanted.map(region)).expect("works");
        assert_eq!(open(Some("eu-north-1")), region("eu-north-1"));
        assert_eq!(open(None), region("eu-north-1"));
        assert_eq!(open(Some("us-east-1")), region("us-east-1"), "for this handle");
        assert_eq!(open(None), region("eu-north-1"));
    }

    #[test]
    fn a_home_that_many_open_at_once_gets_one_region() {
        let dir = tempfile::tempdir().expect("creates");
        let path = dir.path();
        std::thread::scope(|scope| {
            for number in 1..=8 {
                scope.spawn(move || region_of(path, Some(region(&format!("eu-west-{number}")))).expect("works"));
            }
        });
        let recorded = fs::read_to_string(path.join("region")).expect("is there");
        assert_eq!(region_of(path, None).expect("works"), region(recorded.trim()));
        assert_eq!(fs::read_dir(path).expect("lists").count(), 1, "nothing else is left");
    }

    #[test]
    fn a_damaged_record_is_refused_and_kept() {
        let dir = tempfile::tempdir().expect("creates");
        let path = dir.path().join("region");
        fs::write(&path, "somewhere").expect("writes");
        let error = region_of(dir.path(), None).expect_err("is no region").to_string();
        assert!(error.contains(path.to_str().expect("is text")) && error.contains("somewhere"), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("reads"), "somewhere");
    }
}
