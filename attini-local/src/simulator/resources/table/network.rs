//! Networks, load balancers, names, distribution.

use super::{PLAIN, ResourceType};

pub(super) const TYPES: &[ResourceType] = &[
    ResourceType {
        kind: "AWS::CertificateManager::Certificate",
        id: "arn:{partition}:acm:{region}:{account}:certificate/{uuid}",
        replace: &[
            "DomainName",
            "SubjectAlternativeNames",
            "ValidationMethod",
            "DomainValidationOptions",
            "CertificateAuthorityArn",
            "KeyAlgorithm",
            "CertificateExport",
        ],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::CloudFront::CloudFrontOriginAccessIdentity",
        id: "E{up:13}",
        attributes: &[("Id", "{id}"), ("S3CanonicalUserId", "{hex:64}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::CloudFront::Distribution",
        id: "E{up:13}",
        attributes: &[("DomainName", "d{low:13}.cloudfront.net"), ("Id", "{id}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::CloudFront::Function",
        id: "arn:{partition}:cloudfront::{account}:function/{name}",
        name: Some("Name"),
        max_name: 64,
        attributes: &[("FunctionARN", "{id}"), ("FunctionMetadata.FunctionARN", "{id}"), ("Stage", "LIVE")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::CloudFront::OriginAccessControl",
        id: "E{up:13}",
        attributes: &[("Id", "{id}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::EIP",
        id: "198.51.100.{octet}",
        attributes: &[("AllocationId", "eipalloc-{hex:17}"), ("PublicIp", "{id}")],
        replace: &["Domain", "NetworkBorderGroup", "Address", "IpamPoolId", "TransferAddress"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::InternetGateway",
        id: "igw-{hex:17}",
        attributes: &[("InternetGatewayId", "{id}")],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::NatGateway",
        id: "nat-{hex:17}",
        attributes: &[("NatGatewayId", "{id}")],
        replace: &["AllocationId", "SubnetId", "ConnectivityType", "AvailabilityMode", "PrivateIpAddress", "VpcId"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::NetworkAcl",
        id: "acl-{hex:17}",
        attributes: &[("Id", "{id}")],
        replace: &["VpcId"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::Route",
        id: "rtb-{hex:17}|{low:9}",
        replace: &["DestinationCidrBlock", "DestinationIpv6CidrBlock", "RouteTableId", "DestinationPrefixListId"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::RouteTable",
        id: "rtb-{hex:17}",
        attributes: &[("RouteTableId", "{id}")],
        replace: &["VpcId"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::SecurityGroup",
        id: "sg-{hex:17}",
        attributes: &[("GroupId", "{id}"), ("Id", "{id}"), ("VpcId", "vpc-{hex:17}")],
        replace: &["GroupDescription", "GroupName", "VpcId"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::SecurityGroupEgress",
        id: "sgr-{hex:17}",
        attributes: &[("Id", "{id}")],
        replace: &[
            "CidrIp",
            "CidrIpv6",
            "DestinationSecurityGroupId",
            "FromPort",
            "GroupId",
            "IpProtocol",
            "ToPort",
            "DestinationPrefixListId",
        ],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::SecurityGroupIngress",
        id: "sgr-{hex:17}",
        attributes: &[("Id", "{id}")],
        replace: &[
            "CidrIp",
            "CidrIpv6",
            "FromPort",
            "GroupId",
            "GroupName",
            "IpProtocol",
            "SourceSecurityGroupId",
            "ToPort",
            "SourcePrefixListId",
            "SourceSecurityGroupName",
            "SourceSecurityGroupOwnerId",
        ],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::Subnet",
        id: "subnet-{hex:17}",
        attributes: &[
            ("SubnetId", "{id}"),
            ("AvailabilityZone", "{region}a"),
            ("CidrBlock", "{prop:CidrBlock}"),
            ("VpcId", "{prop:VpcId}"),
            ("NetworkAclAssociationId", "aclassoc-{hex:17}"),
            ("Ipv6CidrBlocks", "[]"),
        ],
        replace: &[
            "AvailabilityZone",
            "AvailabilityZoneId",
            "CidrBlock",
            "VpcId",
            "Ipv4IpamPoolId",
            "Ipv4NetmaskLength",
            "Ipv6IpamPoolId",
            "Ipv6Native",
            "Ipv6NetmaskLength",
            "OutpostArn",
        ],
        may_replace: &["Ipv6CidrBlock"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::SubnetRouteTableAssociation",
        id: "rtbassoc-{hex:17}",
        attributes: &[("Id", "{id}")],
        replace: &["SubnetId", "RouteTableId"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::VPC",
        id: "vpc-{hex:17}",
        attributes: &[
            ("VpcId", "{id}"),
            ("CidrBlock", "{prop:CidrBlock}"),
            ("CidrBlockAssociations", "[vpc-cidr-assoc-{hex:17}]"),
            ("DefaultNetworkAcl", "acl-{hex:17}"),
            ("DefaultSecurityGroup", "sg-{hex:17}"),
            ("Ipv6CidrBlocks", "[]"),
        ],
        replace: &["CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength", "VpcEncryptionControl"],
        may_replace: &["InstanceTenancy"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EC2::VPCEndpoint",
        id: "vpce-{hex:17}",
        attributes: &[
            ("Id", "{id}"),
            ("DnsEntries", "[{hex:12}:{id}.{region}.vpce.{suffix}]"),
            ("NetworkInterfaceIds", "[eni-{hex:17}]"),
        ],
        replace: &[
            "ServiceName",
            "VpcEndpointType",
            "VpcId",
            "ResourceConfigurationArn",
            "ServiceNetworkArn",
            "ServiceRegion",
        ],
        may_replace: &["DnsOptions"],
        ..PLAIN
    },
    ResourceType { kind: "AWS::EC2::VPCGatewayAttachment", id: "IGW|{hex:17}", replace: &["VpcId"], ..PLAIN },
    ResourceType {
        kind: "AWS::ElasticLoadBalancingV2::Listener",
        id: "arn:{partition}:elasticloadbalancing:{region}:{account}:listener/app/{stack}/{hex:16}/{low:16}",
        attributes: &[("ListenerArn", "{id}")],
        replace: &["LoadBalancerArn"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ElasticLoadBalancingV2::ListenerRule",
        id: "arn:{partition}:elasticloadbalancing:{region}:{account}:listener-rule/app/{stack}/{hex:16}/{low:16}",
        attributes: &[("RuleArn", "{id}")],
        replace: &["ListenerArn"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ElasticLoadBalancingV2::LoadBalancer",
        id: "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/{hex:16}",
        name: Some("Name"),
        max_name: 32,
        attributes: &[
            ("DNSName", "{name}-{hex:9}.{region}.elb.{suffix}"),
            ("CanonicalHostedZoneID", "Z{up:13}"),
            ("LoadBalancerArn", "{id}"),
            ("LoadBalancerFullName", "app/{name}/{hex:16}"),
            ("LoadBalancerName", "{name}"),
            ("SecurityGroups", "[sg-{hex:17}]"),
        ],
        replace: &["Scheme", "Type"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ElasticLoadBalancingV2::TargetGroup",
        id: "arn:{partition}:elasticloadbalancing:{region}:{account}:targetgroup/{name}/{hex:16}",
        name: Some("Name"),
        max_name: 32,
        attributes: &[
            ("TargetGroupArn", "{id}"),
            ("TargetGroupFullName", "targetgroup/{name}/{hex:16}"),
            ("TargetGroupName", "{name}"),
            ("LoadBalancerArns", "[]"),
        ],
        replace: &["Port", "Protocol", "TargetType", "VpcId", "ProtocolVersion", "IpAddressType"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Route53::HostedZone",
        id: "Z{up:20}",
        attributes: &[
            ("Id", "{id}"),
            ("NameServers", "[ns-1.awsdns-00.com,ns-2.awsdns-01.net,ns-3.awsdns-02.org,ns-4.awsdns-03.co.uk]"),
        ],
        replace: &["Name", "DelegationSetId"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::Route53::RecordSet",
        id: "{prop:Name}",
        replace: &["HostedZoneId", "HostedZoneName", "Name"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ServiceDiscovery::PrivateDnsNamespace",
        id: "ns-{low:16}",
        attributes: &[
            ("Arn", "arn:{partition}:servicediscovery:{region}:{account}:namespace/{id}"),
            ("Id", "{id}"),
            ("HostedZoneId", "Z{up:20}"),
        ],
        replace: &["Name", "Vpc"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ServiceDiscovery::Service",
        id: "srv-{low:16}",
        attributes: &[
            ("Arn", "arn:{partition}:servicediscovery:{region}:{account}:service/{id}"),
            ("Id", "{id}"),
            ("Name", "{logical}"),
        ],
        replace: &["Name", "NamespaceId", "HealthCheckCustomConfig", "Type"],
        ..PLAIN
    },
];
