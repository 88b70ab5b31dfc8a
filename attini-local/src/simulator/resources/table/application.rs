//! Messaging, APIs, delivery, and CloudFormation's own types.

use super::{PLAIN, ResourceType};

pub(super) const TYPES: &[ResourceType] = &[
    ResourceType { kind: "AWS::ApiGateway::Account", ..PLAIN },
    ResourceType {
        kind: "AWS::ApiGateway::ApiKey",
        id: "{low:10}",
        attributes: &[("APIKeyId", "{id}")],
        replace: &["Name", "Value", "GenerateDistinctId"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ApiGateway::Deployment",
        id: "{low:6}",
        attributes: &[("DeploymentId", "{id}")],
        replace: &["RestApiId", "DeploymentCanarySettings"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ApiGateway::Method",
        id: "{stack}-{logical}-{up:12}",
        replace: &["HttpMethod", "ResourceId", "RestApiId"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ApiGateway::Resource",
        id: "{low:6}",
        attributes: &[("ResourceId", "{id}")],
        replace: &["ParentId", "PathPart", "RestApiId"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ApiGateway::RestApi",
        id: "{low:10}",
        attributes: &[("RootResourceId", "{hex:10}"), ("RestApiId", "{id}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ApiGateway::Stage",
        id: "{prop:StageName}",
        replace: &["RestApiId", "StageName"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ApiGatewayV2::Api",
        id: "{low:10}",
        attributes: &[("ApiEndpoint", "https://{id}.execute-api.{region}.{suffix}"), ("ApiId", "{id}")],
        replace: &["ProtocolType"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ApiGatewayV2::Integration",
        id: "{low:7}",
        attributes: &[("IntegrationId", "{id}")],
        replace: &["ApiId"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ApiGatewayV2::Route",
        id: "{low:7}",
        attributes: &[("RouteId", "{id}")],
        replace: &["ApiId"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ApiGatewayV2::Stage",
        id: "{prop:StageName}",
        replace: &["ApiId", "StageName"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::AppSync::GraphQLApi",
        id: "arn:{partition}:appsync:{region}:{account}:apis/{low:26}",
        attributes: &[
            ("ApiId", "{low:26}"),
            ("Arn", "{id}"),
            ("GraphQLUrl", "https://{low:26}.appsync-api.{region}.{suffix}/graphql"),
        ],
        may_replace: &["LambdaAuthorizerConfig", "OpenIDConnectConfig", "UserPoolConfig"],
        ..PLAIN
    },
    ResourceType { kind: "AWS::CDK::Metadata", id: "{uuid}", ..PLAIN },
    ResourceType { kind: "AWS::CloudFormation::CustomResource", id: "{stack}-{logical}-{up:12}", ..PLAIN },
    ResourceType {
        kind: "AWS::CloudFormation::Stack",
        id: "arn:{partition}:cloudformation:{region}:{account}:stack/{name}/{uuid}",
        max_name: 128,
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::CloudFormation::WaitCondition",
        id: "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/{uuid}/{logical}",
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::CloudFormation::WaitConditionHandle",
        id: "https://cloudformation-waitcondition-{region}.s3.{region}.{suffix}/{low:32}",
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::CodeBuild::Project",
        name: Some("Name"),
        max_name: 150,
        attributes: &[("Arn", "arn:{partition}:codebuild:{region}:{account}:project/{id}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::CodeCommit::Repository",
        id: "{uuid}",
        attributes: &[
            ("Arn", "arn:{partition}:codecommit:{region}:{account}:{prop:RepositoryName}"),
            ("Name", "{prop:RepositoryName}"),
            ("RepositoryId", "{id}"),
            ("CloneUrlHttp", "https://git-codecommit.{region}.{suffix}/v1/repos/{prop:RepositoryName}"),
            ("CloneUrlSsh", "ssh://git-codecommit.{region}.{suffix}/v1/repos/{prop:RepositoryName}"),
        ],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::CodePipeline::Pipeline",
        name: Some("Name"),
        max_name: 100,
        attributes: &[("Version", "1")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Cognito::IdentityPool",
        id: "{region}:{uuid}",
        attributes: &[("Id", "{id}"), ("Name", "{logical}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Cognito::UserPool",
        id: "{region}_{low:9}",
        attributes: &[
            ("Arn", "arn:{partition}:cognito-idp:{region}:{account}:userpool/{id}"),
            ("ProviderName", "cognito-idp.{region}.{suffix}/{id}"),
            ("ProviderURL", "https://cognito-idp.{region}.{suffix}/{id}"),
            ("UserPoolId", "{id}"),
        ],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Cognito::UserPoolClient",
        id: "{low:26}",
        attributes: &[("ClientId", "{id}"), ("Name", "{logical}")],
        replace: &["UserPoolId", "GenerateSecret"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Events::EventBus",
        name: Some("Name"),
        attributes: &[("Arn", "arn:{partition}:events:{region}:{account}:event-bus/{id}"), ("Name", "{id}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Events::Rule",
        name: Some("Name"),
        max_name: 64,
        attributes: &[("Arn", "arn:{partition}:events:{region}:{account}:rule/{id}")],
        replace: &["EventBusName"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Kinesis::Stream",
        name: Some("Name"),
        max_name: 128,
        attributes: &[("Arn", "arn:{partition}:kinesis:{region}:{account}:stream/{id}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::KinesisFirehose::DeliveryStream",
        name: Some("DeliveryStreamName"),
        max_name: 64,
        attributes: &[("Arn", "arn:{partition}:firehose:{region}:{account}:deliverystream/{id}")],
        replace: &[
            "DatabaseSourceConfiguration",
            "DeliveryStreamType",
            "DirectPutSourceConfiguration",
            "KinesisStreamSourceConfiguration",
            "MSKSourceConfiguration",
        ],
        may_replace: &[
            "AmazonOpenSearchServerlessDestinationConfiguration",
            "AmazonopensearchserviceDestinationConfiguration",
            "ElasticsearchDestinationConfiguration",
            "IcebergDestinationConfiguration",
            "SnowflakeDestinationConfiguration",
        ],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::SNS::Subscription",
        id: "{prop:TopicArn}:{uuid}",
        attributes: &[("Arn", "{id}")],
        replace: &["Endpoint", "Protocol", "TopicArn"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::SNS::Topic",
        id: "arn:{partition}:sns:{region}:{account}:{name}",
        name: Some("TopicName"),
        max_name: 250,
        attributes: &[("TopicArn", "{id}"), ("TopicName", "{name}")],
        replace: &["FifoTopic"],
        ..PLAIN
    },
    ResourceType { kind: "AWS::SNS::TopicPolicy", attributes: &[("Id", "{id}")], ..PLAIN },
    ResourceType {
        kind: "AWS::SQS::Queue",
        id: "https://sqs.{region}.{suffix}/{account}/{name}",
        name: Some("QueueName"),
        max_name: 75,
        attributes: &[
            ("Arn", "arn:{partition}:sqs:{region}:{account}:{name}"),
            ("QueueName", "{name}"),
            ("QueueUrl", "{id}"),
        ],
        replace: &["FifoQueue"],
        ..PLAIN
    },
    ResourceType { kind: "AWS::SQS::QueuePolicy", attributes: &[("Id", "{id}")], ..PLAIN },
    ResourceType {
        kind: "AWS::Scheduler::Schedule",
        name: Some("Name"),
        max_name: 64,
        attributes: &[("Arn", "arn:{partition}:scheduler:{region}:{account}:schedule/default/{id}")],
        replace: &["GroupName"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::WAFv2::WebACL",
        id: "{logical}|{uuid}|REGIONAL",
        attributes: &[
            ("Arn", "arn:{partition}:wafv2:{region}:{account}:regional/webacl/{logical}/{uuid}"),
            ("Id", "{uuid}"),
            ("Capacity", "1"),
        ],
        replace: &["Name", "Scope"],
        ..PLAIN
    },
];
