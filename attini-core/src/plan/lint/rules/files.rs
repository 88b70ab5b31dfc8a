//! Rules about the files that a plan names.

use std::collections::{BTreeMap, BTreeSet};

use super::{Example, Findings, Level, Rule};
use crate::document::{DocPath, Document, Node};
use crate::plan::lint::facts::{Facts, StateIn};
use crate::plan::lint::project::{Files, Place, Presence, is_literal};
use crate::plan::lint::stack_step::StackStep;
use crate::problem::Problems;

/// Parameters that the framework gives to every stack that declares them.
const FRAMEWORK_PARAMETERS: [&str; 4] =
    ["AttiniDistributionName", "AttiniEnvironmentName", "AttiniDistributionId", "AttiniRandomString"];

const CONFIG: &str =
    "distributionName: shop\ninitDeployConfig:\n  template: plan.yaml\n  stackName: ${environment}-shop\n";
const PLAN: &str = "\
Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DeploymentPlan:
        - Name: Database
          Type: AttiniCfn
          Properties:
            StackName: shop-database
            Template: /database.yaml
";
const STACK: &str = "Resources:\n  Table: {Type: AWS::DynamoDB::Table}\n";

/// Visits every path in the distribution that is named literally: where, the text, and what it is for.
fn each_path(facts: &Facts<'_>, visit: &mut dyn FnMut(&Document, &DocPath, &str, &str)) {
    let mut text = |document: &Document, path: &DocPath, what: &str| {
        if let Some(text) = document.get(path).and_then(Node::as_text).filter(|text| is_literal(text)) {
            visit(document, path, text, what);
        }
    };
    if let Some(config) = &facts.project.config_file {
        text(config, &DocPath::root().key("initDeployConfig").key("template"), "the init template");
    }
    for state in facts.states() {
        let properties = state.state.origin.key("Properties");
        let document = state.template.document;
        match state.state.kind.as_str() {
            "AttiniCfn" => {
                text(document, &properties.key("ConfigFile"), "the file");
                let stack = state.plan.stacks.iter().find(|stack| stack.state == state.index);
                if stack.is_none_or(|stack| !stack.deletes) {
                    text(document, &properties.key("Template"), "the template");
                }
            }
            "AttiniSam" => {
                text(document, &properties.key("ConfigFile"), "the file");
                text(document, &properties.key("Project").key("Path"), "the folder");
            }
            "AttiniCdk" => text(document, &properties.key("Path"), "the folder"),
            _ => {}
        }
    }
    for file in config_files(facts) {
        let Some(document) = facts.project.documents.get(&file) else { continue };
        text(document, &DocPath::root().key("extends"), "the file");
        for key in ["template", "templatePath"] {
            text(document, &DocPath::root().key(key), "the template");
        }
    }
}

/// Returns the stack configuration files that steps use.
fn config_files(facts: &Facts<'_>) -> BTreeSet<String> {
    facts.plans().flat_map(|(_, plan)| &plan.stacks).flat_map(|stack| stack.chain.iter().cloned()).collect()
}

pub(super) const MISSING_FILE: Rule = Rule {
    code: "AT040",
    name: "missing-file",
    level: Level::Error,
    summary: "A plan, or a file that it uses, names a file that is not in the distribution.",
    why: "The step fails, after everything before it was deployed.",
    fix: "Correct the path: it counts from the root of the distribution. When a prePackage command makes the file, this is only a note.",
    bad: Example::Files(&[("attini-config.yaml", CONFIG), ("plan.yaml", PLAN)]),
    good: Example::Files(&[("attini-config.yaml", CONFIG), ("plan.yaml", PLAN), ("database.yaml", STACK)]),
    check: |facts, to| {
        let Some(files) = &facts.project.files else { return };
        each_path(facts, &mut |document, path, text, what| {
            let (message, help) = match Place::of(text) {
                Place::Inside(file) if files.presence(&file) == Presence::Missing => {
                    (format!("{what} `{text}` is not in the distribution"), near(files, &file))
                }
                Place::Outside => (format!("{what} `{text}` is outside of the distribution"), None),
                _ => return,
            };
            let added = to.value(document, path, message);
            // What looks like a slip is worth more than a note even where a command may make the file.
            let _ = match (help, files.more_are_made) {
                (Some(help), false) => added.help(help),
                (None, false) => added,
                (Some(help), true) => {
                    added.help(format!("{help} Else a prePackage command has to make it")).level(Level::Warning)
                }
                (None, true) => added.help("a prePackage command has to make it").level(Level::Note),
            };
        });
    },
};

fn near(files: &Files, path: &str) -> Option<String> {
    let found = crate::asl::nearest(path, files.paths())?;
    Some(format!("did you mean `/{found}`?"))
}

pub(super) const IGNORED_FILE: Rule = Rule {
    code: "AT041",
    name: "ignored-file",
    level: Level::Error,
    summary: "A plan names a file that stays out of the distribution.",
    why: "The file is in the folder, and so it works until the distribution is packaged.",
    fix: "Put it back in with a line `!path` in `.attini-ignore`, or move it.",
    bad: Example::Files(&[
        (".attini-ignore", "*.yaml\n!plan.yaml\n"),
        ("attini-config.yaml", CONFIG),
        ("plan.yaml", PLAN),
        ("database.yaml", STACK),
    ]),
    good: Example::Files(&[
        (".attini-ignore", "*.yaml\n!plan.yaml\n!database.yaml\n"),
        ("attini-config.yaml", CONFIG),
        ("plan.yaml", PLAN),
        ("database.yaml", STACK),
    ]),
    check: |facts, to| {
        let Some(files) = &facts.project.files else { return };
        each_path(facts, &mut |document, path, text, what| {
            let Place::Inside(file) = Place::of(text) else { return };
            if let Presence::Ignored(reason) = files.presence(&file) {
                to.value(document, path, format!("{what} `{text}` stays out of the distribution")).help(reason);
            }
        });
    },
};

pub(super) const INVALID_STACK_CONFIG: Rule = Rule {
    code: "AT042",
    name: "invalid-stack-config",
    level: Level::Error,
    summary: "A stack configuration file that a step uses is wrong.",
    why: "The step fails with `StackConfigError`, after everything before it was deployed.",
    fix: "Correct the place that the finding shows. Paths of such files start with `/`.",
    bad: Example::Files(&[
        ("attini-config.yaml", CONFIG),
        (
            "plan.yaml",
            "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n        \
             - Name: Database\n          Type: AttiniCfn\n          Properties: {ConfigFile: /database-config.yaml}\n",
        ),
        (
            "database-config.yaml",
            "stackName: shop-database\ntemplate: /database.yaml\nparameters:\n  Size: {valeu: 3}\n",
        ),
        (
            "database.yaml",
            "Parameters:\n  Size: {Type: Number, Default: 1}\nResources:\n  Table: {Type: AWS::DynamoDB::Table}\n",
        ),
    ]),
    good: Example::Files(&[
        ("attini-config.yaml", CONFIG),
        (
            "plan.yaml",
            "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n        \
             - Name: Database\n          Type: AttiniCfn\n          Properties: {ConfigFile: /database-config.yaml}\n",
        ),
        (
            "database-config.yaml",
            "stackName: shop-database\ntemplate: /database.yaml\nparameters:\n  Size: {value: 3}\n",
        ),
        (
            "database.yaml",
            "Parameters:\n  Size: {Type: Number, Default: 1}\nResources:\n  Table: {Type: AWS::DynamoDB::Table}\n",
        ),
    ]),
    check: invalid_stack_config,
};

fn invalid_stack_config(facts: &Facts<'_>, to: &mut Findings) {
    let mut open = Vec::new();
    for state in facts.states().filter(|it| matches!(it.state.kind.as_str(), "AttiniCfn" | "AttiniSam")) {
        let path = state.state.origin.key("Properties").key("ConfigFile");
        if let Some(text) = state.template.document.get(&path).and_then(Node::as_text).filter(|text| is_literal(text)) {
            open.extend(named(state.template.document, &path, text, to));
        }
    }
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut extends: BTreeMap<String, (String, &Document)> = BTreeMap::new();
    while let Some(file) = open.pop() {
        let Some((document, parsed)) = facts.project.stack_file(&file).filter(|_| seen.insert(file.clone())) else {
            continue;
        };
        match parsed {
            Ok((_, warnings)) => warnings.iter().for_each(|problem| to.problem(problem)),
            Err(Problems(problems)) => problems.iter().for_each(|problem| to.problem(problem)),
        }
        let path = DocPath::root().key("extends");
        let Some(text) = document.get(&path).and_then(Node::as_text).filter(|text| is_literal(text)) else { continue };
        if let Some(parent) = named(document, &path, text, to) {
            extends.insert(file, (parent.clone(), document));
            open.push(parent);
        }
    }
    for (file, (parent, document)) in &extends {
        let mut above = vec![parent];
        while let Some((next, _)) =
            above.last().and_then(|last| extends.get(*last)).filter(|_| above.len() <= extends.len())
        {
            above.push(next);
        }
        if above.contains(&file) {
            let text = format!("`{file}` extends itself in the end");
            to.value(document, &DocPath::root().key("extends"), text).help("remove one `extends`");
        }
    }
}

/// Returns the path of a configuration file; a relative one is reported.
fn named(document: &Document, path: &DocPath, text: &str, to: &mut Findings) -> Option<String> {
    if !text.starts_with('/') {
        let message = format!("the path `{text}` is relative");
        to.value(document, path, message).help(format!("write `/{text}`, counted from the root of the distribution"));
    }
    match Place::of(text) {
        Place::Inside(path) => Some(path),
        _ => None,
    }
}

/// Returns the parameters that a template declares; `None` when a loop makes further ones.
fn declared(document: &Document) -> Option<BTreeMap<&str, &Node>> {
    let entries = document.root().get("Parameters").and_then(Node::as_map).unwrap_or_default();
    let entries: BTreeMap<&str, &Node> = entries.iter().map(|(key, node)| (key.text.as_str(), node)).collect();
    (!entries.keys().any(|name| name.starts_with("Fn::"))).then_some(entries)
}

/// Visits the steps whose stack's template is known.
fn each_stack(facts: &Facts<'_>, visit: &mut dyn FnMut(&StateIn<'_, '_>, &StackStep, &Document)) {
    for state in facts.states() {
        let stack = state.plan.stacks.iter().find(|stack| stack.state == state.index && !stack.deletes);
        let template = stack.and_then(|stack| facts.project.documents.get(stack.template.as_ref()?));
        if let (Some(stack), Some(template)) = (stack, template) {
            visit(&state, stack, template);
        }
    }
}

pub(super) const UNDECLARED_PARAMETER: Rule = Rule {
    code: "AT043",
    name: "undeclared-parameter",
    level: Level::Warning,
    summary: "A step gives a parameter that the stack's template does not declare.",
    why: "It is left out without a word, so a misspelt parameter keeps its default.",
    fix: "Correct the name, declare the parameter in the template, or remove it.",
    bad: Example::Files(&[
        ("attini-config.yaml", CONFIG),
        (
            "plan.yaml",
            "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n        \
             - Name: Database\n          Type: AttiniCfn\n          Properties:\n            StackName: shop-database\n            Template: /database.yaml\n            Parameters: {Sise: 3}\n",
        ),
        (
            "database.yaml",
            "Parameters:\n  Size: {Type: Number, Default: 1}\nResources:\n  Table: {Type: AWS::DynamoDB::Table}\n",
        ),
    ]),
    good: Example::Files(&[
        ("attini-config.yaml", CONFIG),
        (
            "plan.yaml",
            "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n        \
             - Name: Database\n          Type: AttiniCfn\n          Properties:\n            StackName: shop-database\n            Template: /database.yaml\n            Parameters: {Size: 3}\n",
        ),
        (
            "database.yaml",
            "Parameters:\n  Size: {Type: Number, Default: 1}\nResources:\n  Table: {Type: AWS::DynamoDB::Table}\n",
        ),
    ]),
    check: |facts, to| {
        each_stack(facts, &mut |state, _, template| {
            let path = state.state.origin.key("Properties").key("Parameters");
            let Some(declared) = declared(template) else { return };
            let given = state.template.document.get(&path).and_then(Node::as_map).unwrap_or_default();
            for (key, _) in given {
                let name = key.text.strip_suffix(".$").unwrap_or(&key.text);
                if !declared.contains_key(name) && !name.starts_with("Fn::") {
                    let text = format!("the template `{}` declares no parameter {name}", template.file_name());
                    to.key(state.template.document, &path.key(&key.text), text).suggest(name, declared.keys().copied());
                }
            }
        });
    },
};

pub(super) const MISSING_PARAMETER: Rule = Rule {
    code: "AT044",
    name: "missing-parameter",
    level: Level::Error,
    summary: "A template declares a parameter without default, and nobody gives it a value.",
    why: "CloudFormation refuses to create the stack. (Attini itself gives `AttiniEnvironmentName`, `AttiniDistributionName`, \
          `AttiniDistributionId` and `AttiniRandomString` to whoever declares them.)",
    fix: "Set it in `Parameters` of the step, in its configuration file, or for the init stack in `initDeployConfig.parameters`; or give it a default.",
    bad: Example::Files(&[
        ("attini-config.yaml", CONFIG),
        ("plan.yaml", PLAN),
        ("database.yaml", "Parameters:\n  Size: {Type: Number}\nResources:\n  Table: {Type: AWS::DynamoDB::Table}\n"),
    ]),
    good: Example::Files(&[
        ("attini-config.yaml", CONFIG),
        ("plan.yaml", PLAN),
        (
            "database.yaml",
            "Parameters:\n  Size: {Type: Number, Default: 1}\nResources:\n  Table: {Type: AWS::DynamoDB::Table}\n",
        ),
    ]),
    check: missing_parameter,
};

fn missing_parameter(facts: &Facts<'_>, to: &mut Findings) {
    let needs = |name: &str, node: &Node| node.get("Default").is_none() && !FRAMEWORK_PARAMETERS.contains(&name);
    each_stack(facts, &mut |state, stack, template| {
        let Some(declared) = declared(template).filter(|_| stack.is_known) else { return };
        for (name, node) in declared {
            if needs(name, node) && !stack.given.contains(name) {
                let text = format!("the parameter {name} of `{}` gets no value", template.file_name());
                to.spot(state.spot(), text).help(format!("add `Parameters: {{{name}: …}}`"));
            }
        }
    });
    let (Some(config), Some(template)) = (&facts.project.config, &facts.template) else { return };
    let Some(init) = &config.init_deploy else { return };
    let given: BTreeSet<&str> = init.parameters.values().flatten().map(|(name, _)| name.as_str()).collect();
    let path = DocPath::root().key("Parameters");
    for (name, node) in declared(template.document).unwrap_or_default() {
        if needs(name, node) && !given.contains(name) {
            let text = format!("the parameter {name} of the init stack gets no value");
            to.key(template.document, &path.key(name), text).help(format!(
                "add `initDeployConfig: {{parameters: {{default: {{{name}: …}}}}}}` to the attini-config file"
            ));
        }
    }
}
