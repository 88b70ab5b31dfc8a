//! Identities, secrets, configuration, logs.

use super::{PLAIN, ResourceType};

pub(super) const TYPES: &[ResourceType] = &[
    ResourceType {
        kind: "AWS::CloudTrail::Trail",
        name: Some("TrailName"),
        max_name: 128,
        attributes: &[
            ("Arn", "arn:{partition}:cloudtrail:{region}:{account}:trail/{id}"),
            ("SnsTopicArn", "arn:{partition}:sns:{region}:{account}:{id}"),
        ],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::CloudWatch::Alarm",
        name: Some("AlarmName"),
        attributes: &[("Arn", "arn:{partition}:cloudwatch:{region}:{account}:alarm:{id}")],
        ..PLAIN
    },
    ResourceType { kind: "AWS::CloudWatch::Dashboard", name: Some("DashboardName"), ..PLAIN },
    ResourceType {
        kind: "AWS::IAM::AccessKey",
        id: "AKIA{up:16}",
        attributes: &[("SecretAccessKey", "not-a-secret-{hex:27}")],
        replace: &["UserName", "Serial"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::IAM::Group",
        name: Some("GroupName"),
        max_name: 128,
        attributes: &[("Arn", "arn:{partition}:iam::{account}:group/{id}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::IAM::InstanceProfile",
        name: Some("InstanceProfileName"),
        max_name: 128,
        attributes: &[("Arn", "arn:{partition}:iam::{account}:instance-profile/{id}")],
        replace: &["Path"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::IAM::ManagedPolicy",
        id: "arn:{partition}:iam::{account}:policy/{name}",
        name: Some("ManagedPolicyName"),
        max_name: 128,
        attributes: &[("PolicyArn", "{id}"), ("PolicyId", "ANPA{up:17}")],
        replace: &["Path", "Description"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::IAM::OIDCProvider",
        id: "arn:{partition}:iam::{account}:oidc-provider/{low:16}",
        attributes: &[("Arn", "{id}")],
        replace: &["Url"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::IAM::Policy",
        id: "{stack}-{prop:PolicyName}-{up:12}",
        attributes: &[("Id", "{id}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::IAM::Role",
        name: Some("RoleName"),
        max_name: 64,
        attributes: &[("Arn", "arn:{partition}:iam::{account}:role/{id}"), ("RoleId", "AROA{up:17}")],
        replace: &["Path"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::IAM::User",
        name: Some("UserName"),
        max_name: 64,
        attributes: &[("Arn", "arn:{partition}:iam::{account}:user/{id}")],
        ..PLAIN
    },
    ResourceType { kind: "AWS::KMS::Alias", id: "{prop:AliasName}", replace: &["AliasName"], ..PLAIN },
    ResourceType {
        kind: "AWS::KMS::Key",
        id: "{uuid}",
        attributes: &[("Arn", "arn:{partition}:kms:{region}:{account}:key/{id}"), ("KeyId", "{id}")],
        replace: &["KeySpec", "KeyUsage", "MultiRegion"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Logs::LogGroup",
        name: Some("LogGroupName"),
        max_name: 512,
        attributes: &[("Arn", "arn:{partition}:logs:{region}:{account}:log-group:{id}:*")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Logs::LogStream",
        name: Some("LogStreamName"),
        max_name: 512,
        replace: &["LogGroupName"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Logs::MetricFilter",
        name: Some("FilterName"),
        max_name: 512,
        replace: &["LogGroupName"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::SSM::Parameter",
        name: Some("Name"),
        attributes: &[("Type", "{prop:Type}"), ("Value", "{prop:Value}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::SecretsManager::Secret",
        id: "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-{hex:6}",
        name: Some("Name"),
        attributes: &[("Id", "{id}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::SecretsManager::SecretTargetAttachment",
        id: "{prop:SecretId}",
        attributes: &[("Id", "{id}")],
        replace: &["SecretId"],
        ..PLAIN
    },
];
