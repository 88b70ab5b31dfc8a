use std::path::PathBuf;

use attini_core::distribution::ManifestState;
use attini_local::project::{SignatureState, verify_zip};
use serde_json::json;

use super::zip::check_path;
use crate::context::Context;
use crate::error::CommandError;

/// Check a zip against its manifest and its signature
///
/// Every file must be as the manifest lists it, and nothing else may be there. A zip without manifest or without signature, as
/// earlier versions make them, is fine and said to be so; with `--key` it must be signed by that key.
///
/// Exit code 0 when all of that holds, 1 when it does not, 151 when zip or key cannot be used.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The zip; its signature is `ZIP.sig`
    #[arg(value_name = "ZIP")]
    pub path: PathBuf,
    /// Public key in PEM, as `openssl pkey -in private.pem -pubout` writes it
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub key: Option<PathBuf>,
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &VerifyArgs) -> Result<(), CommandError> {
    check_path(&args.path)?;
    let found = verify_zip(&args.path, args.key.as_deref())?;
    let mut data = json!({
        "digest": found.digest, "manifest": found.manifest.text(), "signature": found.signature.text(),
    });
    let mut wrong = Vec::new();
    match &found.manifest {
        ManifestState::Absent | ManifestState::Matches => {}
        ManifestState::Differs(differences) => {
            data["differences"] = differences.iter().map(ToString::to_string).collect();
            wrong.push("its files are not those of its manifest".to_owned());
        }
        ManifestState::Unusable(_) => wrong.push("its manifest cannot be read".to_owned()),
    }
    match &found.signature {
        SignatureState::Unsigned if args.key.is_some() => wrong.push("it is unsigned".to_owned()),
        SignatureState::Unsigned | SignatureState::Unchecked { .. } | SignatureState::Valid { .. } => {}
        SignatureState::Invalid(mismatch) => wrong.push(mismatch.to_string()),
        SignatureState::Unusable(_) => wrong.push("its signature cannot be read".to_owned()),
    }
    ctx.ui.data(&data)?;
    if wrong.is_empty() {
        return Ok(());
    }
    let text = format!("{} cannot be trusted: {}", args.path.display(), wrong.join("; "));
    Err(CommandError::execution(text))
}
