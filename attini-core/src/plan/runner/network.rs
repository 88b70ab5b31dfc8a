//! Where a runner's tasks run: the user's subnets, else those of the default VPC (deployment-plan.md 5.2).

use serde_json::{Map, Value, json};

use super::Runner;
use crate::asl::kind_of;

/// Writes the network into the record, and adds the security group of a runner in the default VPC.
pub(super) fn add(runner: &mut Runner<'_>, record: &mut Map<String, Value>, resources: &mut Map<String, Value>) {
    match runner.group("AwsVpcConfiguration") {
        Some(network) => own(runner, &network, record),
        None => default(runner, record, resources),
    }
}

fn own(runner: &mut Runner<'_>, network: &Map<String, Value>, record: &mut Map<String, Value>) {
    match network.get("Subnets") {
        None => runner.report(&["AwsVpcConfiguration"], "Subnets is missing in AwsVpcConfiguration"),
        Some(subnets) => {
            if let Some(subnets) = joined(runner, "Subnets", subnets) {
                record.insert("subnets".to_owned(), subnets);
            }
        }
    }
    if let Some(groups) = network.get("SecurityGroups")
        && let Some(groups) = joined(runner, "SecurityGroups", groups)
    {
        record.insert("securityGroups".to_owned(), groups);
    }
    let public = match network.get("AssignPublicIp") {
        None | Some(Value::Bool(true)) => json!("ENABLED"),
        Some(Value::Bool(false)) => json!("DISABLED"),
        Some(value @ Value::Object(_)) => value.clone(),
        Some(value) => {
            if value != "ENABLED" && value != "DISABLED" {
                let text = "AssignPublicIp must be ENABLED or DISABLED";
                runner.report(&["AwsVpcConfiguration", "AssignPublicIp"], text);
            }
            value.clone()
        }
    };
    record.insert("assignPublicIp".to_owned(), public);
}

/// Brings a list of ids, given as text or as a JSON list, to one text, or to a `Fn::Join` when it is only known later.
fn joined(runner: &mut Runner<'_>, key: &str, value: &Value) -> Option<Value> {
    let way = ["AwsVpcConfiguration", key];
    let parts: Vec<Value> = match value {
        Value::Object(_) => return Some(value.clone()),
        Value::String(text) => text.split(',').map(|part| json!(part)).collect(),
        Value::Array(items) => items.clone(),
        other => {
            runner.report(&way, format!("{key} must be a string or a list of strings, not {}", kind_of(other)));
            return None;
        }
    };
    let mut ids: Vec<Value> = Vec::with_capacity(parts.len());
    for part in parts {
        let id = match part {
            Value::String(text) if text.trim().is_empty() => continue,
            Value::String(text) => json!(text.trim()),
            Value::Object(_) => part,
            other => {
                runner.report(&way, format!("{key} must hold strings, not {}", kind_of(&other)));
                return None;
            }
        };
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.is_empty() {
        runner.report(&way, format!("{key} must not be empty"));
        return None;
    }
    let texts: Option<Vec<&str>> = ids.iter().map(Value::as_str).collect();
    Some(match texts {
        Some(texts) => json!(texts.join(",")),
        None => json!({"Fn::Join": [",", ids]}),
    })
}

fn default(runner: &mut Runner<'_>, record: &mut Map<String, Value>, resources: &mut Map<String, Value>) {
    match runner.around.settings.default_vpc_subnets.as_deref() {
        None => runner.report(&[], "AwsVpcConfiguration is missing, and the account has no default VPC in this region"),
        Some([]) => {
            runner.report(&[], "AwsVpcConfiguration is missing, and the default VPC of this region has no subnet");
        }
        Some(subnets) => {
            // Sorted, so that the same input gives the same template.
            let mut subnets: Vec<&str> = subnets.iter().map(String::as_str).collect();
            subnets.sort_unstable();
            subnets.dedup();
            record.insert("subnets".to_owned(), json!(subnets.join(",")));
        }
    }
    let group = format!("AttiniRunnerSecurityGroup{}", runner.id);
    record.insert("securityGroups".to_owned(), json!({"Fn::GetAtt": format!("{group}.GroupId")}));
    record.insert("assignPublicIp".to_owned(), json!("ENABLED"));
    let description = format!("${{AWS::StackName}} [ {} ] Security group", runner.id);
    let properties = json!({"GroupDescription": {"Fn::Sub": description}});
    resources.insert(group, json!({"Type": "AWS::EC2::SecurityGroup", "Properties": properties}));
}
