//! Files, tables, databases.

use super::{PLAIN, ResourceType};

pub(super) const TYPES: &[ResourceType] = &[
    ResourceType { kind: "AWS::Athena::WorkGroup", name: Some("Name"), max_name: 128, ..PLAIN },
    ResourceType {
        kind: "AWS::DynamoDB::GlobalTable",
        name: Some("TableName"),
        attributes: &[
            ("Arn", "arn:{partition}:dynamodb:{region}:{account}:table/{id}"),
            ("StreamArn", "arn:{partition}:dynamodb:{region}:{account}:table/{id}/stream/2026-01-01T00:00:00.000"),
            ("TableId", "{uuid}"),
        ],
        replace: &["KeySchema"],
        may_replace: &["GlobalTableSourceArn", "LocalSecondaryIndexes"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::DynamoDB::Table",
        name: Some("TableName"),
        attributes: &[
            ("Arn", "arn:{partition}:dynamodb:{region}:{account}:table/{id}"),
            ("StreamArn", "arn:{partition}:dynamodb:{region}:{account}:table/{id}/stream/2026-01-01T00:00:00.000"),
            ("TableId", "{uuid}"),
        ],
        replace: &["KeySchema", "ImportSourceSpecification"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ECR::Repository",
        name: Some("RepositoryName"),
        max_name: 256,
        lower_name: true,
        attributes: &[
            ("Arn", "arn:{partition}:ecr:{region}:{account}:repository/{id}"),
            ("RepositoryUri", "{account}.dkr.ecr.{region}.{suffix}/{id}"),
        ],
        replace: &["EncryptionConfiguration"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EFS::FileSystem",
        id: "fs-{hex:17}",
        attributes: &[
            ("Arn", "arn:{partition}:elasticfilesystem:{region}:{account}:file-system/{id}"),
            ("FileSystemId", "{id}"),
        ],
        replace: &["Encrypted", "KmsKeyId", "PerformanceMode", "AvailabilityZoneName"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::EFS::MountTarget",
        id: "fsmt-{hex:17}",
        attributes: &[("IpAddress", "10.0.0.{octet}"), ("Id", "{id}")],
        replace: &["FileSystemId", "SubnetId", "IpAddress", "IpAddressType", "Ipv6Address"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ElastiCache::CacheCluster",
        name: Some("ClusterName"),
        max_name: 50,
        lower_name: true,
        attributes: &[
            ("RedisEndpoint.Address", "{id}.{low:6}.0001.{region}.cache.{suffix}"),
            ("RedisEndpoint.Port", "6379"),
            ("ConfigurationEndpoint.Address", "{id}.{low:6}.cfg.{region}.cache.{suffix}"),
            ("ConfigurationEndpoint.Port", "11211"),
        ],
        replace: &["Engine", "Port", "CacheSubnetGroupName", "NetworkType", "SnapshotArns", "SnapshotName"],
        may_replace: &["IpDiscovery", "PreferredAvailabilityZones"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ElastiCache::ReplicationGroup",
        name: Some("ReplicationGroupId"),
        max_name: 40,
        lower_name: true,
        attributes: &[
            ("PrimaryEndPoint.Address", "{id}.{low:6}.ng.0001.{region}.cache.{suffix}"),
            ("PrimaryEndPoint.Port", "6379"),
            ("ReaderEndPoint.Address", "{id}-ro.{low:6}.ng.0001.{region}.cache.{suffix}"),
            ("ReaderEndPoint.Port", "6379"),
        ],
        replace: &[
            "Port",
            "AtRestEncryptionEnabled",
            "CacheSubnetGroupName",
            "DataTieringEnabled",
            "GlobalReplicationGroupId",
            "KmsKeyId",
            "NetworkType",
            "PreferredCacheClusterAZs",
            "SnapshotArns",
            "SnapshotName",
        ],
        may_replace: &["AuthToken", "NodeGroupConfiguration"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::ElastiCache::SubnetGroup",
        name: Some("CacheSubnetGroupName"),
        lower_name: true,
        ..PLAIN
    },
    ResourceType { kind: "AWS::Glue::Database", replace: &["DatabaseName"], ..PLAIN },
    ResourceType {
        kind: "AWS::OpenSearchService::Domain",
        name: Some("DomainName"),
        max_name: 28,
        lower_name: true,
        attributes: &[
            ("Arn", "arn:{partition}:es:{region}:{account}:domain/{id}"),
            ("DomainArn", "arn:{partition}:es:{region}:{account}:domain/{id}"),
            ("DomainEndpoint", "search-{id}-{low:26}.{region}.es.{suffix}"),
            ("Id", "{account}/{id}"),
        ],
        replace: &["EngineMode"],
        may_replace: &["AdvancedSecurityOptions", "EncryptionAtRestOptions"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::RDS::DBCluster",
        name: Some("DBClusterIdentifier"),
        max_name: 63,
        lower_name: true,
        attributes: &[
            ("DBClusterArn", "arn:{partition}:rds:{region}:{account}:cluster:{id}"),
            ("DBClusterResourceId", "cluster-{up:26}"),
            ("Endpoint.Address", "{id}.cluster-{low:12}.{region}.rds.{suffix}"),
            ("Endpoint.Port", "5432"),
            ("ReadEndpoint.Address", "{id}.cluster-ro-{low:12}.{region}.rds.{suffix}"),
        ],
        replace: &[
            "DBSubnetGroupName",
            "DatabaseName",
            "Engine",
            "EngineMode",
            "KmsKeyId",
            "StorageEncrypted",
            "MasterUsername",
            "ClusterScalabilityType",
            "DBSystemId",
            "PubliclyAccessible",
            "RestoreToTime",
            "RestoreType",
            "SnapshotIdentifier",
            "SourceDBClusterIdentifier",
            "SourceDbClusterResourceId",
            "SourceRegion",
            "UseLatestRestorableTime",
        ],
        may_replace: &["AvailabilityZones", "GlobalClusterIdentifier"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::RDS::DBInstance",
        name: Some("DBInstanceIdentifier"),
        max_name: 63,
        lower_name: true,
        attributes: &[
            ("DBInstanceArn", "arn:{partition}:rds:{region}:{account}:db:{id}"),
            ("DbiResourceId", "db-{up:26}"),
            ("Endpoint.Address", "{id}.{low:12}.{region}.rds.{suffix}"),
            ("Endpoint.Port", "5432"),
            ("Endpoint.HostedZoneId", "Z{up:13}"),
        ],
        replace: &[
            "DBName",
            "DBSubnetGroupName",
            "Engine",
            "MasterUsername",
            "KmsKeyId",
            "StorageEncrypted",
            "AvailabilityZone",
            "BackupTarget",
            "CharacterSetName",
            "CustomIAMInstanceProfile",
            "DBClusterIdentifier",
            "DBSystemId",
            "NcharCharacterSetName",
            "SourceRegion",
            "Timezone",
        ],
        may_replace: &[
            "AutoMinorVersionUpgrade",
            "BackupRetentionPeriod",
            "DBClusterSnapshotIdentifier",
            "DBParameterGroupName",
            "DBSnapshotIdentifier",
            "MultiAZ",
            "PerformanceInsightsKMSKeyId",
            "PreferredMaintenanceWindow",
            "RestoreTime",
            "SourceDBClusterIdentifier",
            "SourceDBInstanceAutomatedBackupsArn",
            "SourceDBInstanceIdentifier",
            "SourceDbiResourceId",
            "UseLatestRestorableTime",
        ],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::RDS::DBParameterGroup",
        name: Some("DBParameterGroupName"),
        lower_name: true,
        replace: &["Family", "Description"],
        ..PLAIN
    },
    ResourceType {
        kind: "AWS::RDS::DBProxy",
        name: Some("DBProxyName"),
        max_name: 60,
        attributes: &[
            ("DBProxyArn", "arn:{partition}:rds:{region}:{account}:db-proxy:prx-{hex:17}"),
            ("Endpoint", "{id}.proxy-{low:12}.{region}.rds.{suffix}"),
        ],
        replace: &["EngineFamily", "VpcSubnetIds", "EndpointNetworkType", "TargetConnectionNetworkType"],
        ..PLAIN
    },
    ResourceType { kind: "AWS::RDS::DBSubnetGroup", name: Some("DBSubnetGroupName"), lower_name: true, ..PLAIN },
    ResourceType {
        kind: "AWS::S3::Bucket",
        name: Some("BucketName"),
        max_name: 63,
        lower_name: true,
        attributes: &[
            ("Arn", "arn:{partition}:s3:::{id}"),
            ("DomainName", "{id}.s3.{suffix}"),
            ("DualStackDomainName", "{id}.s3.dualstack.{region}.{suffix}"),
            ("RegionalDomainName", "{id}.s3.{region}.{suffix}"),
            ("WebsiteURL", "http://{id}.s3-website-{region}.{suffix}"),
        ],
        replace: &["BucketNamePrefix", "BucketNamespace"],
        ..PLAIN
    },
    ResourceType { kind: "AWS::S3::BucketPolicy", id: "{prop:Bucket}", replace: &["Bucket"], ..PLAIN },
];
