use std::sync::Arc;
use std::time::Duration;

use attini_core::deploy::{Upload, init_deploy};
use attini_core::framework::{Failure, Framework, explain};
use attini_core::guard::start_plans;
use attini_core::inventory::find_deployment;
use attini_core::port::ExecutionStatus;
use attini_core::value::{DeploymentName, ExecutionArn, InvalidValue, ObjectIdentifier, StackName, Timestamp};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::driver::Driver;
use super::fleet::{LocalFleet, OwnQueue};
use super::functions::ValueFunctions;
use super::jobs::end_orphans;
use super::parts::{Channels, Parts};
use super::recover::{close, interrupt, names_in, replace_older, uninterrupt};
use super::settle::{executions_of, settle};
use super::tokens::NotifyingTokens;
use super::watch::watch;
use crate::store::deployments::LocalDeployment;
use crate::store::{NamedLock, SqliteTaskTokens, WorkerLease, deployments, intents, show_again};

/// Kind of the intent that tells a worker who uploaded and when.
pub(super) const UPLOAD: &str = "upload";

/// Carries out one deployment to its end, from wherever an earlier worker has left it. Returns at once when another worker
/// does, or when there is nothing left to do.
///
/// # Errors
///
/// When the home fails. What fails in the deployment itself is in its record.
pub(super) async fn work(parts: &Parts, deployment: &str) -> Result<(), Failure> {
    let internal = |error: crate::store::HomeError| Failure::internal(&error);
    let Some(lease) = take_lease(parts, deployment).await? else { return Ok(()) };
    let now = parts.clock.now();
    let taken = parts
        .home
        .write(|tx| {
            let Some(found) = deployments::find(tx, deployment)? else { return Ok(None) };
            if !deployments::take(tx, deployment, std::process::id(), now)? {
                return Ok(None);
            }
            show_again(tx, &OwnQueue::suffix(deployment))?;
            Ok(Some((found, intents::list(tx, deployment)?)))
        })
        .map_err(internal)?;
    let Some((found, notes)) = taken else { return Ok(()) };
    uninterrupt(parts, &found.object).await?;
    let note = notes.iter().find(|note| note.kind == UPLOAD).map(|note| note.body.clone()).unwrap_or_default();
    let Some((key, version)) = found.object.split() else {
        return Err(Failure::new("InvalidUpload", format!("`{}` is no upload", found.object)));
    };
    let upload = Upload {
        key,
        version,
        user: note.get("user").and_then(Value::as_str).unwrap_or("unknown").to_owned(),
        time: note.get("time").and_then(Value::as_i64).map_or(found.started, Timestamp::from_ms),
    };
    end_orphans(&parts.work.join(deployment));
    let trouble = run(parts, &found, upload).await;
    if settle(parts, &found).await? {
        replace_older(parts, &found).await?;
        return close(parts, lease, &found);
    }
    let why = match trouble {
        Some(text) => format!("its worker had to give up: {text}"),
        None => "its worker found nothing more to do".to_owned(),
    };
    interrupt(parts, &found, &why).await
}

/// Takes the lease of a deployment; whoever only looks after it holds it for a moment.
async fn take_lease(parts: &Parts, deployment: &str) -> Result<Option<WorkerLease>, Failure> {
    for _ in 0..50 {
        let lease = WorkerLease::acquire(&parts.home, deployment).map_err(|error| Failure::internal(&error))?;
        if lease.is_some() {
            return Ok(lease);
        }
        parts.clock.sleep(Duration::from_millis(10)).await;
    }
    Ok(None)
}

/// Runs everything that belongs to the deployment; returns what went wrong in the worker itself first.
async fn run(parts: &Parts, deployment: &LocalDeployment, upload: Upload) -> Option<String> {
    let mut first_trouble = None;
    let (executions, mut started) = unbounded_channel();
    let (operations, mut accepted) = unbounded_channel();
    let channels = Channels { executions, operations: operations.clone() };
    let (environment, _) = names_in(&upload.object());
    let answered = Arc::new(Notify::new());
    let store = SqliteTaskTokens::new(parts.home.clone(), Arc::clone(&parts.clock));
    let tokens = Arc::new(NotifyingTokens::new(store, Arc::clone(&answered)));
    let queue = Arc::new(OwnQueue::new(parts.queue(), &deployment.id));
    let fleet = Arc::new(LocalFleet::new(
        parts.clone(),
        &deployment.id,
        upload.object(),
        Arc::clone(&queue) as Arc<_>,
        Arc::clone(&tokens),
    ));
    let functions = Arc::new(ValueFunctions::new(parts.home.clone(), &environment));
    let mut framework = parts.framework(&environment, Some(&channels), Arc::clone(&fleet) as Arc<_>, queue);
    framework.tokens = tokens;
    framework.functions = Arc::clone(&functions) as Arc<_>;
    let framework = Arc::new(framework);
    let driver = Arc::new(Driver {
        parts: parts.clone(),
        framework: Arc::clone(&framework),
        functions,
        answered,
        operations,
        work: parts.work.join(&deployment.id),
    });

    let mut tasks: JoinSet<Result<(), Failure>> = JoinSet::new();
    let mut replaced = false;
    tasks.spawn(begin(parts.clone(), deployment.clone(), Arc::clone(&driver), upload, channels.executions));
    loop {
        tokio::select! {
            Some(operation) = accepted.recv() => {
                tasks.spawn(watch(Arc::clone(&framework), operation));
            }
            Some(execution) = started.recv() => {
                // From here on this deployment is the one that counts.
                if !std::mem::replace(&mut replaced, true)
                    && let Err(failure) = replace_older(parts, deployment).await
                {
                    note_trouble(parts, &deployment.id, &failure.to_string());
                }
                tasks.spawn(Arc::clone(&driver).drive(execution));
            }
            Some(ended) = tasks.join_next() => {
                if let Some(text) = trouble(ended) {
                    note_trouble(parts, &deployment.id, &text);
                    // The others may wait for what cannot come any more.
                    first_trouble = Some(text);
                    break;
                }
                if tasks.is_empty() && accepted.is_empty() && started.is_empty() {
                    break;
                }
            }
        }
    }
    tasks.shutdown().await;
    match first_trouble {
        // What runs can be taken up by the next worker.
        Some(_) => fleet.detach().await,
        None => fleet.stop().await,
    }
    first_trouble
}

/// Init deploy, one at a time for a distribution in an environment: until the stack is as wanted and the plans have
/// started. Plans that an earlier worker has started are continued.
async fn begin(
    parts: Parts,
    deployment: LocalDeployment,
    driver: Arc<Driver>,
    upload: Upload,
    started: UnboundedSender<ExecutionArn>,
) -> Result<(), Failure> {
    let framework = &driver.framework;
    let object = upload.object();
    let (environment, distribution) = names_in(&object);
    let name = DeploymentName::of_raw(&environment, &distribution);
    let known = executions_of(&parts, &deployment)?;
    for execution in &known {
        // One that has ended is recorded when all is done.
        if framework.workflows.describe(execution).await?.status == ExecutionStatus::Running {
            drop(started.send(execution.clone()));
        }
    }
    let record = find_deployment(framework.inventory.as_ref(), &name, &object).await?;
    let planned = record.as_ref().and_then(|record| record.deployment_plan_count);
    if planned.is_some_and(|count| usize::try_from(count).is_ok_and(|count| count > 0 && known.len() >= count)) {
        return Ok(());
    }
    let lock = format!("init-deploy {environment} {distribution}");
    let _lock = NamedLock::acquire(&parts.home, &lock, parts.clock.as_ref())
        .await
        .map_err(|error| Failure::internal(&error))?;
    if let (Some(_), Some(stack)) = (planned, record.and_then(|record| record.stack_name)) {
        // All that is missing is the start of the plans.
        let invalid = |error: InvalidValue| Failure::new("InternalError", error.to_string());
        return start_plans(framework, &StackName::parse(&stack).map_err(invalid)?).await;
    }
    // A failure is in the deployment's record; whoever follows sees it there.
    if init_deploy(framework, &upload).await.is_err() {
        return Ok(());
    }
    wait_for_plans(framework, &name, &object).await
}

async fn wait_for_plans(
    framework: &Framework,
    name: &DeploymentName,
    object: &ObjectIdentifier,
) -> Result<(), Failure> {
    loop {
        match find_deployment(framework.inventory.as_ref(), name, object).await? {
            Some(record) if record.deployment_plan_count.is_none() && record.outcome.is_none() => {
                framework.clock.sleep(Duration::from_millis(5)).await;
            }
            _ => return Ok(()),
        }
    }
}

fn trouble(ended: Result<Result<(), Failure>, tokio::task::JoinError>) -> Option<String> {
    match ended {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure.to_string()),
        Err(error) => Some(explain(&error)),
    }
}

/// Leaves what went wrong in the worker itself where people look for it: `<home>/logs/worker/<deployment>.log`.
fn note_trouble(parts: &Parts, deployment: &str, text: &str) {
    use std::io::Write;
    let directory = parts.home.path().join("logs").join("worker");
    let file = std::fs::create_dir_all(&directory).and_then(|()| {
        std::fs::OpenOptions::new().create(true).append(true).open(directory.join(format!("{deployment}.log")))
    });
    // When even this cannot be written there is nobody left to tell.
    drop(file.and_then(|mut file| writeln!(file, "{} {text}", parts.clock.now())));
}
