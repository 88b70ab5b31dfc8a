//! Rules about secrets, rights, and places written down. The lines of secrets are cut when all rules have run.

use serde_json::Value;

use super::{Example, Findings, Level, Rule};
use crate::document::{DocPath, Document, Node};
use crate::plan::lint::facts::Facts;
use crate::plan::lint::walk::{Way, each_node};

/// Parts of names whose values nobody else may know.
const SECRET_WORDS: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "accesskey",
    "access_key",
    "privatekey",
];
/// Ends of names that say where a secret is, not what it is.
const HARMLESS_ENDS: [&str; 12] =
    ["arn", "name", "id", "path", "parameter", "file", "url", "length", "ttl", "count", "timeout", "enabled"];

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word)) && !HARMLESS_ENDS.iter().any(|end| name.ends_with(end))
}

/// Says whether a text is a value of its own, not a reference, a path or a placeholder.
fn is_value(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty()
        && !text.starts_with(['$', '/'])
        && !text.contains("${")
        && !text.contains("{{resolve:")
        && !text.starts_with("arn:")
        && !text.eq_ignore_ascii_case("none")
        && !matches!(text, "true" | "false" | "null" | "-" | "~")
}

pub(super) const PLAIN_SECRET: Rule = Rule {
    code: "AT070",
    name: "plain-secret",
    level: Level::Error,
    summary: "A parameter or variable with the name of a secret has its value in the file.",
    why: "Everybody who sees the sources, the zip, the payload of the plan or the history of executions sees the secret. The value is not shown here.",
    fix: "Read it where it is needed: `{{resolve:secretsmanager:…}}` in the stack's template, `type: ssm-parameter` in a stack configuration file, or the \
          job fetches it with its role.",
    bad: Example::Steps(
        "- Name: Migrate\n  Type: AttiniRunnerJob\n  Properties:\n    Environment: {DB_PASSWORD: hunter2}\n    Commands: [./migrate.sh]\n",
    ),
    good: Example::Steps(
        "- Name: Migrate\n  Type: AttiniRunnerJob\n  Properties:\n    Environment: {DB_PASSWORD_PARAMETER: /shop/db/password}\n    Commands: [./migrate.sh]\n",
    ),
    check: plain_secret,
};

fn plain_secret(facts: &Facts<'_>, to: &mut Findings) {
    let mut maps: Vec<(&Document, DocPath)> = Vec::new();
    for state in facts.states() {
        let document = state.template.document;
        // The document is asked only for what the values, which are found faster, have.
        let has_secret = |value: Option<&Value>| {
            let keys = value.and_then(Value::as_object).into_iter().flatten();
            keys.map(|(key, _)| key).any(|key| is_secret_name(key))
        };
        for key in ["Parameters", "Variables", "Environment", "Context"] {
            if has_secret(state.property(key)) {
                maps.push((document, state.state.origin.key("Properties").key(key)));
            }
        }
        let stacks = state.property("StackConfiguration").and_then(Value::as_array).into_iter().flatten();
        for (index, _) in stacks.enumerate().filter(|(_, stack)| has_secret(stack.get("Parameters"))) {
            let path = state.state.origin.key("Properties").key("StackConfiguration").index(index);
            maps.push((document, path.key("Parameters")));
        }
        let payload = state.field("Parameters").and_then(|parameters| parameters.get("Payload"));
        if matches!(state.state.kind.as_str(), "AttiniLambdaInvoke" | "Task") && has_secret(payload) {
            maps.push((document, state.state.origin.key("Parameters").key("Payload")));
        }
    }
    for (template, plan) in facts.plans() {
        maps.push((template.document, plan.property_path("DefinitionSubstitutions")));
    }
    for file in facts.plans().flat_map(|(_, plan)| &plan.stacks).flat_map(|stack| &stack.chain) {
        if let Some(document) = facts.project.documents.get(file) {
            maps.push((document, DocPath::root().key("parameters")));
        }
    }
    if let Some(config) = &facts.project.config_file {
        let init = DocPath::root().key("initDeployConfig");
        for section in ["parameters", "variables"] {
            let path = init.key(section);
            let environments = config.get(&path).and_then(Node::as_map).unwrap_or_default();
            maps.extend(environments.iter().map(|(key, _)| (config, path.key(&key.text))));
        }
    }
    maps.sort_by(|one, other| (one.0.file_name(), &one.1).cmp(&(other.0.file_name(), &other.1)));
    maps.dedup_by(|one, other| one.0.file_name() == other.0.file_name() && one.1 == other.1);
    for (document, path) in maps {
        for (key, node) in document.get(&path).and_then(Node::as_map).into_iter().flatten() {
            let mut at = path.key(&key.text);
            let from_elsewhere = node.get("type").and_then(Node::as_text).is_some_and(|kind| kind != "string");
            let mut value = node.as_text();
            if let Some(inner) = node.get("value").filter(|_| !from_elsewhere) {
                value = inner.as_text();
                at = at.key("value");
            }
            let shows = value.is_some_and(|text| is_value(text) && access_key(text).is_none());
            if shows && is_secret_name(&key.text) {
                let text = format!("{} has the name of a secret, and its value stands here", key.text);
                to.value(document, &at, text);
            }
        }
    }
}

/// Returns what kind of credentials a text holds.
fn access_key(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let mut keys = words.filter(|word| {
        word.len() == 20 && (word.starts_with("AKIA") || word.starts_with("ASIA")) && word.chars().all(is_part)
    });
    keys.next().map(|_| "an AWS access key")
}

pub(super) const ACCESS_KEY: Rule = Rule {
    code: "AT071",
    name: "access-key",
    level: Level::Error,
    summary: "A file holds an AWS access key or a private key.",
    why: "Everybody who sees the file can act in the account. Treat the key as known to others already. It is not shown here.",
    fix: "Revoke the key, remove it from the history of the sources, and use roles.",
    bad: Example::Steps(
        "- Name: Copy\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [\"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE aws s3 ls\"]\n",
    ),
    good: Example::Steps("- Name: Copy\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [aws s3 ls]\n"),
    check: |facts, to| {
        for document in facts.project.all_documents() {
            each_node(document.root(), &mut Way::default(), &mut |node, way| {
                if let Some(what) = node.as_text().and_then(access_key) {
                    to.value(document, &way.path(), format!("{what} stands here"));
                }
            });
        }
    },
};

pub(super) const WILDCARD_POLICY: Rule = Rule {
    code: "AT072",
    name: "wildcard-policy",
    level: Level::Warning,
    summary: "`Policies` of a plan allow every action on every resource.",
    why: "Whoever can change the plan can do anything in the account.",
    fix: "Name the actions and resources that the states of the plan need. The right to call Attini is added by itself.",
    bad: Example::Template(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      \
         Policies:\n        - Statement: [{Effect: Allow, Action: '*', Resource: '*'}]\n      DeploymentPlan:\n        - Name: A\n          Type: Pass\n",
    ),
    good: Example::Template(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Topic: {Type: AWS::SNS::Topic}\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      \
         Policies:\n        - Statement: [{Effect: Allow, Action: 'sns:Publish', Resource: !Ref Topic}]\n      DeploymentPlan:\n        - Name: A\n          Type: Pass\n",
    ),
    check: |facts, to| {
        for (template, plan) in facts.plans() {
            let path = plan.property_path("Policies");
            if let Some(node) = template.document.get(&path) {
                each_node(node, &mut Way::of(&path), &mut |node, way| {
                    let json = || node.to_json();
                    let allows = node.get("Effect").is_some_and(|effect| effect.as_text() == Some("Allow"));
                    if allows && has_star(&json()["Action"]) && has_star(&json()["Resource"]) {
                        to.value(template.document, &way.path(), "this allows every action on every resource");
                    }
                    if node.as_text().is_some_and(|text| {
                        text == "AdministratorAccess" || text.ends_with(":policy/AdministratorAccess")
                    }) {
                        to.value(
                            template.document,
                            &way.path(),
                            "AdministratorAccess allows every action on every resource",
                        );
                    }
                });
            }
        }
    },
};

fn has_star(value: &Value) -> bool {
    match value {
        Value::String(text) => text == "*" || text == "*:*",
        Value::Array(items) => items.iter().any(has_star),
        _ => false,
    }
}

/// The parts of an ARN.
struct Arn<'t> {
    partition: &'t str,
    region: &'t str,
    account: &'t str,
}

/// Returns the ARNs in a text.
fn arns(text: &str) -> impl Iterator<Item = Arn<'_>> {
    text.match_indices("arn:").filter_map(|(at, _)| {
        if text[..at].ends_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        // Names in `${…}` may hold colons.
        let mut parts = Vec::new();
        let (mut part, mut depth) = (at + 4, 0_u32);
        for (offset, c) in text[at + 4..].char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                ':' if depth == 0 => {
                    parts.push(&text[part..at + 4 + offset]);
                    part = at + 4 + offset + 1;
                }
                c if c.is_whitespace() => break,
                _ => {}
            }
            if parts.len() == 4 {
                break;
            }
        }
        match parts.as_slice() {
            [partition, _, region, account, ..] => Some(Arn { partition, region, account }),
            _ => None,
        }
    })
}

/// Visits every text of the plans and runners of the template.
fn each_text(facts: &Facts<'_>, visit: &mut dyn FnMut(&Document, &str, &Way)) {
    let Some(template) = &facts.template else { return };
    let plans = template.plans.iter().map(|plan| plan.resource.logical_id.as_str());
    let owners: Vec<&str> = plans.chain(template.runners().map(|(id, _)| id)).collect();
    for owner in owners {
        let path = DocPath::root().key("Resources").key(owner).key("Properties");
        if let Some(node) = template.document.get(&path) {
            each_node(node, &mut Way::of(&path), &mut |node, way| {
                if let Some(text) = node.as_text() {
                    visit(template.document, text, way);
                }
            });
        }
    }
}

pub(super) const HARD_CODED_PLACE: Rule = Rule {
    code: "AT073",
    name: "hard-coded-place",
    level: Level::Warning,
    summary: "An ARN in a plan or a runner has the account or the region written down.",
    why: "The distribution works in one account or region only, or reaches from one environment into another.",
    fix: "Write `${AWS::AccountId}` and `${AWS::Region}` in a `!Sub`, or take the ARN from an output or a parameter.",
    bad: Example::Steps(
        "- Name: Ask\n  Type: AttiniLambdaInvoke\n  Parameters:\n    FunctionName: !Sub arn:${AWS::Partition}:lambda:eu-west-1:111122223333:function:oracle\n",
    ),
    good: Example::Steps(
        "- Name: Ask\n  Type: AttiniLambdaInvoke\n  Parameters:\n    FunctionName: !Sub arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:oracle\n",
    ),
    check: |facts, to| {
        each_text(facts, &mut |document, text, way| {
            let found = arns(text).find_map(|arn| {
                let is_account = arn.account.len() == 12 && arn.account.bytes().all(|byte| byte.is_ascii_digit());
                let is_region = !arn.region.is_empty() && !arn.region.contains("${") && arn.region != "*";
                match (is_account, is_region) {
                    (true, true) => Some("the account and the region"),
                    (true, false) => Some("the account"),
                    (false, true) => Some("the region"),
                    (false, false) => None,
                }
            });
            if let Some(what) = found {
                to.value(document, &way.path(), format!("the ARN has {what} written down"))
                    .help("write `${AWS::AccountId}` and `${AWS::Region}` in a `!Sub`");
            }
        });
    },
};

pub(super) const HARD_CODED_PARTITION: Rule = Rule {
    code: "AT074",
    name: "hard-coded-partition",
    level: Level::Note,
    summary: "An ARN in a plan or a runner has the partition `aws` written down.",
    why: "The distribution does not work in the partitions of China and of the government of the United States.",
    fix: "Write `arn:${AWS::Partition}:…` in a `!Sub`.",
    bad: Example::Steps(
        "- Name: Tell\n  Type: Task\n  Resource: arn:aws:states:::sns:publish\n  Parameters: {TopicArn.$: $.stackParameters.AttiniEnvironmentName, Message: done}\n  ResultPath: null\n",
    ),
    good: Example::Steps(
        "- Name: Tell\n  Type: Task\n  Resource: !Sub arn:${AWS::Partition}:states:::sns:publish\n  Parameters: {TopicArn.$: $.stackParameters.AttiniEnvironmentName, Message: done}\n  ResultPath: null\n",
    ),
    check: |facts, to| {
        each_text(facts, &mut |document, text, way| {
            if arns(text).any(|arn| arn.partition.starts_with("aws")) {
                to.value(document, &way.path(), "the ARN has the partition written down")
                    .help("write `arn:${AWS::Partition}:…` in a `!Sub`");
            }
        });
    },
};
