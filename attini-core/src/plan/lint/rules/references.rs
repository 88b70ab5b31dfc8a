//! Rules about names that stand for something outside of the plan's own states.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Example, Findings, Level, Rule};
use crate::plan::lint::facts::{Facts, PlanFacts, TemplateFacts};
use crate::plan::lint::walk::{Way, each_text};

/// Beginnings of the logical ids of resources that the macro makes.
const MADE_RESOURCES: [&str; 4] =
    ["AttiniDeploymentPlanSfn", "AttiniRunnerQueue", "AttiniRunnerSecurityGroup", "AttiniPostExecutionActions"];

pub(super) const UNDECLARED_DEPENDENCY: Rule = Rule {
    code: "AT029",
    name: "undeclared-dependency",
    level: Level::Error,
    summary: "A plan reads from a distribution that `attini-config` does not declare as a dependency.",
    why: "Only declared dependencies are in the payload: the import fails with `ImportError`. Declared ones are also checked before \
          anything is deployed.",
    fix: "Add `dependencies: [{distributionName: NAME}]` to the `attini-config` file.",
    bad: Example::Files(&[
        (
            "attini-config.yaml",
            "distributionName: shop\ninitDeployConfig:\n  template: plan.yaml\n  stackName: ${environment}-shop\n",
        ),
        (
            "plan.yaml",
            "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n        \
             - Name: Network\n          Type: AttiniImport\n          Properties:\n            SourceType: Distribution\n            Source: {Name: network}\n            Mapping: {VpcId: $.Vpc.Id}\n",
        ),
    ]),
    good: Example::Files(&[
        (
            "attini-config.yaml",
            "distributionName: shop\ndependencies:\n  - distributionName: network\ninitDeployConfig:\n  template: plan.yaml\n  stackName: ${environment}-shop\n",
        ),
        (
            "plan.yaml",
            "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n        \
             - Name: Network\n          Type: AttiniImport\n          Properties:\n            SourceType: Distribution\n            Source: {Name: network}\n            Mapping: {VpcId: $.Vpc.Id}\n",
        ),
    ]),
    check: undeclared_dependency,
};

fn undeclared_dependency(facts: &Facts<'_>, to: &mut Findings) {
    let Some(config) = &facts.project.config else { return };
    let declared: BTreeSet<&str> = config.dependencies.iter().map(|dependency| dependency.name.as_str()).collect();
    let text = |name: &str| format!("the distribution {name} is no dependency of this one");
    let help = |name: &str| format!("add `dependencies: [{{distributionName: {name}}}]` to the attini-config file");
    for state in facts.states().filter(|it| it.state.kind == "AttiniImport") {
        let kind = state.property("SourceType").and_then(Value::as_str).unwrap_or_default();
        let name = state.property("Source").and_then(|source| source.get("Name")?.as_str());
        if let Some(name) = name.filter(|name| !name.contains("${") && !declared.contains(name))
            && kind.eq_ignore_ascii_case("Distribution")
        {
            let path = state.state.origin.key("Properties").key("Source").key("Name");
            to.value(state.template.document, &path, text(name)).help(help(name));
        }
    }
    for (template, plan) in facts.plans() {
        for read in &plan.reads {
            for names in &read.names {
                if let [root, name, ..] = &names[..]
                    && root == "dependencies"
                    && !declared.contains(name.as_str())
                {
                    to.value(template.document, &read.path, text(name)).help(help(name));
                }
            }
        }
    }
}

pub(super) const UNUSED_PAYLOAD_DEFAULT: Rule = Rule {
    code: "AT030",
    name: "unused-payload-default",
    level: Level::Warning,
    summary: "`PayloadDefaults` has something that nobody writes or reads.",
    why: "Only its member `output` counts, with the names of steps below it. A default under another name is not used when the step did not run.",
    fix: "Correct the name of the step, or remove the default.",
    bad: Example::Template(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      \
         PayloadDefaults:\n        output: {Biuld: {result: none}}\n      DeploymentPlan:\n        - Name: Build\n          Type: AttiniRunnerJob\n          Properties: {Commands: [make]}\n",
    ),
    good: Example::Template(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      \
         PayloadDefaults:\n        output: {Build: {result: none}}\n      DeploymentPlan:\n        - Name: Build\n          Type: AttiniRunnerJob\n          Properties: {Commands: [make]}\n",
    ),
    check: |facts, to| {
        for (template, plan) in facts.plans() {
            let path = plan.property_path("PayloadDefaults");
            for name in plan.property("PayloadDefaults").and_then(Value::as_object).into_iter().flatten().map(|it| it.0)
            {
                if name != "output" {
                    let text = format!("PayloadDefaults.{name} is not used, only PayloadDefaults.output is");
                    to.key(template.document, &path.key(name), text);
                }
            }
            let read = plan.reads.iter().flat_map(|read| &read.names);
            let read = read.filter(|names| names.len() > 1 && names[0] == "output").map(|names| names[1].as_str());
            let known: BTreeSet<&str> = plan.written.names().chain(read).collect();
            for name in plan.default_outputs().into_iter().flatten().map(|it| it.0) {
                if !known.contains(name.as_str()) {
                    let text = format!("{name} is neither a step with an output nor read by one");
                    to.key(template.document, &path.key("output").key(name), text).suggest(name, known.iter().copied());
                }
            }
        }
    },
};

/// Returns the names in `${name}`; `${!name}` and `$${name}` mean the text itself and are left out.
fn holes(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("${") {
        let Some(end) = text[at..].find('}') else { continue };
        let name = &text[at + 2..at + end];
        if !name.starts_with('!') && !text[..at].ends_with('$') {
            found.push(name);
        }
    }
    found
}

pub(super) const UNUSED_SUBSTITUTION: Rule = Rule {
    code: "AT031",
    name: "unused-substitution",
    level: Level::Warning,
    summary: "A key of `DefinitionSubstitutions` stands nowhere in the plan.",
    why: "It replaces nothing. Most often the `${KEY}` that it was meant for is misspelt and stays in the plan as it is.",
    fix: "Write `${KEY}` in a text of the plan, or remove the key.",
    bad: Example::Template(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Topic: {Type: AWS::SNS::Topic}\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      \
         DefinitionSubstitutions: {TopicArn: !Ref Topic}\n      DeploymentPlan:\n        - Name: Build\n          Type: AttiniRunnerJob\n          Properties: {Commands: [make]}\n",
    ),
    good: Example::Template(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Topic: {Type: AWS::SNS::Topic}\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      \
         DefinitionSubstitutions: {TopicArn: !Ref Topic}\n      DeploymentPlan:\n        - Name: Build\n          Type: AttiniRunnerJob\n          Properties: {Commands: [\"make TOPIC=${TopicArn}\"]}\n",
    ),
    check: |facts, to| {
        for (template, plan) in facts.plans() {
            let mut used = BTreeSet::new();
            if let Some(definition) = plan.property("DeploymentPlan") {
                each_text(definition, &mut Way::default(), &mut |_, text, _| {
                    used.extend(
                        text.split("${")
                            .skip(1)
                            .filter_map(|rest| rest.split('}').next())
                            .map(|name| name.trim_start_matches('!').to_owned()),
                    );
                });
            }
            let path = plan.property_path("DefinitionSubstitutions");
            for name in substitutions(plan).into_iter().filter(|name| !used.contains(*name)) {
                let text = format!("`${{{name}}}` stands nowhere in the plan");
                to.key(template.document, &path.key(name), text);
            }
        }
    },
};

fn substitutions<'a>(plan: &PlanFacts<'a>) -> Vec<&'a str> {
    let all = plan.property("DefinitionSubstitutions").and_then(Value::as_object).into_iter().flatten();
    all.map(|(name, _)| name.as_str()).collect()
}

pub(super) const UNKNOWN_SUBSTITUTION: Rule = Rule {
    code: "AT032",
    name: "unknown-substitution",
    level: Level::Warning,
    summary: "A text has `${NAME}`, and nothing replaces it.",
    why: "It stays as it is: a stack would be called `${AttiniEnvironmentName}-db`, letter by letter. Names are replaced in `!Sub`, by \
          `DefinitionSubstitutions`, and in steps that deploy stacks by `Variables` and `initDeployConfig.variables`. (In commands the shell replaces them.)",
    fix: "Write `!Sub` in front of the text, or define the name.",
    bad: Example::Steps(
        "- Name: Database\n  Type: AttiniCfn\n  Properties:\n    StackName: ${AttiniEnvironmentName}-database\n    Template: /database.yaml\n",
    ),
    good: Example::Steps(
        "- Name: Database\n  Type: AttiniCfn\n  Properties:\n    StackName: !Sub ${AttiniEnvironmentName}-database\n    Template: /database.yaml\n",
    ),
    check: unknown_substitution,
};

fn unknown_substitution(facts: &Facts<'_>, to: &mut Findings) {
    let of_config = facts.project.config.as_ref().and_then(|config| config.init_deploy.as_ref());
    let of_config: BTreeSet<&str> = of_config
        .into_iter()
        .flat_map(|init| init.variables.values())
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    for state in facts.states() {
        // What these run is text of a shell.
        if matches!(state.state.kind.as_str(), "AttiniRunnerJob" | "AttiniCdk") {
            continue;
        }
        let known = substitutions(state.plan);
        let is_stack = matches!(state.state.kind.as_str(), "AttiniCfn" | "AttiniSam");
        let own = state.property("Variables").and_then(Value::as_object).into_iter().flatten();
        let own: BTreeSet<&str> = own.map(|(name, _)| name.strip_suffix(".$").unwrap_or(name)).collect();
        for (key, value) in &state.state.fields {
            if matches!(key.as_str(), "Condition" | "Comment") {
                continue;
            }
            each_text(value, &mut Way::of(&state.state.origin.key(key)), &mut |way, text, in_sub| {
                for name in holes(text).into_iter().filter(|_| !in_sub) {
                    let has_default = name.contains(":-");
                    if known.contains(&name)
                        || (is_stack && (has_default || own.contains(name) || of_config.contains(name)))
                    {
                        continue;
                    }
                    let is_declared = name.starts_with("AWS::") || declared(state.template).contains_key(name);
                    // Without the configuration nobody knows its variables.
                    if !is_declared && is_stack && facts.project.config.is_none() {
                        continue;
                    }
                    let text = format!("nothing replaces `${{{name}}}` here");
                    let help = match is_declared {
                        true => "write `!Sub` in front of the text".to_owned(),
                        false => format!("define {name} in DefinitionSubstitutions, or in the Variables of the step"),
                    };
                    to.value(state.template.document, &way.path(), text).help(help);
                }
            });
        }
    }
}

/// Returns the parameters and resources of the template.
fn declared<'a>(template: &TemplateFacts<'a>) -> BTreeMap<&'a str, &'a Value> {
    let all = template.section("Parameters").chain(template.section("Resources"));
    all.map(|(name, value)| (name.as_str(), value)).collect()
}

pub(super) const UNKNOWN_REFERENCE: Rule = Rule {
    code: "AT033",
    name: "unknown-reference",
    level: Level::Error,
    summary: "`!Ref`, `!GetAtt` or `!Sub` in a plan or a runner names nothing in the template.",
    why: "CloudFormation refuses the init stack: unresolved resource dependencies. Parameters of Attini, such as `AttiniEnvironmentName`, have to be \
          declared as well.",
    fix: "Declare the parameter, or correct the name.",
    bad: Example::Steps(
        "- Name: Database\n  Type: AttiniCfn\n  Properties:\n    StackName: !Sub ${AttiniEnviromentName}-database\n    Template: /database.yaml\n",
    ),
    good: Example::Steps(
        "- Name: Database\n  Type: AttiniCfn\n  Properties:\n    StackName: !Sub ${AttiniEnvironmentName}-database\n    Template: /database.yaml\n",
    ),
    check: unknown_reference,
};

fn unknown_reference(facts: &Facts<'_>, to: &mut Findings) {
    let Some(template) = &facts.template else { return };
    let declared = declared(template);
    let is_known = |name: &str| {
        let made = |id: &&str| name.starts_with(*id) && !name.is_empty();
        // SAM makes further resources, whose names begin with those of its own.
        name.starts_with("AWS::")
            || declared.keys().any(|id| made(id) && template.json["Resources"].get(*id).is_some())
            || declared.contains_key(name)
            || declared.keys().any(|id| id.starts_with("Fn::"))
            || MADE_RESOURCES.iter().any(|start| name.starts_with(start))
    };
    let plans = template.plans.iter().map(|plan| plan.resource.logical_id.as_str());
    let runners = template.runners().map(|(id, _)| id);
    let owners: Vec<&str> = plans.chain(runners).collect();
    for owner in owners {
        let properties = &template.json["Resources"][owner]["Properties"];
        let path = TemplateFacts::resource_path(owner).key("Properties");
        each_reference(properties, &mut Way::of(&path), &mut |way, name| {
            if !is_known(name) {
                let text = format!("the template has no parameter or resource {name}");
                to.value(template.document, &way.path(), text).suggest(name, declared.keys().copied());
            }
        });
    }
}

/// Visits every name that an intrinsic function refers to. Documents limit the depth.
fn each_reference(value: &Value, way: &mut Way, visit: &mut dyn FnMut(&Way, &str)) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                way.index(index, |way| each_reference(item, way, visit));
            }
        }
        Value::Object(fields) => {
            let alone = fields.len() == 1;
            for (key, value) in fields {
                way.key(key, |way| match (key.as_str(), value) {
                    ("Ref", Value::String(name)) if alone => visit(way, name),
                    ("Fn::GetAtt", Value::String(text)) if alone => visit(way, text.split('.').next().unwrap_or(text)),
                    ("Fn::GetAtt", Value::Array(parts)) if alone => {
                        if let Some(name) = parts.first().and_then(Value::as_str) {
                            visit(way, name);
                        }
                    }
                    ("Fn::Sub", Value::String(text)) if alone => sub(text, None, way, visit),
                    ("Fn::Sub", Value::Array(parts)) if alone => {
                        if let Some(text) = parts.first().and_then(Value::as_str) {
                            way.index(0, |way| sub(text, parts.get(1), way, visit));
                        }
                        way.index(1, |way| each_reference(parts.get(1).unwrap_or(&Value::Null), way, visit));
                    }
                    (_, value) => each_reference(value, way, visit),
                });
            }
        }
        _ => {}
    }
}

fn sub(text: &str, own: Option<&Value>, way: &Way, visit: &mut dyn FnMut(&Way, &str)) {
    for name in holes(text) {
        let name = name.trim();
        if own.and_then(|own| own.get(name)).is_none() {
            visit(way, name.split('.').next().unwrap_or(name));
        }
    }
}
