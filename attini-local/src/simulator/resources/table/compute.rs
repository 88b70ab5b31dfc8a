//! Functions, containers, machines.

use super::{PLAIN, ResourceType};

pub(super) const TYPES: &[ResourceType] = &[
    ResourceType {
        kind: "AWS::AutoScaling::AutoScalingGroup",
        name: Some("AutoScalingGroupName"),
        attributes: &[(
            "AutoScalingGroupARN",
            "arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:{uuid}:autoScalingGroupName/{id}",
        )],
        replace: &["InstanceId"],
        may_replace: &["LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy", "VPCZoneIdentifier"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Batch::JobQueue",
        id: "arn:{partition}:batch:{region}:{account}:job-queue/{name}",
        name: Some("JobQueueName"),
        max_name: 128,
        attributes: &[("JobQueueArn", "{id}")],
        replace: &["JobQueueType"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::Instance",
        id: "i-{hex:17}",
        attributes: &[
            ("PrivateIp", "10.0.0.{octet}"),
            ("PublicIp", "198.51.100.{octet}"),
            ("PrivateDnsName", "ip-10-0-0-{octet}.{region}.compute.internal"),
            ("PublicDnsName", "ec2-198-51-100-{octet}.{region}.compute.{suffix}"),
            ("AvailabilityZone", "{region}a"),
            ("InstanceId", "{id}"),
            ("VpcId", "vpc-{hex:17}"),
        ],
        replace: &[
            "ImageId",
            "SubnetId",
            "KeyName",
            "AvailabilityZone",
            "PrivateIpAddress",
            "NetworkInterfaces",
            "CpuOptions",
            "ElasticGpuSpecifications",
            "ElasticInferenceAccelerators",
            "EnclaveOptions",
            "HibernationOptions",
            "HostResourceGroupArn",
            "Ipv6AddressCount",
            "Ipv6Addresses",
            "LaunchTemplate",
            "LicenseSpecifications",
            "PlacementGroupName",
            "SecurityGroups",
        ],
        may_replace: &[
            "AdditionalInfo",
            "Affinity",
            "BlockDeviceMappings",
            "EbsOptimized",
            "HostId",
            "InstanceType",
            "KernelId",
            "PrivateDnsNameOptions",
            "RamdiskId",
            "SecurityGroupIds",
            "Tenancy",
            "UserData",
        ],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::LaunchTemplate",
        id: "lt-{hex:17}",
        attributes: &[("LatestVersionNumber", "1"), ("DefaultVersionNumber", "1"), ("LaunchTemplateId", "{id}")],
        replace: &["LaunchTemplateName"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ECS::Cluster",
        name: Some("ClusterName"),
        attributes: &[("Arn", "arn:{partition}:ecs:{region}:{account}:cluster/{id}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ECS::Service",
        id: "arn:{partition}:ecs:{region}:{account}:service/{stack}/{name}",
        name: Some("ServiceName"),
        attributes: &[("Name", "{name}"), ("ServiceArn", "{id}")],
        replace: &["Cluster", "LaunchType", "SchedulingStrategy", "Role"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ECS::TaskDefinition",
        id: "arn:{partition}:ecs:{region}:{account}:task-definition/{name}:1",
        name: Some("Family"),
        attributes: &[("TaskDefinitionArn", "{id}")],
        replace: &[
            "ContainerDefinitions",
            "Cpu",
            "Memory",
            "ExecutionRoleArn",
            "TaskRoleArn",
            "NetworkMode",
            "RequiresCompatibilities",
            "Volumes",
            "RuntimePlatform",
            "EphemeralStorage",
            "IpcMode",
            "PidMode",
            "PlacementConstraints",
            "ProxyConfiguration",
            "InferenceAccelerators",
            "EnableFaultInjection",
        ],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Lambda::Alias",
        id: "arn:{partition}:lambda:{region}:{account}:function:{prop:FunctionName}:{prop:Name}",
        attributes: &[("AliasArn", "{id}")],
        replace: &["FunctionName", "Name"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Lambda::EventSourceMapping",
        id: "{uuid}",
        attributes: &[
            ("Id", "{id}"),
            ("EventSourceMappingArn", "arn:{partition}:lambda:{region}:{account}:event-source-mapping:{id}"),
        ],
        replace: &["EventSourceArn", "StartingPosition", "SelfManagedEventSource", "StartingPositionTimestamp"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Lambda::Function",
        name: Some("FunctionName"),
        max_name: 64,
        attributes: &[("Arn", "arn:{partition}:lambda:{region}:{account}:function:{id}")],
        replace: &["PackageType", "TenancyConfig"],
        may_replace: &["DurableConfig"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Lambda::LayerVersion",
        id: "arn:{partition}:lambda:{region}:{account}:layer:{name}:1",
        name: Some("LayerName"),
        max_name: 140,
        attributes: &[("LayerVersionArn", "{id}")],
        replace: &["Content", "CompatibleRuntimes", "CompatibleArchitectures", "Description", "LicenseInfo"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Lambda::Permission",
        replace: &[
            "Action",
            "EventSourceToken",
            "FunctionName",
            "FunctionUrlAuthType",
            "Principal",
            "PrincipalOrgID",
            "SourceAccount",
            "SourceArn",
            "InvokedViaFunctionUrl",
        ],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Lambda::Url",
        id: "{prop:TargetFunctionArn}",
        attributes: &[
            ("FunctionArn", "{prop:TargetFunctionArn}"),
            ("FunctionUrl", "https://{low:32}.lambda-url.{region}.on.aws/"),
        ],
        replace: &["TargetFunctionArn", "Qualifier"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Lambda::Version",
        id: "{prop:FunctionName}:1",
        attributes: &[("Version", "1"), ("FunctionArn", "{id}")],
        replace: &["FunctionName", "Description", "CodeSha256", "ProvisionedConcurrencyConfig", "RuntimePolicy"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Serverless::Api",
        id: "{low:10}",
        attributes: &[("RootResourceId", "{hex:10}"), ("RestApiId", "{id}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Serverless::Function",
        name: Some("FunctionName"),
        max_name: 64,
        attributes: &[("Arn", "arn:{partition}:lambda:{region}:{account}:function:{id}")],
        replace: &["PackageType"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Serverless::HttpApi",
        id: "{low:10}",
        attributes: &[("ApiEndpoint", "https://{id}.execute-api.{region}.{suffix}"), ("ApiId", "{id}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Serverless::LayerVersion",
        id: "arn:{partition}:lambda:{region}:{account}:layer:{name}:1",
        name: Some("LayerName"),
        max_name: 140,
        replace: &["ContentUri"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Serverless::SimpleTable",
        name: Some("TableName"),
        attributes: &[("Arn", "arn:{partition}:dynamodb:{region}:{account}:table/{id}")],
        replace: &["PrimaryKey"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::StepFunctions::Activity",
        id: "arn:{partition}:states:{region}:{account}:activity:{name}",
        name: Some("Name"),
        max_name: 80,
        attributes: &[("Arn", "{id}"), ("Name", "{name}")],
        replace: &["EncryptionConfiguration"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::StepFunctions::StateMachine",
        id: "arn:{partition}:states:{region}:{account}:stateMachine:{name}",
        name: Some("StateMachineName"),
        max_name: 80,
        attributes: &[("Arn", "{id}"), ("Name", "{name}"), ("StateMachineRevisionId", "{uuid}")],
        replace: &["StateMachineType"],
        ..PLAIN
    },
];
