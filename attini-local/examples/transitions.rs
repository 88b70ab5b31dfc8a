//! How many transitions of a plan are journalled in a second, with one line of control and with forty.
//!
//! `cargo run --release -p attini-local --example transitions [FOLDER]`; the folder is on the disk to be measured.
//! Each item of a `Map` is one `Task` that the environment's values answer at once: one state is entered, one event comes
//! from outside, and what follows is committed with `synchronous=FULL` before anything is done. The rates of the disk
//! itself stand beside.
#![allow(clippy::print_stdout, reason = "this program talks to a person")]

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use attini_core::port::HistoryEvent;
use attini_core::value::{Environment, ExecutionArn};
use attini_local::project::{PackageOptions, package};
use attini_local::world::{LocalWorld, Options};

type Done<T> = Result<T, Box<dyn Error>>;

/// Each takes seven events of the history, which has 25,000 at most.
const ITEMS: usize = 3_000;
/// Bytes of payload that each task gets.
const PAYLOAD: usize = 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Done<()> {
    let parent = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = parent.join(format!("attini-transitions-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = measure(&folder).await;
    fs::remove_dir_all(&folder)?;
    measured
}

async fn measure(folder: &Path) -> Done<()> {
    println!("disk: {:.0} appends of 4 KiB with fdatasync per second", sync_rate(&folder.join("probe"))?);
    for lines in [1, 40] {
        let transitions = run(folder, lines).await?;
        println!("{lines:>2} lines of control: {transitions:.0} journalled transitions per second");
    }
    Ok(())
}

fn sync_rate(file: &Path) -> Done<f64> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    let began = Instant::now();
    let count = 1_000;
    for _ in 0..count {
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

async fn run(folder: &Path, lines: usize) -> Done<f64> {
    let project = folder.join(format!("project-{lines}"));
    fs::create_dir_all(&project)?;
    let config =
        "distributionName: rate\ndistributionId: one\ninitDeployConfig: {template: plan.yaml, stackName: rate}\n";
    fs::write(project.join("attini-config.yaml"), config)?;
    fs::write(project.join("plan.yaml"), plan(lines))?;
    let zip = package(&PackageOptions::new(&project), &mut |_| {})?.zip;

    let world = LocalWorld::open(Options::new(folder.join(format!("home-{lines}"))))?;
    let environment = Environment::parse("dev")?;
    world.set_values(&environment, "values.yaml", "steps: {Call: {result: {}}}")?;
    let deployed = world.deploy(&environment, &zip).await?;
    if let Some(failure) = deployed.failure() {
        return Err(format!("{}: {}", failure.error, failure.cause).into());
    }
    let arn = deployed.record.execution_arns.into_values().next().ok_or("the plan did not run")?;
    let history = history(&world, &ExecutionArn::from_record(arn)).await?;
    let times =
        |kind: &'static str| history.iter().filter(move |event| event.kind == kind).map(|event| event.time.as_ms());
    let (first, last) = (times("TaskStateEntered").nth(1), times("TaskStateExited").next_back());
    let (Some(first), Some(last)) = (first, last) else { return Err("there is no history".into()) };
    let entered = times("TaskStateEntered").count();
    let ms = u32::try_from(last - first)?;
    Ok(f64::from(u32::try_from(entered)?) / (f64::from(ms) / 1000.0))
}

async fn history(world: &LocalWorld, arn: &ExecutionArn) -> Done<Vec<HistoryEvent>> {
    let workflows = world.framework("dev").workflows;
    let mut events: Vec<HistoryEvent> = Vec::new();
    loop {
        let page = workflows.history(arn, events.last().map_or(0, |event| event.id)).await?;
        events.extend(page.items);
        if !page.more {
            return Ok(events);
        }
    }
}

fn plan(lines: usize) -> String {
    let items: Vec<String> = (0..ITEMS).map(|n| n.to_string()).collect();
    let (items, text) = (items.join(","), "x".repeat(PAYLOAD));
    format!(
        "Transform: [AttiniDeploymentPlan, 'AWS::Serverless-2016-10-31']
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DeploymentPlan:
        - Name: Items
          Type: Pass
          Result: [{items}]
          ResultPath: $.customData.items
        - Name: Each
          Type: Map
          ItemsPath: $.customData.items
          MaxConcurrency: {lines}
          Parameters: {{n.$: $$.Map.Item.Value}}
          ResultPath: null
          Iterator:
            StartAt: Call
            States:
              Call:
                Type: Task
                Resource: 'arn:aws:states:::sns:publish'
                Parameters: {{n.$: $.n, text: {text}}}
                ResultPath: null
                End: true
"
    )
}
