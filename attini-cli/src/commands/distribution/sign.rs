use std::path::PathBuf;

use attini_local::project::sign_zip;
use serde_json::json;

use super::zip::check_path;
use crate::context::Context;
use crate::error::CommandError;

/// Sign the content of a zip
///
/// The signature is written beside the zip, to `ZIP.sig`. It is made with Ed25519 over the content digest, so it also holds for a
/// zip that was packed anew with the same files. A key is made with OpenSSL:
///
/// openssl genpkey -algorithm ed25519 -out private.pem
///
/// openssl pkey -in private.pem -pubout -out public.pem
///
/// Exit code 1 when the zip is not what its manifest says, 151 when zip or key cannot be used.
#[derive(Debug, clap::Args)]
pub(crate) struct SignArgs {
    /// The zip
    #[arg(value_name = "ZIP")]
    pub path: PathBuf,
    /// Private key, PKCS#8 in PEM without password
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub key: PathBuf,
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &SignArgs) -> Result<(), CommandError> {
    check_path(&args.path)?;
    let (file, key) = sign_zip(&args.path, &args.key)?;
    ctx.ui.data(&json!({ "signature": file.display().to_string(), "signedBy": key }))
}
