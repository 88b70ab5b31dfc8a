//! What the configuration of a project means in one environment, and why.

use std::path::Path;

use attini_core::config::{Explained, Pipeline};
use attini_core::deploy::{explain_parameters, framework_parameters};
use attini_core::document::Document;
use attini_core::framework::Settings;
use attini_core::value::{DistributionId, Environment};

use super::package::PackageError;
use super::package::source::Source;

/// Returns the values that a project has in an environment, with where each came from; those of the init stack's
/// parameters that the framework and the template set are among them when the template is there.
///
/// `id` is taken when the file has none.
///
/// # Errors
///
/// Problems of the configuration file, or of the template's syntax.
pub fn explain(root: &Path, environment: &Environment, id: &DistributionId) -> Result<Vec<Explained>, PackageError> {
    let (source, _) = Source::read(root)?;
    let name = source.name()?;
    let id = source.config.distribution_id.as_ref().unwrap_or(id);
    let (resolved, mut explained) = source.config.explain(environment, name, id).map_err(PackageError::Config)?;
    if let Pipeline::InitStack(stack) = &resolved.pipeline
        && let Ok(text) = std::fs::read_to_string(root.join(&stack.template))
    {
        let template = Document::parse(&stack.template, &text).map_err(PackageError::Template)?;
        let own = framework_parameters(&Settings::default(), environment.as_str(), name.as_str(), id.as_str());
        explain_parameters(&template, &own, &mut explained);
    }
    Ok(explained)
}
