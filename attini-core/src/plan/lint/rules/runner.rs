//! Rules about runners and the jobs they run.

use serde_json::Value;

use super::flow::errors;
use super::refusal::{self, Kind};
use super::{Example, Findings, Level, Rule};
use crate::plan::lint::facts::{Facts, TemplateFacts};
use crate::plan::{DEFAULT_RUNNER, used_runners};

/// Seconds between two signs of life of a running job (runner.md 1).
const HEARTBEAT_SECONDS: u64 = 60;
/// The longest time that an execution can take: one year.
const LONGEST_SECONDS: u64 = 365 * 24 * 3600;
/// Repetitions of a job that nobody wonders at.
const FEW_ATTEMPTS: u64 = 3;

pub(super) const UNUSED_RUNNER: Rule = Rule {
    code: "AT051",
    name: "unused-runner",
    level: Level::Warning,
    summary: "The template defines a runner that no step uses.",
    why: "Its queue, network and log groups are made all the same. Often a step was meant to use it and runs on the default runner instead.",
    fix: "Name it in `Runner` of a step or in `DefaultRunner` of the plan, or remove it.",
    bad: Example::Template(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Builder:\n    Type: Attini::Deploy::Runner\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      \
         DeploymentPlan:\n        - Name: Build\n          Type: AttiniRunnerJob\n          Properties: {Commands: [make]}\n",
    ),
    good: Example::Template(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Builder:\n    Type: Attini::Deploy::Runner\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      \
         DefaultRunner: Builder\n      DeploymentPlan:\n        - Name: Build\n          Type: AttiniRunnerJob\n          Properties: {Commands: [make]}\n",
    ),
    check: |facts, to| {
        let Some(template) = &facts.template else { return };
        let used = used_runners(template.json);
        // Which runner a step takes may be known only when it runs, or be put in by a substitution.
        let is_open = facts.states().any(|state| {
            let properties = state.field("Properties");
            let chosen = properties.and_then(|properties| properties.get("Runner")).and_then(Value::as_str);
            chosen.is_some_and(|name| name.contains("${")) || properties.is_some_and(|it| it.get("Runner.$").is_some())
        });
        for (id, _) in template.runners() {
            let is_default = id == DEFAULT_RUNNER;
            if !is_open && !is_default && !used.iter().any(|name| name == id) {
                let path = TemplateFacts::resource_path(id);
                to.key(template.document, &path, format!("no step uses the runner {id}"));
            }
        }
    },
};

pub(super) const EMPTY_COMMANDS: Rule = Rule {
    code: "AT052",
    name: "empty-commands",
    level: Level::Error,
    summary: "A job has no commands, or only blank ones.",
    why: "The step would start a runner to do nothing and report success.",
    fix: "Write the commands as a list of texts, or remove the step.",
    bad: Example::Steps("- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: []\n"),
    good: Example::Steps("- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n"),
    check: |facts, to| {
        refusal::report(facts, Kind::Commands, to);
        for state in facts.states().filter(|it| it.state.kind == "AttiniRunnerJob") {
            let commands = state.property("Commands").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let blank =
                |command: &Value| command.is_null() || command.as_str().is_some_and(|text| text.trim().is_empty());
            if !commands.is_empty() && commands.iter().all(blank) {
                let path = state.state.origin.key("Properties").key("Commands");
                to.key(state.template.document, &path, format!("all commands of {} are blank", state.state.name));
            }
        }
    },
};

pub(super) const DEFAULT_RUNNER_OVERWRITTEN: Rule = Rule {
    code: "AT053",
    name: "default-runner-overwritten",
    level: Level::Note,
    summary: "The template defines a runner with the name of the default runner.",
    why: "It takes the place of the runner that Attini makes for steps which name none, and older frameworks replace its properties without a word.",
    fix: "Give it a name of its own and write that in `DefaultRunner` of the plan.",
    bad: Example::Template(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  AttiniDefaultRunner:\n    Type: Attini::Deploy::Runner\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      \
         DeploymentPlan:\n        - Name: Build\n          Type: AttiniRunnerJob\n          Properties: {Commands: [make]}\n",
    ),
    good: Example::Template(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Builder:\n    Type: Attini::Deploy::Runner\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      \
         DefaultRunner: Builder\n      DeploymentPlan:\n        - Name: Build\n          Type: AttiniRunnerJob\n          Properties: {Commands: [make]}\n",
    ),
    check: |facts, to| {
        let Some(template) = &facts.template else { return };
        if template.runners().any(|(id, _)| id == DEFAULT_RUNNER) {
            let path = TemplateFacts::resource_path(DEFAULT_RUNNER);
            to.key(template.document, &path, format!("{DEFAULT_RUNNER} is the name of the runner that Attini makes"))
                .help("rename it, and name it in `DefaultRunner` of the plan");
        }
    },
};

fn seconds(value: Option<&Value>) -> Option<u64> {
    value.and_then(Value::as_u64)
}

pub(super) const TIMEOUT_NEVER_REACHED: Rule = Rule {
    code: "AT054",
    name: "timeout-never-reached",
    level: Level::Warning,
    summary: "The `TimeoutSeconds` of a step is as long as that of the whole plan, or longer than an execution can last.",
    why: "The plan ends first, with an error that does not name the step, and the step's `Catch` does not run.",
    fix: "Make the step's time shorter than the plan's.",
    bad: Example::States(
        "TimeoutSeconds: 600\nStartAt: Build\nStates:\n  Build:\n    Type: AttiniRunnerJob\n    TimeoutSeconds: 900\n    Properties: {Commands: [make]}\n",
    ),
    good: Example::States(
        "TimeoutSeconds: 1200\nStartAt: Build\nStates:\n  Build:\n    Type: AttiniRunnerJob\n    TimeoutSeconds: 900\n    Properties: {Commands: [make]}\n",
    ),
    check: |facts, to| {
        for state in facts.states() {
            let whole = state.plan.scopes.first().and_then(|scope| seconds(scope.scope.fields.get("TimeoutSeconds")));
            let Some(own) = seconds(state.field("TimeoutSeconds")) else { continue };
            let text = match whole {
                Some(whole) if own >= whole => {
                    format!("the plan ends after {whole} seconds, before the {own} of this step")
                }
                _ if own > LONGEST_SECONDS => {
                    format!("an execution lasts one year at most, which is less than {own} seconds")
                }
                _ => continue,
            };
            to.value(state.template.document, &state.state.origin.key("TimeoutSeconds"), text);
        }
    },
};

pub(super) const HEARTBEAT_TOO_SHORT: Rule = Rule {
    code: "AT055",
    name: "heartbeat-too-short",
    level: Level::Error,
    summary: "`HeartbeatSeconds` is shorter than the time between two heartbeats of a runner.",
    why: "A runner gives a sign of life every 60 seconds while a job runs, and none while it starts or the job waits in the queue: the step fails \
          with `States.HeartbeatTimeout` although all is well.",
    fix: "Allow for the runner's start and the queue: 600 or more, or leave it out.",
    bad: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  HeartbeatSeconds: 30\n  Properties:\n    Commands: [make]\n",
    ),
    good: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  HeartbeatSeconds: 600\n  Properties:\n    Commands: [make]\n",
    ),
    check: |facts, to| {
        for state in facts.states().filter(|it| matches!(it.state.kind.as_str(), "AttiniRunnerJob" | "AttiniCdk")) {
            let own = seconds(state.field("HeartbeatSeconds")).filter(|own| *own <= HEARTBEAT_SECONDS);
            if let Some(own) = own {
                let text = format!("a runner gives a sign of life every {HEARTBEAT_SECONDS} seconds, not every {own}");
                to.value(state.template.document, &state.state.origin.key("HeartbeatSeconds"), text)
                    .help("write 600 or more");
            }
        }
    },
};

pub(super) const REPEATED_JOB: Rule = Rule {
    code: "AT056",
    name: "repeated-job",
    level: Level::Warning,
    summary: "A job, or a call of a function, is repeated many times after any error.",
    why: "Whatever it did before it failed is done again and again. The framework repeats by itself what failed on its own side.",
    fix: "List the errors that a repetition can help, or make `MaxAttempts` 3 or less.",
    bad: Example::Steps(
        "- Name: Migrate\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [./migrate.sh]\n  Retry:\n    - {ErrorEquals: [States.ALL], MaxAttempts: 20}\n",
    ),
    good: Example::Steps(
        "- Name: Migrate\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [./migrate.sh]\n  Retry:\n    - {ErrorEquals: [TaskFailedToStart], MaxAttempts: 20}\n",
    ),
    check: repeated_job,
};

fn repeated_job(facts: &Facts<'_>, to: &mut Findings) {
    const JOBS: [&str; 4] = ["AttiniRunnerJob", "AttiniCdk", "AttiniLambdaInvoke", "Task"];
    const ANY: [&str; 3] = ["States.ALL", "States.TaskFailed", "ScriptExecutionError"];
    for state in facts.states().filter(|it| JOBS.contains(&it.state.kind.as_str())) {
        let entries = state.field("Retry").and_then(Value::as_array).into_iter().flatten();
        for (index, entry) in entries.enumerate() {
            let attempts = seconds(entry.get("MaxAttempts")).unwrap_or(0);
            if attempts > FEW_ATTEMPTS && errors(entry).iter().any(|error| ANY.contains(error)) {
                let text =
                    format!("whatever goes wrong in {}, it is done again up to {attempts} times", state.state.name);
                let path = state.state.origin.key("Retry").index(index).key("MaxAttempts");
                to.value(state.template.document, &path, text);
            }
        }
    }
}
