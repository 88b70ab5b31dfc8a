//! The ECS task definition of a runner: the user's, the framework's, or a new one (deployment-plan.md 5.3).

use serde_json::{Map, Value, json};

use super::Runner;

/// Where the Docker socket of an EC2 host is; jobs there may build images.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";

/// Returns the reference for the record, and adds a task definition with its log group where one is needed.
pub(super) fn add(runner: &mut Runner<'_>, resources: &mut Map<String, Value>) -> Value {
    let around = runner.around;
    if let Some(own) = runner.properties.get("TaskDefinitionArn") {
        return own.clone();
    }
    let on_host = runner.properties.contains_key("Ec2Configuration");
    let image = runner.properties.get("Image").cloned();
    if image.is_none() && !on_host {
        let (partition, region) = (around.partition, around.region.unwrap_or_default());
        let account = around.account;
        return json!(format!("arn:{partition}:ecs:{region}:{account}:task-definition/attini-default-runner"));
    }
    let image = image.unwrap_or_else(|| json!(around.settings.default_runner_image));
    let (id, log_id) = (format!("{}TaskDefinition", runner.id), format!("{}LogGroup", runner.id));
    let properties = definition(runner, &image, on_host, &log_id);
    resources.insert(id.clone(), json!({"Type": "AWS::ECS::TaskDefinition", "Properties": properties}));
    resources.insert(log_id, log_group());
    json!({"Ref": id})
}

/// A log group for runners.
pub(super) fn log_group() -> Value {
    json!({"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 90}})
}

fn definition(runner: &Runner<'_>, image: &Value, on_host: bool, log_id: &str) -> Value {
    let role = runner.properties.get("RoleArn").cloned().unwrap_or_else(|| {
        let partition = runner.around.partition;
        let role = "role/attini/attini-default-runner-role-${AWS::Region}";
        json!({"Fn::Sub": format!("arn:{partition}:iam::${{AWS::AccountId}}:{role}")})
    });
    let size = |key: &str, default: u32| runner.properties.get(key).cloned().unwrap_or_else(|| json!(default));
    let mut container = json!({
        "Name": "Container",
        "Image": image,
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": {"Ref": log_id},
                "awslogs-region": {"Ref": "AWS::Region"},
                "awslogs-stream-prefix": "logs",
            },
        },
    });
    if on_host {
        let region = runner.around.region.unwrap_or_default();
        container["Privileged"] = json!(false);
        container["MountPoints"] = json!([{"SourceVolume": "dockersock", "ContainerPath": DOCKER_SOCKET}]);
        container["Environment"] = json!([{"Name": "AWS_DEFAULT_REGION", "Value": region}]);
    }
    let mut definition = json!({
        "Cpu": size("Cpu", 512),
        "Memory": size("Memory", 3072),
        "ExecutionRoleArn": role,
        "TaskRoleArn": role,
        "NetworkMode": if on_host { "bridge" } else { "awsvpc" },
        "RequiresCompatibilities": [if on_host { "EC2" } else { "FARGATE" }],
        "ContainerDefinitions": [container],
    });
    if on_host {
        definition["Volumes"] = json!([{"Name": "dockersock", "Host": {"SourcePath": DOCKER_SOCKET}}]);
    }
    definition
}
