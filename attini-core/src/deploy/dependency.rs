use crate::config::VersionRange;
use crate::framework::{Failure, Framework};
use crate::inventory::{DistributionRecord, distribution_key, list_history, read};
use crate::value::Version;

/// Checks that a distribution is there in a version that is wanted (init-deploy.md 9).
///
/// # Errors
///
/// `DependencyError` naming what is required and what is deployed.
pub(super) async fn check_dependency(
    framework: &Framework,
    environment: &str,
    name: &str,
    range: Option<&VersionRange>,
) -> Result<(), Failure> {
    let unmet = |why: String| Err(Failure::new("DependencyError", format!("dependency `{name}` {why}")));
    let inventory = framework.inventory.as_ref();
    let key = distribution_key(environment, name);
    let Some(record) = inventory.find(&key).await? else {
        return unmet(format!("is not present in environment {environment}; deploy it first"));
    };
    let record: DistributionRecord = read(&key, record.body)?;
    if record.environment != environment || record.distribution_name != name {
        return unmet(format!("is not present in environment {environment}; deploy it first"));
    }
    if let Some(wanted) = range.filter(|range| !matches!(range.to_string().trim(), "" | "latest" | "*")) {
        let Some(version) = record.current_version() else {
            return unmet(format!("is deployed without a version, but `{wanted}` is required"));
        };
        match Version::new(version).and_then(|version| wanted.accepts(&version)) {
            Some(true) => {}
            Some(false) => return unmet(format!("is deployed in version {version}, but `{wanted}` is required")),
            None => {
                return unmet(format!(
                    "is deployed in version `{version}`, which is not semantic; `{wanted}` is required"
                ));
            }
        }
    }
    // What succeeded once can be depended on, whatever became of a later attempt.
    if record.last_success.is_none() {
        let newest = list_history(inventory, environment, name, 1).await?;
        if let Some(message) = newest.first().and_then(|newest| newest.error_message.clone()) {
            return unmet(format!("has never been deployed successfully; its last attempt failed: {message}"));
        }
    }
    Ok(())
}
