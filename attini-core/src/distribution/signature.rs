//! Signatures over the content of a distribution, kept beside its zip.

use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey};
use ed25519_dalek::{Signature as RawSignature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What follows the file name of a zip in the name of its signature.
pub const SIGNATURE_SUFFIX: &str = ".sig";

/// The format that is written, and the only one that is read.
const FORMAT: u64 = 1;
const ALGORITHM: &str = "Ed25519";
/// Signed in front of the digest, so that no signature made for something else fits a distribution.
const PURPOSE: &str = "attini-distribution:";
/// Bytes of a signature file that are read, at most.
const MAX_BYTES: usize = 64 << 10;

/// A key that signs. It is shown nowhere, and wiped from memory when it is dropped.
pub struct PrivateKey(SigningKey);

/// A key that checks signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// A text is not the key that is needed. The text itself is never repeated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The public half stands where the private one is needed.
    #[error("the file holds a public key; a private key is needed to sign")]
    Public,
    /// The private half stands where the public one is needed.
    #[error("the file holds a private key; make the public one: openssl pkey -in PRIVATE.pem -pubout -out PUBLIC.pem")]
    Private,
    /// A private key behind a password.
    #[error("the private key is encrypted; decrypt it first: openssl pkey -in ENCRYPTED.pem -out PRIVATE.pem")]
    Encrypted,
    /// No PEM, or a key of another algorithm.
    #[error("the file is no Ed25519 key in PEM; make one: openssl genpkey -algorithm ed25519 -out PRIVATE.pem")]
    Unknown,
}

/// A signature, as it stands in its file.
///
/// Only [`Signature::verify`] says whether it holds; digest and key are there to explain why it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    digest: String,
    key: [u8; 32],
    signature: [u8; 64],
}

/// A signature file cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// It is no JSON of the known form.
    #[error("the signature cannot be read")]
    Malformed(#[source] serde_json::Error),
    /// A newer version of the program wrote it.
    #[error("the signature has the format {format}, this version reads {FORMAT}; use a newer version of attini")]
    Format {
        /// The format it names.
        format: u64,
    },
    /// A field holds what it cannot.
    #[error("the signature cannot be read: {reason}")]
    Value {
        /// What is wrong.
        reason: &'static str,
    },
}

/// Why a signature says nothing for a content.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Mismatch {
    /// It was made for another content.
    #[error("the content was changed after it was signed: signed was {signed}, the content is {found}")]
    Content {
        /// Digest that was signed.
        signed: String,
        /// Digest of the content.
        found: String,
    },
    /// Another key made it.
    #[error("it was signed by another key: by {signed_by}, expected was {expected}")]
    Key {
        /// The key that made it, as far as it says so itself.
        signed_by: String,
        /// The key it was checked with.
        expected: String,
    },
    /// It fits nothing: the file was damaged or made up.
    #[error("the signature is false")]
    False,
}

#[derive(Deserialize)]
struct FormatWire {
    format: u64,
}

/// The file; its field names do not change within a format.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignatureWire {
    format: u64,
    algorithm: String,
    digest: String,
    public_key: String,
    signature: String,
}

impl PrivateKey {
    /// Reads a key as `openssl genpkey -algorithm ed25519` writes it: PKCS#8 in PEM.
    ///
    /// # Errors
    ///
    /// [`KeyError`], with what the text is instead if that can be told.
    pub fn parse(pem: &str) -> Result<Self, KeyError> {
        let pem = pem.trim();
        SigningKey::from_pkcs8_pem(pem).map(Self).map_err(|_| match label(pem) {
            Some("PUBLIC KEY") => KeyError::Public,
            Some("ENCRYPTED PRIVATE KEY") => KeyError::Encrypted,
            _ => KeyError::Unknown,
        })
    }

    /// Signs a content by its digest.
    #[must_use]
    pub fn sign(&self, digest: &str) -> Signature {
        let signature = self.0.sign(&message(digest)).to_bytes();
        Signature { digest: digest.to_owned(), key: self.0.verifying_key().to_bytes(), signature }
    }

    /// Returns the key that checks what this one signs.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }
}

impl PublicKey {
    /// Reads a key as `openssl pkey -pubout` writes it: SPKI in PEM.
    ///
    /// # Errors
    ///
    /// [`KeyError`], with what the text is instead if that can be told.
    pub fn parse(pem: &str) -> Result<Self, KeyError> {
        let pem = pem.trim();
        VerifyingKey::from_public_key_pem(pem).map(Self).map_err(|_| match label(pem) {
            Some("PRIVATE KEY" | "ENCRYPTED PRIVATE KEY") => KeyError::Private,
            _ => KeyError::Unknown,
        })
    }

    /// Returns the key's 32 bytes in hexadecimal digits, by which people compare keys.
    #[must_use]
    pub fn name(&self) -> String {
        hex::encode(self.0.as_bytes())
    }
}

fn label(pem: &str) -> Option<&str> {
    pem.lines().next()?.strip_prefix("-----BEGIN ")?.strip_suffix("-----")
}

fn message(digest: &str) -> Vec<u8> {
    [PURPOSE, digest].concat().into_bytes()
}

impl Signature {
    /// Returns the file's text.
    #[must_use]
    pub fn render(&self) -> String {
        let wire = SignatureWire {
            format: FORMAT,
            algorithm: ALGORITHM.to_owned(),
            digest: self.digest.clone(),
            public_key: hex::encode(self.key),
            signature: hex::encode(self.signature),
        };
        let text = serde_json::to_string_pretty(&wire).expect("texts and numbers are JSON");
        text + "\n"
    }

    /// Reads a signature file.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] for the first thing that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let value = |reason| SignatureError::Value { reason };
        if bytes.len() > MAX_BYTES {
            return Err(value("it has more than 64 KiB"));
        }
        // The number alone decides what else there may be.
        let FormatWire { format } = serde_json::from_slice(bytes).map_err(SignatureError::Malformed)?;
        if format != FORMAT {
            return Err(SignatureError::Format { format });
        }
        let wire: SignatureWire = serde_json::from_slice(bytes).map_err(SignatureError::Malformed)?;
        if wire.algorithm != ALGORITHM {
            return Err(value("its algorithm is not Ed25519"));
        }
        let (mut digest, mut key, mut signature) = ([0; 32], [0; 32], [0; 64]);
        hex::decode_to_slice(&wire.digest, &mut digest)
            .map_err(|_| value("its digest is not 64 hexadecimal digits"))?;
        hex::decode_to_slice(&wire.public_key, &mut key).map_err(|_| value("its key is not 64 hexadecimal digits"))?;
        hex::decode_to_slice(&wire.signature, &mut signature)
            .map_err(|_| value("its signature is not 128 hexadecimal digits"))?;
        Ok(Self { digest: hex::encode(digest), key, signature })
    }

    /// Returns the digest that it says was signed.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the name of the key that it says it was made with, see [`PublicKey::name`].
    #[must_use]
    pub fn signed_by(&self) -> String {
        hex::encode(self.key)
    }

    /// Checks that this key signed this content.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn verify(&self, key: &PublicKey, digest: &str) -> Result<(), Mismatch> {
        let signature = RawSignature::from_bytes(&self.signature);
        if key.0.verify_strict(&message(digest), &signature).is_ok() {
            return Ok(());
        }
        if self.key != key.0.to_bytes() {
            return Err(Mismatch::Key { signed_by: self.signed_by(), expected: key.name() });
        }
        self.fits(digest)?;
        Err(Mismatch::False)
    }

    /// Checks without a key that the signature is for this content, which says nothing about who made it.
    ///
    /// # Errors
    ///
    /// [`Mismatch::Content`], or [`Mismatch::False`] when not even the key it names made it.
    pub fn check_content(&self, digest: &str) -> Result<(), Mismatch> {
        self.fits(digest)?;
        let key = VerifyingKey::from_bytes(&self.key).map_err(|_| Mismatch::False)?;
        self.verify(&PublicKey(key), digest)
    }

    fn fits(&self, digest: &str) -> Result<(), Mismatch> {
        match self.digest == digest {
            true => Ok(()),
            false => Err(Mismatch::Content { signed: self.digest.clone(), found: digest.to_owned() }),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;

    // Made for these tests: openssl genpkey -algorithm ed25519
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIBREf1cP/ZGFAT8AFJec8Cvzu3bW+FQosdJS94EEUWH5\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAyfQsH6xwNehjwJUsQBw3jmmUkLS/ZS9X8XD8ImVDhL0=\n-----END PUBLIC KEY-----\n";
    const OTHER: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGVVNXjMgNth9dZq0CcaPn5bPFrG8YKdQ7/2t8AZ03e4=\n-----END PUBLIC KEY-----\n";

    fn digest(byte: u8) -> String {
        hex::encode([byte; 32])
    }

    #[test]
    fn keys_of_openssl_sign_and_check() {
        let (private, public) = (PrivateKey::parse(PRIVATE).unwrap(), PublicKey::parse(PUBLIC).unwrap());
        assert_eq!(private.public(), public);
        let signature = Signature::parse(private.sign(&digest(1)).render().as_bytes()).unwrap();
        assert_eq!(signature, private.sign(&digest(1)));
        assert_eq!(signature.verify(&public, &digest(1)), Ok(()));
        assert_eq!(signature.check_content(&digest(1)), Ok(()));
    }

    #[test]
    fn each_mismatch_has_its_own_words() {
        let (private, public) = (PrivateKey::parse(PRIVATE).unwrap(), PublicKey::parse(PUBLIC).unwrap());
        let other = PublicKey::parse(OTHER).unwrap();
        let good = private.sign(&digest(1));
        let changed = Mismatch::Content { signed: digest(1), found: digest(2) };
        assert_eq!(good.verify(&public, &digest(2)), Err(changed.clone()));
        assert_eq!(good.check_content(&digest(2)), Err(changed));
        let expected = Mismatch::Key { signed_by: public.name(), expected: other.name() };
        assert_eq!(good.verify(&other, &digest(1)), Err(expected));
        // What the file says of itself convinces nobody.
        let claimed = Signature { digest: digest(2), ..good.clone() };
        assert_eq!(claimed.verify(&public, &digest(2)), Err(Mismatch::False));
        assert_eq!(claimed.check_content(&digest(2)), Err(Mismatch::False));
        let renamed = Signature { key: other.0.to_bytes(), ..good };
        assert_eq!(renamed.verify(&other, &digest(1)), Err(Mismatch::False));
        assert_eq!(renamed.verify(&public, &digest(1)), Ok(()));
    }

    #[test]
    fn keys_that_do_not_fit_say_what_they_are() {
        let encrypted = PRIVATE.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        for (text, expected) in
            [(PUBLIC, KeyError::Public), (encrypted.as_str(), KeyError::Encrypted), ("", KeyError::Unknown)]
        {
            assert_eq!(PrivateKey::parse(text).err(), Some(expected));
        }
        assert_eq!(PublicKey::parse(PRIVATE), Err(KeyError::Private));
        assert_eq!(PublicKey::parse("text"), Err(KeyError::Unknown));
    }

    #[test]
    fn signature_files_that_cannot_be_used() {
        let good = PrivateKey::parse(PRIVATE).unwrap().sign(&digest(1)).render();
        for (from, to, expected) in [
            ("\"format\": 1", "\"format\": 2", "format 2, this version reads 1"),
            ("Ed25519", "RSA", "its algorithm is not Ed25519"),
            ("\"signature\": \"", "\"signature\": \"0", "not 128 hexadecimal digits"),
            ("\"digest\"", "\"sum\"", "cannot be read"),
            ("{", "", "cannot be read"),
        ] {
            let text = Signature::parse(good.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        }
    }
}
