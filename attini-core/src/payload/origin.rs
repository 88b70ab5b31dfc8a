use serde::Serialize;
use serde_json::{Value, json};

use crate::inventory::DeploymentRecord;

/// What an app deployment's payload says of the distribution that owns the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformData {
    /// Name of the platform distribution.
    pub distribution_name: String,
    /// `s3://<bucket>/<prefix>` of its files.
    pub source_location: String,
}

/// Returns the payload object `deploymentOriginData` (init-deploy.md 17). Its field names are an external contract.
#[must_use]
pub fn origin_data(record: &DeploymentRecord, platform: Option<&PlatformData>) -> Value {
    let mut data = json!({
        "distributionName": record.distribution_name,
        "deploymentTime": record.started_at,
        "deploymentSource": {
            "deploymentSourcePrefix": record.deployment_source.deployment_source_prefix.clone().unwrap_or_default(),
            "deploymentSourceBucket": record.deployment_source.deployment_source_bucket,
        },
        "environment": record.environment,
        "distributionId": record.distribution_id,
        "deploymentName": record.name().as_str(),
        "objectIdentifier": record.object_identifier,
        "stackName": record.stack_name,
        "distributionTags": record.distribution_tags,
        "version": record.version,
        "samPackaged": record.sam_packaged,
    });
    if let (Some(platform), Value::Object(fields)) = (platform, &mut data) {
        fields.insert("platformDistributionData".to_owned(), json!(platform));
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_data_is_the_documented_object() {
        let record: DeploymentRecord = serde_json::from_value(json!({
            "distributionName": "infra", "environment": "dev", "distributionId": "abc",
            "objectIdentifier": "dev/infra/infra.zip#v1", "startedAt": 1_666_777_560_935_i64,
            "stackName": "dev-infra-plan",
            "deploymentSource": {
                "deploymentSourceBucket": "attini-artifact-store-eu-west-1-111122223333",
                "deploymentSourcePrefix": "dev/infra/abc/distribution-origin",
            },
        }))
        .expect("a record");
        let expected: Value = serde_json::from_str(
            r#"{"distributionName":"infra","deploymentTime":1666777560935,"deploymentSource":{"deploymentSourcePrefix":"dev/infra/abc/distribution-origin","deploymentSourceBucket":"attini-artifact-store-eu-west-1-111122223333"},
            "environment":"dev","distributionId":"abc","deploymentName":"dev-infra","objectIdentifier":"dev/infra/infra.zip#v1","stackName":"dev-infra-plan","distributionTags":{},"version":null,"samPackaged":false}"#,
        )
        .expect("JSON");
        assert_eq!(origin_data(&record, None), expected);
    }
}
