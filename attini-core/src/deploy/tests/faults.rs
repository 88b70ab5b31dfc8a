//! One whole deployment, with every single call failing once, before and after its effect; and with the process dying at
//! every call.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::contract::{Answer, Faults, Moment};
use crate::deploy::register_plan;
use crate::framework::Framework;
use crate::guard::{init_stack_event, stack_event};
use crate::port::{ExecutionStatus, StackEvent};
use crate::step::{plan_ended, run_action};
use crate::value::{DeploymentName, ExecutionArn, MachineArn, ObjectKey, TaskToken};

/// What drives a deployment: Lambda, or the local worker. What fails is done again, except for the steps of a plan: those
/// fail. After the process has died, whoever takes over does everything again.
struct Driver<'a> {
    world: &'a TestFramework,
    framework: Framework,
    dies: bool,
}

impl Driver<'_> {
    /// Calls until it works; after a death with calls that do not fail any more.
    fn until_done<T>(&mut self, mut call: impl FnMut(&Framework) -> Result<T, Failure>) -> T {
        for _ in 0..3 {
            match call(&self.framework) {
                Ok(done) => return done,
                Err(_) if self.dies => self.framework = self.world.framework.clone(),
                Err(_) => {}
            }
        }
        panic!("fails without a fault")
    }

    /// Calls once; only after a death again.
    fn step(&mut self, input: &Value) -> Result<Value, Failure> {
        match block_on(run_action(&self.framework, input.clone())) {
            Err(_) if self.dies => {
                self.framework = self.world.framework.clone();
                block_on(run_action(&self.framework, input.clone()))
            }
            done => done,
        }
    }

    /// Drives a deployment to its end.
    fn deploy(&mut self, upload: &Upload) {
        // A failed deployment is no failed call: it is recorded, and the second call finds it ended.
        let first = block_on(init_deploy(&self.framework, upload));
        if first.is_err() {
            self.until_done(|framework| block_on(init_deploy(framework, upload)));
        }
        self.register();
        for event in self.world.init_events() {
            self.until_done(|framework| block_on(init_stack_event(framework, &event)));
        }
        for execution in self.world.workflows.executions() {
            if execution.status == ExecutionStatus::Running {
                self.run_plan(&execution.arn);
            }
            self.end(&execution.arn);
        }
    }

    /// What the init stack's resources do while it is created.
    fn register(&mut self) {
        if self.world.init_stacks.requests().is_empty() {
            return;
        }
        let machine = machine(self.world);
        self.world.workflows.register(&machine);
        let plan = crate::contract::registration("dev-infra", &machine);
        self.until_done(|framework| block_on(register_plan(framework.inventory.as_ref(), &plan, None, "1.0.0")));
    }

    /// The plan: its first state, then one that deploys a stack.
    fn run_plan(&mut self, execution: &ExecutionArn) {
        let machine = execution.machine();
        let prepare = json!({"attiniActionType": "GetDeployOriginData", "sfnArn": machine.as_str(),
            "executionArn": execution.as_str(), "customData": {}});
        let payload = match self.step(&prepare) {
            Ok(payload) => payload,
            Err(failure) => {
                self.world.workflows.fail(execution, &failure.error, &failure.cause);
                return;
            }
        };
        let token = self.world.tokens.open();
        let mut input = payload.clone();
        input["attiniActionType"] = json!("DeployCfn");
        input["Properties"] = json!({"StackName": "dev-db", "Template": "/db.yaml"});
        input["deploymentPlanExecutionMetadata"] = json!({"executionArn": execution.as_str(), "stepName": "Db",
            "sfnToken": token.expose(), "retryCounter": 0});
        if let Err(failure) = self.step(&input) {
            self.world.tokens.close(&token);
            self.world.workflows.fail(execution, &failure.error, &failure.cause);
        }
        self.guard_steps();
        match self.world.tokens.answer_to(&token) {
            Some(Answer::Succeeded(output)) => {
                self.world.workflows.succeed(execution, &json!({"output": {"Db": output}}))
            }
            Some(Answer::Failed { error, cause }) => self.world.workflows.fail(execution, &error, &cause),
            None => false,
        };
    }

    fn guard_steps(&mut self) {
        let place = self.world.framework.place.clone();
        for event in self.world.step_events() {
            self.until_done(|framework| block_on(stack_event(framework, &place, &event)));
        }
    }

    fn end(&mut self, execution: &ExecutionArn) {
        let ended = block_on(self.world.framework.workflows.describe(execution)).unwrap();
        self.until_done(|framework| block_on(plan_ended(framework, &ended, 2)));
    }
}

fn machine(world: &TestFramework) -> MachineArn {
    world.framework.place.machine_arn("dev-infra-Plan")
}

fn files(id: &str) -> [(String, String); 3] {
    [
        ("attini-config.yaml", WITH_STACK.replace("abc", id)),
        ("plan.yaml", TEMPLATE.to_owned()),
        ("db.yaml", "Resources: {}\n".to_owned()),
    ]
    .map(|(path, content)| (path.to_owned(), content))
}

/// Deploys once under these faults, checks what must hold whatever failed, and returns the deployment's record.
fn deploy_under(faults: &Faults, dies: bool, context: &str) -> Value {
    let world = world();
    world.stacks.set_outputs("dev-db", &[("Url", "u")]);
    let of_first = files("abc");
    let of_first: Vec<(&str, &str)> = of_first.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let first = upload(&world, KEY, &of_first);
    Driver { world: &world, framework: world.under(faults), dies }.deploy(&first);

    let record = world.deployment("dev", "infra", &first.object());
    assert!(record.get("outcome").is_some(), "{context}: no end");
    let mut copy = world.latest("dev", "infra");
    if record["deploymentPlanStatus"] == "FAILED" {
        // A plan that failed while it was noted: the deployment knows it, for the copy it does not matter any more.
        copy["executionArns"].clone_from(&record["executionArns"]);
    }
    assert_eq!(copy, record, "{context}: the copy says something else");
    let tokens: Vec<TaskToken> = world.tokens.answers().into_iter().map(|(token, _)| token).collect();
    let distinct: BTreeSet<&str> = tokens.iter().map(TaskToken::expose).collect();
    assert_eq!(distinct.len(), tokens.len(), "{context}: two answers");
    let executions = world.workflows.executions();
    assert!(executions.len() <= 1, "{context}: two executions");
    let succeeded = executions.iter().any(|execution| execution.status == ExecutionStatus::Succeeded);
    assert_eq!(succeeded, record["outcome"] == "SUCCEEDED", "{context}: {record:#}");
    assert!(executions.iter().all(|execution| execution.status != ExecutionStatus::Running), "{context}: still runs");
    let distribution = world.find_body(&distribution_key("dev", "infra")).unwrap_or_default();
    assert_eq!(distribution.get("lastSuccess").is_some(), succeeded, "{context}");
    let output = world.artifacts.content(&ObjectKey::of_output("dev", "infra", "abc"));
    assert_eq!((output.is_some(), distribution.get("outputUrl").is_some()), (succeeded, succeeded), "{context}");
    if !succeeded {
        assert!(record["errorMessage"].as_str().unwrap().contains("injected fault"), "{context}: {record:#}");
    }
    repeat_everything(&world, &first, context);
    deploy_again(&world, context);
    record
}

/// Everything that was told once may be told again, and changes nothing.
fn repeat_everything(world: &TestFramework, upload: &Upload, context: &str) {
    let answers = world.tokens.answers();
    let before = without_fingerprint(world);
    block_on(init_deploy(&world.framework, upload)).unwrap();
    for event in world.init_events() {
        block_on(init_stack_event(&world.framework, &event)).unwrap();
    }
    for event in world.step_events() {
        block_on(stack_event(&world.framework, &world.framework.place, &event)).unwrap();
    }
    for execution in world.workflows.executions() {
        block_on(plan_ended(&world.framework, &execution, 2)).unwrap();
    }
    assert_eq!(without_fingerprint(world), before, "{context}: done twice");
    assert_eq!(world.tokens.answers(), answers, "{context}");
}

fn without_fingerprint(world: &TestFramework) -> Vec<(crate::port::RecordKey, serde_json::Map<String, Value>)> {
    let mut bodies = world.bodies();
    for (_, body) in &mut bodies {
        body.remove("initStackMd5Hex");
    }
    bodies
}

/// Whatever failed, the next deployment succeeds.
fn deploy_again(world: &TestFramework, context: &str) {
    world.clock.advance(Duration::from_secs(1));
    let files = files("def");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let next = upload(world, KEY, &files);
    Driver { world, framework: world.framework.clone(), dies: false }.deploy(&next);
    let record = world.deployment("dev", "infra", &next.object());
    assert_eq!(record["outcome"], "SUCCEEDED", "{context}: {record:#}");
    let name = DeploymentName::of_raw("dev", "infra");
    assert_eq!(world.body(&crate::port::RecordKey::latest(&name)), record, "{context}");
    assert_eq!(latest_id(world).as_deref(), Some("def"), "{context}");
}

/// The calls of a deployment in which nothing fails.
fn calls() -> Vec<&'static str> {
    let none = Faults::none();
    assert_eq!(deploy_under(&none, false, "no fault")["outcome"], "SUCCEEDED");
    none.calls()
}

#[test]
fn a_call_that_fails_leaves_one_outcome_and_nothing_undone() {
    let calls = calls();
    assert!(calls.len() > 80, "{calls:?}");
    let mut failed = BTreeSet::new();
    for (number, name) in calls.iter().enumerate().map(|(index, name)| (index + 1, name)) {
        for moment in [Moment::Before, Moment::After] {
            let context = format!("{moment:?} call {number}, {name}");
            if deploy_under(&Faults::at(number, moment), false, &context)["outcome"] == "FAILED" {
                failed.insert(number);
            }
        }
    }
    // Whoever handles events tries again, so only what init deploy and a step call can fail a deployment.
    let of_events = calls.iter().position(|name| *name == "StackService::create").unwrap() + 1;
    assert!(failed.contains(&1) && !failed.contains(&of_events), "{failed:?}");
}

#[test]
fn a_process_that_dies_at_any_call_loses_nothing() {
    for (number, name) in calls().iter().enumerate().map(|(index, name)| (index + 1, name)) {
        let context = format!("death before call {number}, {name}");
        let record = deploy_under(&Faults::from(number), true, &context);
        assert_eq!(record["outcome"], "SUCCEEDED", "{context}: {record:#}");
    }
}

#[test]
fn an_event_of_the_stack_that_comes_before_everything_else_is_harmless() {
    let world = world();
    let of_first = files("abc");
    let of_first: Vec<(&str, &str)> = of_first.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let first = upload(&world, KEY, &of_first);
    let other = TestFramework::new();
    block_on(other.create_environment("dev"));
    let same = upload(&other, KEY, &of_first);
    block_on(init_deploy(&other.framework, &same)).unwrap();
    let events: Vec<StackEvent> = other.init_events();
    for event in &events {
        block_on(init_stack_event(&world.framework, event)).unwrap();
    }
    assert_eq!(world.bodies().len(), 1, "the environment only");
    block_on(init_deploy(&world.framework, &first)).unwrap();
}
