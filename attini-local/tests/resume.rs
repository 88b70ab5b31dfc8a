//! Crashes at chosen moments: a runtime that vanishes with everything in it, and a new one that goes on.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use attini_core::inventory::{Outcome, find_deployment};
use attini_core::port::*;
use attini_core::value::{DeploymentName, Environment, ObjectIdentifier};
use attini_local::project::{PackageOptions, package};
use attini_local::world::{Deployed, LocalWorld, Options, Redriving, WorldError};
use serde_json::json;
use tokio::runtime::Runtime;

/// What happens to who creates a stack.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Trap {
    Panic,
    /// The crash comes before the operation.
    Before,
    /// The crash comes when the operation was accepted, and nobody has heard of that.
    After,
    None,
}

/// Stacks in which somebody gets caught.
#[derive(Debug)]
struct Stacks {
    inner: Arc<dyn StackService>,
    trap: Trap,
    caught: Mutex<mpsc::Sender<()>>,
    accepted: Arc<AtomicU32>,
}

impl Stacks {
    async fn hang(&self) {
        self.caught.lock().unwrap().send(()).unwrap();
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl StackService for Stacks {
    async fn create(&self, request: &StackRequest) -> Result<String, StackError> {
        assert!(self.trap != Trap::Panic, "nobody expects this");
        if self.trap == Trap::Before {
            self.hang().await;
        }
        let created = self.inner.create(request).await;
        self.accepted.fetch_add(1, Ordering::SeqCst);
        if self.trap == Trap::After {
            self.hang().await;
        }
        created
    }
    async fn update(&self, request: &StackRequest) -> Result<String, StackError> {
        self.inner.update(request).await
    }
    async fn delete(&self, target: &StackTarget, role: Option<&str>, token: &str) -> Result<(), StackError> {
        self.inner.delete(target, role, token).await
    }
    async fn find(&self, target: &StackTarget) -> Result<Option<StackDescription>, StackError> {
        self.inner.find(target).await
    }
    async fn events(
        &self,
        of: &StackTarget,
        id: Option<&str>,
        after: Option<&str>,
    ) -> Result<Page<StackEvent>, StackError> {
        self.inner.events(of, id, after).await
    }
    async fn declared_parameters(
        &self,
        of: &StackTarget,
        template: &TemplateLocation,
    ) -> Result<Vec<DeclaredParameter>, StackError> {
        self.inner.declared_parameters(of, template).await
    }
}

struct Bench {
    dir: tempfile::TempDir,
    zip: PathBuf,
    accepted: Arc<AtomicU32>,
}

const PLAN: &str = "\
Transform: [AttiniDeploymentPlan, 'AWS::Serverless-2016-10-31']
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DeploymentPlan:
        - Name: First
          Type: AttiniLambdaInvoke
          Parameters: {FunctionName: numbers}
        - Name: Topic
          Type: AttiniCfn
          Properties: {StackName: topic, Template: /topic.yaml}
        - Name: Second
          Type: AttiniLambdaInvoke
          Parameters: {FunctionName: numbers}
";

const VALUES: &str = "functions: {numbers: [{result: 1}, {result: 2}, {result: 3}]}";

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("site");
        std::fs::create_dir(&project).unwrap();
        for (file, text) in [
            (
                "attini-config.yaml",
                "distributionName: site\ndistributionId: one\ninitDeployConfig: {template: plan.yaml, stackName: site}\n",
            ),
            ("plan.yaml", PLAN),
            ("topic.yaml", "Resources: {Topic: {Type: 'AWS::SNS::Topic'}}\nOutputs: {Name: {Value: !Ref Topic}}\n"),
        ] {
            std::fs::write(project.join(file), text).unwrap();
        }
        let zip = package(&PackageOptions::new(&project), &mut |_| {}).unwrap().zip;
        Self { dir, zip, accepted: Arc::default() }
    }

    fn home(&self) -> &Path {
        self.dir.path()
    }

    fn world(&self, trap: Trap) -> (LocalWorld, mpsc::Receiver<()>) {
        let world = LocalWorld::open(Options::new(self.home().join("home"))).unwrap();
        let (caught, catching) = mpsc::channel();
        let (inner, accepted) = (world.framework("dev").stacks, Arc::clone(&self.accepted));
        let world = world.with_stacks(Arc::new(Stacks { inner, trap, caught: Mutex::new(caught), accepted }));
        world.set_values(&dev(), "values.yaml", VALUES).unwrap();
        (world, catching)
    }

    /// Deploys, or resumes, until somebody is caught; then everything vanishes.
    fn crash(&self, trap: Trap, resumed: Option<ObjectIdentifier>) {
        let runtime = Runtime::new().unwrap();
        let (world, catching) = self.world(trap);
        let zip = self.zip.clone();
        runtime.spawn(async move {
            match resumed {
                Some(object) => {
                    drop(world.resume(&object).await.unwrap().into_claim());
                    world.work(&object).await.unwrap();
                }
                None => drop(world.deploy(&dev(), &zip).await.unwrap()),
            }
        });
        catching.recv_timeout(Duration::from_secs(30)).unwrap();
        // Nobody works in it any more when this returns.
        runtime.shutdown_timeout(Duration::from_secs(30));
    }

    fn interrupted(&self) -> ObjectIdentifier {
        let (world, _) = self.world(Trap::None);
        let found = block_on(world.interrupted()).unwrap();
        let [object] = found.as_slice() else { panic!("{found:?}") };
        let name = DeploymentName::of_raw("dev", "site");
        let record = block_on(find_deployment(world.framework("dev").inventory.as_ref(), &name, object));
        assert_eq!(record.unwrap().unwrap().outcome, Some(Outcome::Interrupted));
        object.clone()
    }

    fn resume(&self, object: &ObjectIdentifier) -> Result<Deployed, WorldError> {
        let (world, _) = self.world(Trap::None);
        block_on(async {
            let submission = world.resume(object).await?;
            world.work(submission.object()).await?;
            world.deployed(submission.object()).await
        })
    }
}

fn dev() -> Environment {
    Environment::parse("dev").unwrap()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    Runtime::new().unwrap().block_on(work)
}

fn is_complete(deployed: &Deployed) {
    assert_eq!(deployed.outcome(), Outcome::Succeeded, "{:?}", deployed.failure());
    assert_eq!(deployed.step("First"), Some(&json!({"result": 1})));
    assert!(deployed.step("Topic").unwrap()["Name"].is_string());
    // Not the first answer once more.
    assert_eq!(deployed.step("Second"), Some(&json!({"result": 2})));
}

#[test]
fn an_operation_that_was_not_begun_is_begun_by_the_next_worker() {
    let bench = Bench::new();
    bench.crash(Trap::Before, None);
    let object = bench.interrupted();
    is_complete(&bench.resume(&object).unwrap());
    assert_eq!(bench.accepted.load(Ordering::SeqCst), 1);
    assert!(bench.resume(&object).unwrap_err().to_string().ends_with("it has ended"));
}

#[test]
fn an_operation_that_was_accepted_is_waited_for_and_not_repeated() {
    let bench = Bench::new();
    bench.crash(Trap::After, None);
    is_complete(&bench.resume(&bench.interrupted()).unwrap());
    assert_eq!(bench.accepted.load(Ordering::SeqCst), 1);
}

#[test]
fn a_worker_that_resumes_can_be_interrupted_too() {
    let bench = Bench::new();
    for _ in 0..3 {
        let resumed = bench.zip.parent().filter(|_| bench.home().join("home").exists()).map(|_| bench.interrupted());
        bench.crash(Trap::Before, resumed);
    }
    is_complete(&bench.resume(&bench.interrupted()).unwrap());
}

#[test]
fn a_panic_fails_the_step_and_not_the_deployment_s_end() {
    let bench = Bench::new();
    let (world, _) = bench.world(Trap::Panic);
    let deployed = block_on(world.deploy(&dev(), &bench.zip)).unwrap();
    let failure = deployed.failure().unwrap();
    assert_eq!((deployed.outcome(), failure.error.as_str()), (Outcome::Failed, "InternalError"));
    assert!(failure.cause.contains("mistake in attini"), "{}", failure.cause);
}

#[test]
fn a_new_deployment_ends_the_interrupted_one() {
    let bench = Bench::new();
    bench.crash(Trap::Before, None);
    let old = bench.interrupted();
    let (world, _) = bench.world(Trap::None);
    let new = block_on(world.deploy(&dev(), &bench.zip)).unwrap();
    is_complete(&new);
    let old = block_on(world.deployed(&old)).unwrap();
    assert_eq!(old.outcome(), Outcome::Aborted);
    assert!(old.failure().unwrap().cause.contains("replaced by the deployment of site one by local"));
    assert!(block_on(world.interrupted()).unwrap().is_empty());
}

/// A plan that fails at its stack until the environment's values let it succeed.
#[test]
fn a_failed_deployment_goes_on_at_the_step_that_failed() {
    let bench = Bench::new();
    let (world, _) = bench.world(Trap::None);
    let failing = format!("{VALUES}\nstacks: {{topic: {{fail: {{Topic: no more topics}}}}}}\n");
    world.set_values(&dev(), "values.yaml", &failing).unwrap();
    let failed = block_on(world.deploy(&dev(), &bench.zip)).unwrap();
    assert_eq!(failed.outcome(), Outcome::Failed);
    let object = failed.record.object();

    let again = |how: &Redriving| {
        block_on(async {
            let submission = world.redrive(&object, how).await?;
            world.work(submission.object()).await?;
            world.deployed(&object).await
        })
    };
    let unknown = Redriving { skip: Some("First".to_owned()), ..Redriving::default() };
    let refused = again(&unknown).unwrap_err().to_string();
    assert!(refused.contains("First is not one that did not succeed; these are: Topic"), "{refused}");
    // Still as before, so it fails in the same way once more.
    assert_eq!(again(&Redriving::default()).unwrap().outcome(), Outcome::Failed);

    world.set_values(&dev(), "values.yaml", VALUES).unwrap();
    is_complete(&again(&Redriving::default()).unwrap());
    let refused = again(&Redriving::default()).unwrap_err().to_string();
    assert!(refused.ends_with("it has succeeded"), "{refused}");
}

#[test]
fn a_failed_step_is_skipped_with_a_reason_or_run_again_from_an_earlier_one() {
    for (how, second) in [
        (Redriving { skip: Some("Topic".to_owned()), reason: Some("later".to_owned()), from: None }, 2),
        (Redriving { from: Some("First".to_owned()), ..Redriving::default() }, 3),
    ] {
        let bench = Bench::new();
        let (world, _) = bench.world(Trap::None);
        let failing = format!("{VALUES}\nstacks: {{topic: {{fail: {{Topic: no more topics}}}}}}\n");
        world.set_values(&dev(), "values.yaml", &failing).unwrap();
        let object = block_on(world.deploy(&dev(), &bench.zip)).unwrap().record.object();
        if how.from.is_some() {
            world.set_values(&dev(), "values.yaml", VALUES).unwrap();
        }
        let deployed = block_on(async {
            let submission = world.redrive(&object, &how).await.unwrap();
            world.work(submission.object()).await.unwrap();
            world.deployed(&object).await.unwrap()
        });
        assert_eq!(deployed.outcome(), Outcome::Succeeded, "{:?}", deployed.failure());
        assert_eq!(deployed.step("Second"), Some(&json!({ "result": second })));
        let told = deployed.record.warnings.iter().any(|text| text == "step Topic was skipped by local: later");
        assert_eq!(told, how.skip.is_some(), "{:?}", deployed.record.warnings);
    }
}
