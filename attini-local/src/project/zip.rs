//! Finished zips on this machine: what is in them, and who answers for it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use attini_core::distribution::{
    Archive, Content, InspectError, Inspection, KeyError, Limits, ManifestState, Mismatch, PrivateKey, PublicKey,
    SIGNATURE_SUFFIX, Signature, SignatureError,
};
use thiserror::Error;

use super::edit::replace_file;

/// Bytes of a key or signature file that are read, at most.
const SMALL_FILE_BYTES: u64 = 64 << 10;

/// Something could not be done with a zip.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ZipError {
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The signature cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The zip is no distribution.
    #[error("cannot read {}", .path.display())]
    Inspect {
        /// The zip.
        path: PathBuf,
        /// Why.
        source: InspectError,
    },
    /// The key cannot be used.
    #[error("the key {} cannot be used", .path.display())]
    Key {
        /// The key file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// What is in the zip is not what its manifest says, so nobody should answer for it.
    #[error("{} is not signed: it is not what was packaged (manifest {})", .path.display(), .state)]
    NotAsPackaged {
        /// The zip.
        path: PathBuf,
        /// What is wrong with it.
        state: String,
    },
}

/// How a zip is signed.
#[derive(Debug)]
pub enum SignatureState {
    /// There is no signature beside it.
    Unsigned,
    /// It is signed for this very content, by the key of this name; nobody said which key to expect.
    Unchecked {
        /// Name of the key, see [`PublicKey::name`].
        key: String,
    },
    /// The expected key signed this very content.
    Valid {
        /// Name of the key.
        key: String,
    },
    /// The signature does not hold.
    Invalid(Mismatch),
    /// The signature file cannot be read.
    Unusable(SignatureError),
}

impl SignatureState {
    /// Returns one line about it: `unsigned`, by which key, or what is wrong.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Unsigned => "unsigned".to_owned(),
            Self::Unchecked { key } => format!("signed by {key}, not checked whose key that is"),
            Self::Valid { key } => format!("valid, signed by {key}"),
            Self::Invalid(mismatch) => format!("invalid: {mismatch}"),
            Self::Unusable(error) => format!("unusable: {}", attini_core::framework::explain(error)),
        }
    }
}

/// What the check of a zip found.
#[derive(Debug)]
pub struct Verification {
    /// Content digest.
    pub digest: String,
    /// Whether the content is that of the manifest.
    pub manifest: ManifestState,
    /// Whether the signature holds.
    pub signature: SignatureState,
}

/// Returns where the signature of a zip is.
#[must_use]
pub fn signature_path(zip: &Path) -> PathBuf {
    let mut path = zip.as_os_str().to_owned();
    path.push(SIGNATURE_SUFFIX);
    path.into()
}

/// Reads everything in a zip.
///
/// # Errors
///
/// [`ZipError::Read`] or [`ZipError::Inspect`].
pub fn inspect_zip(zip: &Path) -> Result<Inspection, ZipError> {
    Inspection::read(&mut open(zip)?).map_err(|source| inspect_error(zip, source))
}

/// Reads the files of a zip, whatever its configuration is like.
///
/// # Errors
///
/// [`ZipError::Read`] or [`ZipError::Inspect`].
pub fn zip_content(zip: &Path) -> Result<Content, ZipError> {
    Content::read(&mut open(zip)?).map_err(|source| inspect_error(zip, source.into()))
}

/// Signs the content of a zip and returns where the signature is, and the public key's name.
///
/// Equal content and key give an equal signature.
///
/// # Errors
///
/// [`ZipError`]; nothing is written then.
pub fn sign_zip(zip: &Path, key: &Path) -> Result<(PathBuf, String), ZipError> {
    let private =
        PrivateKey::parse(&key_text(key)?).map_err(|source| ZipError::Key { path: key.to_owned(), source })?;
    let content = zip_content(zip)?;
    if matches!(content.manifest, ManifestState::Differs(_) | ManifestState::Unusable(_)) {
        return Err(ZipError::NotAsPackaged { path: zip.to_owned(), state: content.manifest.text() });
    }
    let path = signature_path(zip);
    replace_file(&path, private.sign(&content.digest).render().as_bytes())
        .map_err(|source| ZipError::Write { path: path.clone(), source })?;
    Ok((path, private.public().name()))
}

/// Checks a zip against its manifest and its signature; with a key also who signed it.
///
/// # Errors
///
/// [`ZipError::Read`], [`ZipError::Key`] or [`ZipError::Inspect`]. What does not hold is no error here.
pub fn verify_zip(zip: &Path, key: Option<&Path>) -> Result<Verification, ZipError> {
    let key = match key {
        Some(path) => {
            let key = PublicKey::parse(&key_text(path)?);
            Some(key.map_err(|source| ZipError::Key { path: path.to_owned(), source })?)
        }
        None => None,
    };
    let content = zip_content(zip)?;
    let signature = signature_state(zip, key.as_ref(), &content.digest)?;
    Ok(Verification { digest: content.digest, manifest: content.manifest, signature })
}

/// Says how a zip with this content is signed.
///
/// # Errors
///
/// [`ZipError::Read`].
pub fn signature_state(zip: &Path, key: Option<&PublicKey>, digest: &str) -> Result<SignatureState, ZipError> {
    let path = signature_path(zip);
    let bytes = match small_file(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(SignatureState::Unsigned),
        Err(source) => return Err(ZipError::Read { path, source }),
    };
    let signature = match Signature::parse(&bytes) {
        Ok(signature) => signature,
        Err(error) => return Ok(SignatureState::Unusable(error)),
    };
    let checked = match key {
        Some(key) => signature.verify(key, digest).map(|()| SignatureState::Valid { key: key.name() }),
        None => signature.check_content(digest).map(|()| SignatureState::Unchecked { key: signature.signed_by() }),
    };
    Ok(checked.unwrap_or_else(SignatureState::Invalid))
}

fn open(zip: &Path) -> Result<Archive<File>, ZipError> {
    let file = File::open(zip).map_err(|source| ZipError::Read { path: zip.to_owned(), source })?;
    Archive::open(file, &Limits::default()).map_err(|source| inspect_error(zip, source.into()))
}

fn inspect_error(zip: &Path, source: InspectError) -> ZipError {
    ZipError::Inspect { path: zip.to_owned(), source }
}

fn key_text(path: &Path) -> Result<String, ZipError> {
    let bytes = small_file(path).map_err(|source| ZipError::Read { path: path.to_owned(), source })?;
    String::from_utf8(bytes).map_err(|_| ZipError::Key { path: path.to_owned(), source: KeyError::Unknown })
}

/// Reads a file of at most a little more than it may have; whoever parses it refuses the rest.
fn small_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(SMALL_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
