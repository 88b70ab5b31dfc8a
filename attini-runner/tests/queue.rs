//! The loop that takes jobs from a queue.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use attini_core::port::{RecordKey, ResourceKind};
use attini_runner::RunnerExit;
use serde_json::{Value, json};
use support::{Bench, HASH, Told, lives, message};

fn commands(token: &str, commands: &[&str]) -> Value {
    message(token, &json!({"Commands": commands}))
}

async fn run(bench: &Bench) -> RunnerExit {
    let runner = bench.runner();
    let exit = tokio::time::timeout(Duration::from_secs(30), runner.run(bench.shutdown.subscribe()));
    exit.await.expect("the runner ends")
}

fn failed_with(bench: &Bench, token: &str) -> (String, String) {
    match bench.world.told().into_iter().find(|(other, _)| other == token) {
        Some((_, Told::Failure(error, cause))) => (error, cause),
        other => panic!("{other:?}"),
    }
}

fn put_runner_record(bench: &Bench, task: &str) {
    let key = RecordKey::Resource(ResourceKind::Runner, "dev-p-R".into());
    let body = json!({"taskId": task, "started": false}).as_object().unwrap().clone();
    bench.world.records.lock().unwrap().insert(key, (0, body));
}

fn runner_record(bench: &Bench) -> Value {
    let key = RecordKey::Resource(ResourceKind::Runner, "dev-p-R".into());
    Value::Object(bench.world.records.lock().unwrap()[&key].1.clone())
}

#[tokio::test]
async fn runner_case_19_superseded_jobs_are_deleted_and_answered() {
    let bench = Bench::new();
    let mut body = commands("T", &["echo ran"]);
    body["deploymentPlanExecutionMetadata"]["executionArn"] = json!("arn:aws:states:r:a:execution:sm:e0");
    bench.queue(&body);
    assert_eq!(run(&bench).await, RunnerExit::Idle);
    assert_eq!(failed_with(&bench, "T").0, "ExecutionSuperseded");
    assert_eq!(bench.world.deleted.load(Ordering::SeqCst), 1);
    assert!(bench.world.log().is_empty());
}

#[tokio::test]
async fn runner_case_20_jobs_of_another_configuration_are_left() {
    let bench = Bench::new();
    let mut body = commands("T", &["echo ran"]);
    body["taskConfigHashCode"] = json!(HASH + 1);
    bench.queue(&body);
    let (exit, ()) = tokio::join!(run(&bench), async {
        bench.world.until("the job was seen", |world| !world.notes.lock().unwrap().is_empty()).await;
        bench.shutdown.send_replace(true);
    });
    assert_eq!(exit, RunnerExit::Stopped);
    assert_eq!(bench.world.deleted.load(Ordering::SeqCst), 0);
    assert!(bench.world.told().is_empty() && bench.world.log().is_empty());
}

#[tokio::test]
async fn runner_case_21_never_more_at_once_than_allowed_and_each_once() {
    let mut bench = Bench::new();
    bench.config.record.jobs.max_concurrent_jobs = Some(2);
    for number in 0..5 {
        bench.queue(&commands(&format!("T{number}"), &[&format!("echo {number}"), "sleep 0.2"]));
    }
    assert_eq!(run(&bench).await, RunnerExit::Idle);
    assert_eq!(bench.world.most_running.load(Ordering::SeqCst), 2);
    let mut log = bench.world.log();
    log.sort();
    assert_eq!(log, ["0", "1", "2", "3", "4"]);
    assert_eq!(bench.world.told().len(), 5);
}

#[tokio::test]
async fn a_job_that_is_delivered_twice_runs_once() {
    let bench = Bench::new();
    bench.queue(&commands("T", &["echo ran"]));
    bench.queue(&commands("T", &["echo ran"]));
    run(&bench).await;
    assert_eq!(bench.world.log(), ["ran"]);
    assert_eq!(bench.world.told().len(), 1);
}

#[tokio::test]
async fn messages_that_cannot_be_read_are_answered_when_they_name_a_token() {
    let bench = Bench::new();
    bench.queue(&json!("nonsense"));
    bench.queue(&message("T", &json!({"Commands": "echo"})));
    run(&bench).await;
    assert_eq!(bench.world.deleted.load(Ordering::SeqCst), 2);
    let (error, cause) = failed_with(&bench, "T");
    assert_eq!(error, "IllegalFormatException");
    assert!(cause.contains("Commands should be a List/Array"), "{cause}");
}

#[tokio::test]
async fn runner_case_33_jobs_restart_the_idle_time() {
    let mut bench = Bench::new();
    bench.config.record.jobs.idle_time_to_live = Some(Duration::from_millis(200));
    bench.queue(&commands("T", &["sleep 0.3"]));
    let start = std::time::Instant::now();
    assert_eq!(run(&bench).await, RunnerExit::Idle);
    assert!(start.elapsed() >= Duration::from_millis(500), "{:?}", start.elapsed());
}

#[tokio::test]
async fn runner_case_35_stopping_gives_running_jobs_time_and_then_an_answer() {
    let mut bench = Bench::new();
    bench.config.limits.stop_grace = Duration::from_millis(700);
    bench.queue(&commands("long", &["echo long", "trap '' TERM", "sleep 100; sleep 100"]));
    bench.queue(&commands("short", &["echo short", "sleep 0.05"]));
    let (exit, ()) = tokio::join!(run(&bench), async {
        bench.world.until("both run", |world| world.log().len() == 2).await;
        bench.queue(&commands("late", &["echo late"]));
        bench.shutdown.send_replace(true);
    });
    assert_eq!(exit, RunnerExit::Stopped);
    assert_eq!(failed_with(&bench, "long").0, "RunnerStopped");
    assert!(bench.world.told().contains(&("short".to_owned(), Told::Success(json!({})))));
    assert_eq!(bench.world.told().len(), 2);
    assert!(!bench.world.log().contains(&"late".to_owned()));
    assert_eq!(bench.world.messages.lock().unwrap().len(), 1);
    assert!(bench.jobs_dir_is_empty());
}

#[tokio::test]
async fn startup_commands_run_once_before_the_first_job_and_what_they_install_stays() {
    let mut bench = Bench::new();
    bench.config.record.startup.commands = vec![
        "echo $ATTINI_ENVIRONMENT_NAME $ATTINI_DISTRIBUTION_NAME".into(),
        "echo tool >> ~/tool".into(),
        "export A=1".into(),
    ];
    bench.queue(&commands("1", &["cat ~/tool", "echo A=$A"]));
    run(&bench).await;
    assert!(bench.world.notes.lock().unwrap().contains(&"startup: dev d".to_owned()));
    assert_eq!(bench.world.log(), ["tool", "A="]);
}

#[tokio::test]
async fn services_of_startup_commands_live_as_long_as_the_runner() {
    let mut bench = Bench::new();
    bench.config.record.startup.commands = vec!["sleep 300 >/dev/null 2>&1 & echo $! > ~/service".into()];
    bench.queue(&commands("1", &["cat ~/service", "kill -0 $(cat ~/service)"]));
    assert_eq!(run(&bench).await, RunnerExit::Idle);
    assert_eq!(bench.world.told(), [("1".to_owned(), Told::Success(json!({})))]);
    let service = bench.world.log()[0].clone();
    bench.world.until("the service is gone", |_| !lives(&service)).await;
}

#[tokio::test]
async fn runner_case_17_failing_startup_fails_everything_queued() {
    let mut bench = Bench::new();
    bench.config.record.startup.commands = vec!["echo broken".into(), "false".into()];
    let mut foreign = commands("F", &["true"]);
    foreign["taskConfigHashCode"] = json!(HASH + 1);
    bench.queue(&foreign);
    bench.queue(&commands("1", &["echo ran"]));
    bench.queue(&commands("2", &["echo ran"]));
    let exit = run(&bench).await;
    assert!(
        matches!(&exit, RunnerExit::StartupFailed { cause } if cause.contains("exit code = 1") && cause.contains("broken"))
    );
    for token in ["1", "2"] {
        let (error, cause) = failed_with(&bench, token);
        assert_eq!(error, "Startup tasks failed");
        assert!(cause.starts_with("Startup script finished with exit code = 1"), "{cause}");
    }
    assert_eq!(bench.world.messages.lock().unwrap().len(), 1);
    assert!(bench.world.log().is_empty());
}

#[tokio::test]
async fn runner_case_18_a_runner_that_its_record_does_not_name_takes_nothing() {
    let mut bench = Bench::new();
    bench.config.task_id = Some("own".into());
    put_runner_record(&bench, "other");
    bench.queue(&commands("T", &["true"]));
    assert_eq!(run(&bench).await, RunnerExit::Replaced);
    assert_eq!(bench.world.messages.lock().unwrap().len(), 1);
    assert_eq!(runner_record(&bench), json!({"taskId": "other", "started": false}));
}

#[tokio::test]
async fn a_replaced_runner_leaves_the_next_job_and_finishes_its_own() {
    let mut bench = Bench::new();
    bench.config.task_id = Some("own".into());
    put_runner_record(&bench, "own");
    bench.queue(&commands("1", &["echo one", "sleep 0.1"]));
    let (exit, ()) = tokio::join!(run(&bench), async {
        bench.world.until("the first runs", |world| !world.log().is_empty()).await;
        assert_eq!(runner_record(&bench)["started"], json!(true));
        put_runner_record(&bench, "other");
        bench.queue(&commands("2", &["echo two"]));
    });
    assert_eq!(exit, RunnerExit::Replaced);
    assert_eq!(bench.world.told(), [("1".to_owned(), Told::Success(json!({})))]);
    assert_eq!(bench.world.messages.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_idle_runner_says_that_it_is_gone() {
    let mut bench = Bench::new();
    bench.config.task_id = Some("own".into());
    put_runner_record(&bench, "own");
    assert_eq!(run(&bench).await, RunnerExit::Idle);
    assert_eq!(runner_record(&bench), json!({"taskId": "own", "started": false}));
}
