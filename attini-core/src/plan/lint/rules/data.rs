//! Rules about what steps read from the payload.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Example, Findings, Level, Rule};
use crate::asl::State;
use crate::document::Node;
use crate::plan::PlanKind;
use crate::plan::frame::PAYLOAD_FIELDS;
use crate::plan::kinds::{cdk_diff_name, package_sam_name};
use crate::plan::lint::facts::{Facts, PlanFacts, TemplateFacts};
use crate::plan::lint::reads::{Read, formats, root_written};
use crate::plan::lint::written::Existence;

/// The fields of `$.deploymentOriginData` (deployment-plan.md 9.2).
const ORIGIN_FIELDS: [&str; 12] = [
    "distributionName",
    "distributionId",
    "environment",
    "deploymentName",
    "objectIdentifier",
    "stackName",
    "deploymentTime",
    "deploymentSource",
    "distributionTags",
    "version",
    "samPackaged",
    "platformDistributionData",
];

type VisitNames<'v> = dyn FnMut(&TemplateFacts<'_>, &PlanFacts<'_>, &Read, &[String]) + 'v;
type VisitOutput<'v> = dyn FnMut(&TemplateFacts<'_>, &PlanFacts<'_>, &Read, &str, Existence) + 'v;

/// Visits every read of a state that gets the payload, and the names of each path in it.
fn each_read(facts: &Facts<'_>, visit: &mut VisitNames<'_>) {
    for (template, plan) in facts.plans() {
        for read in plan.reads.iter().filter(|read| plan.shapes.lost[read.state].is_none()) {
            for names in &read.names {
                visit(template, plan, read, names);
            }
        }
    }
}

/// Visits every output that is read, with what is known of its existence.
fn each_output(facts: &Facts<'_>, visit: &mut VisitOutput<'_>) {
    for (template, plan) in facts.plans() {
        for output in &plan.outputs {
            visit(template, plan, &plan.reads[output.read], &output.name, output.existence);
        }
    }
}

pub(super) const UNKNOWN_OUTPUT: Rule = Rule {
    code: "AT020",
    name: "unknown-output",
    level: Level::Error,
    summary: "A path reads the output of a step that does not exist.",
    why: "The step that reads it fails with `States.Runtime`, after everything before it was deployed.",
    fix: "Correct the name. Outputs are kept under the name of the step, or where a `ResultPath` puts them.",
    bad: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n- Name: Test\n  Type: AttiniRunnerJob\n  Properties:\n    \
         Environment: {BUILD.$: $.output.Biuld.result}\n    Commands: [make test]\n",
    ),
    good: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n- Name: Test\n  Type: AttiniRunnerJob\n  Properties:\n    \
         Environment: {BUILD.$: $.output.Build.result}\n    Commands: [make test]\n",
    ),
    check: |facts, to| {
        each_output(facts, &mut |template, plan, read, name, existence| {
            if existence == Existence::Unknown {
                let names: BTreeSet<&str> = plan.written.names().collect();
                let what = if plan.names().contains(name) { "has no output" } else { "does not exist" };
                let text = format!("`{}` reads the output of {name}, which {what}", read.text);
                to.value(template.document, &read.path, text).suggest(name, names);
            }
        });
    },
};

pub(super) const OUTPUT_NOT_YET: Rule = Rule {
    code: "AT021",
    name: "output-not-yet",
    level: Level::Error,
    summary: "A path reads the output of a step that can only run later, or of the step itself.",
    why: "The output does not exist when it is read; the step fails with `States.Runtime`.",
    fix: "Put the step that makes the output in front, or give a default in `PayloadDefaults`.",
    bad: Example::Steps(
        "- Name: Test\n  Type: AttiniRunnerJob\n  Properties:\n    Environment: {BUILD.$: $.output.Build.result}\n    Commands: [make test]\n\
         - Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n",
    ),
    good: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n- Name: Test\n  Type: AttiniRunnerJob\n  Properties:\n    \
         Environment: {BUILD.$: $.output.Build.result}\n    Commands: [make test]\n",
    ),
    check: |facts, to| {
        each_output(facts, &mut |template, plan, read, name, existence| {
            let Existence::Later(writer) = existence else { return };
            let why = match writer == read.state {
                true => "is the step itself".to_owned(),
                false => format!("cannot have run before {}", step(plan, read.state)),
            };
            let text = format!("`{}` reads the output of {name}, which {why}", read.text);
            to.value(template.document, &read.path, text);
        });
    },
};

fn step<'a>(plan: &PlanFacts<'a>, state: usize) -> &'a str {
    &plan.states[state].state.name
}

pub(super) const OUTPUT_OF_OTHER_BRANCH: Rule = Rule {
    code: "AT022",
    name: "output-of-other-branch",
    level: Level::Error,
    summary: "A path reads the output of a step in another branch of the same `Parallel`.",
    why: "Branches run at the same time, each with its own copy of the payload: none sees what another writes before they are merged.",
    fix: "Move the step that reads behind the `Parallel`, or both into one branch.",
    bad: Example::Steps(
        "- Name: Both\n  Type: Parallel\n  Branches:\n    - - Name: Build\n        Type: AttiniRunnerJob\n        Properties:\n          Commands: [make]\n    \
         - - Name: Test\n        Type: AttiniRunnerJob\n        Properties:\n          Environment: {BUILD.$: $.output.Build.result}\n          Commands: [make test]\n",
    ),
    good: Example::Steps(
        "- Name: Both\n  Type: Parallel\n  Branches:\n    - - Name: Build\n        Type: AttiniRunnerJob\n        Properties:\n          Commands: [make]\n    \
         - - Name: Lint\n        Type: AttiniRunnerJob\n        Properties:\n          Commands: [make lint]\n- Name: Test\n  Type: AttiniRunnerJob\n  Properties:\n    \
         Environment: {BUILD.$: $.output.Build.result}\n    Commands: [make test]\n",
    ),
    check: |facts, to| {
        each_output(facts, &mut |template, plan, read, name, existence| {
            let Existence::OtherBranch { parallel, .. } = existence else { return };
            let around = step(plan, parallel);
            let text = format!("`{}` reads the output of {name}, which is in another branch of {around}", read.text);
            to.value(template.document, &read.path, text).help(format!("read it behind {around}"));
        });
    },
};

pub(super) const OUTPUT_MAY_BE_MISSING: Rule = Rule {
    code: "AT023",
    name: "output-may-be-missing",
    level: Level::Warning,
    summary: "A path reads the output of a step that some ways leave out.",
    why: "On those ways the step that reads fails with `States.Runtime`: a `Choice` went past the step, an error in it was caught, or a map had no \
          items.",
    fix: "Give a default in `PayloadDefaults`, or test with `IsPresent` in a `Choice` first.",
    bad: Example::Steps(
        "- Name: IsDev\n  Type: Choice\n  Condition: {Variable: $.environment, StringEquals: dev}\n  IsTrue:\n    - Name: Seed\n      Type: AttiniRunnerJob\n      Properties:\n        Commands: [./seed.sh]\n\
         - Name: Test\n  Type: AttiniRunnerJob\n  Properties:\n    Environment: {SEED.$: $.output.Seed.result}\n    Commands: [make test]\n",
    ),
    good: Example::Template(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      \
         PayloadDefaults:\n        output: {Seed: {result: none}}\n      DeploymentPlan:\n        - Name: IsDev\n          Type: Choice\n          \
         Condition: {Variable: $.environment, StringEquals: dev}\n          IsTrue:\n            - Name: Seed\n              Type: AttiniRunnerJob\n              Properties:\n                \
         Commands: [./seed.sh]\n        - Name: Test\n          Type: AttiniRunnerJob\n          Properties:\n            Environment: {SEED.$: $.output.Seed.result}\n            Commands: [make test]\n",
    ),
    check: |facts, to| {
        each_output(facts, &mut |template, plan, read, name, existence| {
            if matches!(existence, Existence::Sometimes(_)) && !read.asks && !is_asked_before(plan, read.state, name) {
                let text = format!("`{}` reads the output of {name}, which does not exist on every way", read.text);
                let help =
                    format!("add `PayloadDefaults: {{output: {{{name}: …}}}}` to the plan, or test with IsPresent");
                to.value(template.document, &read.path, text).help(help);
            }
        });
    },
};

/// Says whether the state itself, or one that every way to it passes, asks if an output is there.
fn is_asked_before(plan: &PlanFacts<'_>, reader: usize, name: &str) -> bool {
    let asks = |read: &&Read| {
        read.asks
            && read
                .names
                .iter()
                .any(|names| matches!(&names[..], [output, asked, ..] if output == "output" && asked == name))
    };
    let chain: Vec<usize> = std::iter::once(reader).chain(plan.around(reader)).collect();
    plan.reads.iter().filter(asks).any(|read| {
        let asker = &plan.states[read.state];
        chain.iter().map(|state| &plan.states[*state]).any(|at| {
            let graph = &plan.scopes[at.scope].graph;
            at.scope == asker.scope && graph.dominates(graph.enter(asker.number), graph.enter(at.number))
        })
    })
}

pub(super) const UNKNOWN_OUTPUT_KEY: Rule = Rule {
    code: "AT024",
    name: "unknown-output-key",
    level: Level::Error,
    summary: "A path reads a key that the output of the step does not have.",
    why: "The step that reads fails with `States.Runtime`. What is known: the `Outputs` of a stack's template, the `Mapping` of an import, \
          `result` of a function, `message` of an approval.",
    fix: "Correct the key, or add the output to the template.",
    bad: Example::Steps(
        "- Name: Ask\n  Type: AttiniLambdaInvoke\n  Parameters: {FunctionName: oracle}\n- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    \
         Environment: {ANSWER.$: $.output.Ask.Payload}\n    Commands: [make]\n",
    ),
    good: Example::Steps(
        "- Name: Ask\n  Type: AttiniLambdaInvoke\n  Parameters: {FunctionName: oracle}\n- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    \
         Environment: {ANSWER.$: $.output.Ask.result}\n    Commands: [make]\n",
    ),
    check: unknown_output_key,
};

fn unknown_output_key(facts: &Facts<'_>, to: &mut Findings) {
    each_read(facts, &mut |template, plan, read, names| {
        let [output, name, keys @ ..] = names else { return };
        let mut writers = plan.written.writers(name);
        let (true, Some(writer), None) = (output == "output", writers.next(), writers.next()) else { return };
        if plan.default_outputs().is_some_and(|defaults| defaults.contains_key(name)) || read.asks {
            return;
        }
        let Some((level, known)) = known_keys(facts, plan, writer, name) else { return };
        let keys = match (level, keys) {
            (Some(level), [first, rest @ ..]) if *first == level => rest,
            (Some(level), [first, ..]) => {
                let text = format!("`{}`: the outputs of {name} lie below {level}, not {first}", read.text);
                to.value(template.document, &read.path, text);
                return;
            }
            (_, keys) => keys,
        };
        let Some(key) = keys.first().filter(|key| !known.contains(*key)) else { return };
        let text = match known.is_empty() {
            true => format!("`{}`: {name} has no outputs", read.text),
            false => format!("`{}`: the output of {name} has no key {key}", read.text),
        };
        let added = to.value(template.document, &read.path, text);
        if !known.is_empty() {
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            added.help(format!("it has {}", names.join(", "))).suggest(key, names);
        }
    });
}

/// Returns the keys that the output of a step can have, and the level they lie below; `None` when nobody knows.
fn known_keys(
    facts: &Facts<'_>,
    plan: &PlanFacts<'_>,
    writer: usize,
    name: &str,
) -> Option<(Option<String>, BTreeSet<String>)> {
    let state = plan.states[writer].state;
    let only = |key: &str| Some((None, BTreeSet::from([key.to_owned()])));
    if (state.kind == "AttiniSam" && name == package_sam_name(&state.name))
        || (state.kind == "AttiniCdk" && name == cdk_diff_name(&state.name))
    {
        return only("result");
    }
    if state.name != *name || state.fields.contains_key("ResultSelector") {
        return None;
    }
    match state.kind.as_str() {
        "AttiniLambdaInvoke" => only("result"),
        "AttiniManualApproval" => only("message"),
        "AttiniImport" => Some((None, mapping(state)?)),
        "AttiniCfn" => {
            let stack = plan.stacks.iter().find(|stack| stack.state == writer && stack.is_known)?;
            if stack.deletes {
                return Some((None, BTreeSet::new()));
            }
            let template = facts.project.documents.get(stack.template.as_ref()?)?;
            let outputs = template.root().get("Outputs").and_then(Node::as_map).unwrap_or_default();
            let names: BTreeSet<String> = outputs.iter().map(|(key, _)| key.text.clone()).collect();
            // A loop of the template makes names that are not written in it.
            (!names.iter().any(|name| name.starts_with("Fn::"))).then(|| (stack.output_path.clone(), names))
        }
        _ => None,
    }
}

fn mapping(state: &State) -> Option<BTreeSet<String>> {
    let mapping = state.fields.get("Properties")?.get("Mapping")?.as_object()?;
    Some(mapping.keys().map(|key| key.strip_suffix(".$").unwrap_or(key).to_owned()).collect())
}

pub(super) const UNKNOWN_STACK_PARAMETER: Rule = Rule {
    code: "AT025",
    name: "unknown-stack-parameter",
    level: Level::Error,
    summary: "A path reads a parameter that the init template does not declare.",
    why: "`$.stackParameters` holds the parameters of the init stack and nothing else; the step fails with `States.Runtime`.",
    fix: "Declare it under `Parameters` of the template, or correct the name.",
    bad: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Environment: {STAGE.$: $.stackParameters.Stage}\n    Commands: [make]\n",
    ),
    good: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Environment: {STAGE.$: $.stackParameters.AttiniEnvironmentName}\n    Commands: [make]\n",
    ),
    check: |facts, to| {
        each_read(facts, &mut |template, _, read, names| {
            let [root, name, ..] = names else { return };
            let is_declared = || template.json.get("Parameters").is_some_and(|all| all.get(name).is_some());
            if root == "stackParameters" && !read.asks && !is_declared() {
                let declared = template.section("Parameters").map(|(name, _)| name.as_str());
                let text = format!("`{}`: the template declares no parameter {name}", read.text);
                to.value(template.document, &read.path, text).suggest(name, declared);
            }
        });
    },
};

pub(super) const UNKNOWN_PAYLOAD_FIELD: Rule = Rule {
    code: "AT026",
    name: "unknown-payload-field",
    level: Level::Warning,
    summary: "A path starts with a field that the payload does not have.",
    why: "The payload of a plan has `environment`, `output`, `stackParameters`, `dependencies`, `customData` and `deploymentOriginData`, and what \
          `ResultPath`s add. Reading anything else fails with `States.Runtime`.",
    fix: "Correct the name.",
    bad: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Environment: {STAGE.$: $.enviroment}\n    Commands: [make]\n",
    ),
    good: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Environment: {STAGE.$: $.environment}\n    Commands: [make]\n",
    ),
    check: unknown_payload_field,
};

fn unknown_payload_field(facts: &Facts<'_>, to: &mut Findings) {
    for (template, plan) in facts.plans() {
        let mut known: BTreeSet<String> = PAYLOAD_FIELDS.iter().map(|field| (*field).to_owned()).collect();
        if plan.resource.kind == PlanKind::App {
            known.insert("appConfig".to_owned());
        }
        for state in &plan.states {
            known.extend(root_written(&state.state.fields));
            let catchers = state.state.fields.get("Catch").and_then(Value::as_array).into_iter().flatten();
            known.extend(catchers.filter_map(|catcher| root_written(catcher.as_object()?)));
            // What the iterations of a map are given.
            known.extend((state.state.kind == "AttiniMap").then(|| "ConfigFile".to_owned()));
            for key in ["ItemSelector", "Parameters"].iter().filter(|_| !state.inner.is_empty()) {
                let fields = state.state.fields.get(*key).and_then(Value::as_object).into_iter().flatten();
                known.extend(fields.map(|(name, _)| name.strip_suffix(".$").unwrap_or(name).to_owned()));
            }
        }
        for read in plan.reads.iter().filter(|read| !read.asks && plan.shapes.lost[read.state].is_none()) {
            for names in &read.names {
                let (name, known): (&String, BTreeSet<&str>) = match &names[..] {
                    [root, ..] if !known.contains(root) => (root, known.iter().map(String::as_str).collect()),
                    [root, name, ..] if root == "deploymentOriginData" && !ORIGIN_FIELDS.contains(&name.as_str()) => {
                        (name, ORIGIN_FIELDS.into_iter().collect())
                    }
                    _ => continue,
                };
                let text = format!("`{}`: the payload has no field {name}", read.text);
                to.value(template.document, &read.path, text).suggest(name, known);
            }
        }
    }
}

pub(super) const BAD_PATH: Rule = Rule {
    code: "AT027",
    name: "bad-path",
    level: Level::Error,
    summary: "A path, or a call of an intrinsic function, cannot be read.",
    why: "Step Functions refuses the state machine: a value under a key that ends in `.$` is a path that starts with `$`, or a call such as \
          `States.Format('{}', $.environment)`.",
    fix: "Correct the text, or remove `.$` from the key when a plain text is meant.",
    bad: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Environment: {STAGE.$: environment}\n    Commands: [make]\n",
    ),
    good: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Environment: {STAGE: environment}\n    Commands: [make]\n",
    ),
    check: |facts, to| {
        for (template, plan) in facts.plans() {
            for read in &plan.reads {
                if let Some(mistake) = &read.mistake {
                    to.value(template.document, &read.path, mistake.clone());
                }
            }
        }
    },
};

pub(super) const FORMAT_ARGUMENTS: Rule = Rule {
    code: "AT028",
    name: "format-arguments",
    level: Level::Error,
    summary: "`States.Format` has more or fewer arguments than `{}`.",
    why: "The step fails with `States.IntrinsicFailure` when it runs.",
    fix: "Give one argument for each `{}`; a bracket that is meant as such is written `\\{`.",
    bad: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Environment: {NAME.$: \"States.Format('{}-{}', $.environment)\"}\n    Commands: [make]\n",
    ),
    good: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Environment: {NAME.$: \"States.Format('{}-{}', $.environment, $.deploymentOriginData.distributionName)\"}\n    Commands: [make]\n",
    ),
    check: |facts, to| {
        for (template, plan) in facts.plans() {
            for read in plan.reads.iter().filter(|read| read.mistake.is_none()) {
                for (holes, arguments) in formats(&read.text) {
                    if holes != arguments {
                        let text = format!("`States.Format` has {holes} `{{}}` and {arguments} arguments for them");
                        to.value(template.document, &read.path, text);
                    }
                }
            }
        }
    },
};
