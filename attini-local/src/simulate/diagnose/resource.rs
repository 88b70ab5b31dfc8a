/// The calls that Step Functions knows by itself, with the ways to wait that each has: `s` for `.sync`, `2` for `.sync:2`,
/// `t` for `.waitForTaskToken`. All others go through `aws-sdk`.
const INTEGRATIONS: [(&str, &str, &str); 60] = [
    ("apigateway", "invoke", "t"),
    ("athena", "getQueryExecution", ""),
    ("athena", "getQueryResults", ""),
    ("athena", "startQueryExecution", "s"),
    ("athena", "stopQueryExecution", ""),
    ("batch", "submitJob", "s"),
    ("bedrock", "createModelCustomizationJob", "s"),
    ("bedrock", "invokeModel", ""),
    ("codebuild", "batchDeleteBuilds", ""),
    ("codebuild", "batchGetReports", ""),
    ("codebuild", "startBuild", "s"),
    ("codebuild", "startBuildBatch", "s"),
    ("codebuild", "stopBuild", ""),
    ("codebuild", "stopBuildBatch", ""),
    ("databrew", "startJobRun", "s"),
    ("dynamodb", "deleteItem", ""),
    ("dynamodb", "getItem", ""),
    ("dynamodb", "putItem", ""),
    ("dynamodb", "updateItem", ""),
    ("ecs", "runTask", "st"),
    ("eks", "call", ""),
    ("eks", "createCluster", "s"),
    ("eks", "createFargateProfile", "s"),
    ("eks", "createNodegroup", "s"),
    ("eks", "deleteCluster", "s"),
    ("eks", "deleteFargateProfile", "s"),
    ("eks", "deleteNodegroup", "s"),
    ("eks", "runJob", "s"),
    ("elasticmapreduce", "addStep", "s"),
    ("elasticmapreduce", "cancelStep", ""),
    ("elasticmapreduce", "createCluster", "s"),
    ("elasticmapreduce", "modifyInstanceFleetByName", ""),
    ("elasticmapreduce", "modifyInstanceGroupByName", ""),
    ("elasticmapreduce", "setClusterTerminationProtection", ""),
    ("elasticmapreduce", "terminateCluster", "s"),
    ("emr-containers", "createVirtualCluster", ""),
    ("emr-containers", "deleteVirtualCluster", "s"),
    ("emr-containers", "startJobRun", "s"),
    ("emr-serverless", "createApplication", "s"),
    ("emr-serverless", "deleteApplication", "s"),
    ("emr-serverless", "startApplication", "s"),
    ("emr-serverless", "startJobRun", "s"),
    ("emr-serverless", "stopApplication", "s"),
    ("events", "putEvents", "t"),
    ("glue", "startJobRun", "s"),
    ("http", "invoke", ""),
    ("lambda", "invoke", "t"),
    ("mediaconvert", "createJob", "s"),
    ("sagemaker", "createEndpoint", ""),
    ("sagemaker", "createEndpointConfig", ""),
    ("sagemaker", "createHyperParameterTuningJob", "s"),
    ("sagemaker", "createLabelingJob", "s"),
    ("sagemaker", "createModel", ""),
    ("sagemaker", "createProcessingJob", "s"),
    ("sagemaker", "createTrainingJob", "s"),
    ("sagemaker", "createTransformJob", "s"),
    ("sagemaker", "updateEndpoint", ""),
    ("sns", "publish", "t"),
    ("sqs", "sendMessage", "t"),
    ("states", "startExecution", "s2t"),
];

/// Why a `Resource` cannot be used.
pub(super) enum Unfit {
    NotRecognized,
    /// An Express machine cannot do this.
    NotInExpress(&'static str),
}

/// Checks the `Resource` of a Task.
pub(super) fn check(arn: &str, is_express: bool) -> Result<(), Unfit> {
    let mut parts = arn.splitn(6, ':');
    let (Some("arn"), Some(_), Some(service), Some(_), Some(_), Some(rest)) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Unfit::NotRecognized);
    };
    if service != "states" {
        return Ok(());
    }
    if rest.starts_with("activity:") {
        return if is_express { Err(Unfit::NotInExpress("Activity ARN")) } else { Ok(()) };
    }
    let patterns = [(".waitForTaskToken", "t"), (".sync:2", "2"), (".sync", "s")];
    let found = patterns.into_iter().find_map(|(suffix, letter)| Some((rest.strip_suffix(suffix)?, suffix, letter)));
    let (name, suffix, letter) = found.unwrap_or((rest, "", ""));
    let is_known = match name.split_once(':') {
        Some(("aws-sdk", call)) => call.contains(':') && matches!(letter, "" | "t"),
        Some((service, action)) => INTEGRATIONS.iter().any(|(known_service, known_action, patterns)| {
            (*known_service, *known_action) == (service, action) && (letter.is_empty() || patterns.contains(letter))
        }),
        None => false,
    };
    match suffix {
        _ if !is_known => Err(Unfit::NotRecognized),
        ".waitForTaskToken" if is_express => Err(Unfit::NotInExpress("'.waitForTaskToken' service integration")),
        ".sync" | ".sync:2" if is_express => Err(Unfit::NotInExpress("'.sync' service integration")),
        _ => Ok(()),
    }
}
