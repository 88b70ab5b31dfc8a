//! Jobs that survive their runner.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use attini_core::runner::JobMessage;
use attini_runner::{JobOutcome, RunnerExit, SupervisorCommand, end_jobs, is_held, supervise};
use serde_json::{Value, json};
use support::{Bench, Told, lives, message};

/// The process that runs a job: this test, started again with the folder of the job as its last argument.
#[test]
fn supervisor_process() {
    let folder = PathBuf::from(std::env::args().next_back().unwrap());
    if folder.join("message.json").exists() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(supervise(&folder)).unwrap();
    }
}

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.config.supervisor = Some(SupervisorCommand {
        program: std::env::current_exe().unwrap(),
        arguments: ["supervisor_process", "--exact", "--nocapture"].map(str::to_owned).into(),
    });
    bench
}

fn commands(token: &str, commands: &[&str]) -> Value {
    message(token, &json!({ "Commands": commands }))
}

fn held(bench: &Bench) -> Vec<PathBuf> {
    let folder = bench.config.work_dir.join("held");
    folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Runs the runner until something holds, then lets it vanish as in a crash: nothing is told, nothing is stopped.
async fn vanish(bench: &Bench, what: &str, holds: impl Fn() -> bool) {
    let runner = bench.runner();
    let shutdown = bench.shutdown.subscribe();
    let task = tokio::spawn(async move { runner.run(shutdown).await });
    bench.world.until(what, |_| holds()).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
}

async fn run(bench: &Bench) -> RunnerExit {
    bench.runner().run(bench.shutdown.subscribe()).await
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn supervisors(bench: &Bench) -> Vec<i32> {
    held(bench).iter().filter_map(|folder| read(&folder.join("pid")).parse().ok()).collect()
}

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_supervised_job_tells_what_any_job_tells() {
    let bench = bench();
    bench.queue(&commands("A", &["echo one", "pwd", "echo '{\"a\": 1}' > $ATTINI_OUTPUT"]));
    bench.queue(&commands("B", &["echo two; exit 3"]));
    assert_eq!(run(&bench).await, RunnerExit::Idle);
    let mut told = bench.world.told();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    let failure = "Script exited with code 3\nLast lines of the output:\ntwo".to_owned();
    assert_eq!(told[0], ("A".to_owned(), Told::Success(json!({"a": 1}))));
    assert_eq!(told[1], ("B".to_owned(), Told::Failure("ScriptExecutionError".to_owned(), failure)));
    assert_eq!(bench.world.log().len(), 3);
    assert!(held(&bench).is_empty() && bench.jobs_dir_is_empty());
}

#[tokio::test]
async fn the_next_runner_takes_up_a_job_and_no_line_comes_twice() {
    let bench = bench();
    let go = bench.dir.path().join("go");
    let wait = format!("until [ -e {} ]; do sleep 0.01; done", go.display());
    let begun = bench.dir.path().join("begun");
    let note = format!("echo x >> {}", begun.display());
    bench.queue(&commands("A", &[&note, "echo before", &wait, "echo after", "echo 7 > $ATTINI_OUTPUT"]));
    vanish(&bench, "a line is stored", || bench.world.log() == ["before"]).await;
    assert!(bench.world.told().is_empty());
    let job = JobMessage::parse(&read(&held(&bench)[0].join("message.json"))).unwrap();
    assert!(is_held(&bench.config.work_dir, &job.dedup_id()));
    // Once more, and as if the note of what is stored had not been written any more.
    vanish(&bench, "it is followed", || !bench.world.log().is_empty()).await;
    let _never_noted = std::fs::remove_file(held(&bench)[0].join("stored"));
    std::fs::write(go, "").unwrap();
    assert_eq!(run(&bench).await, RunnerExit::Idle);
    assert_eq!(bench.world.told(), [("A".to_owned(), Told::Success(json!(7)))]);
    assert_eq!(bench.world.log(), ["before", "after"]);
    assert_eq!(read(&begun), "x\n");
    assert!(held(&bench).is_empty() && bench.jobs_dir_is_empty());
}

#[tokio::test]
async fn a_result_that_nobody_took_is_taken() {
    let bench = bench();
    bench.queue(&commands("A", &["echo done", "echo 7 > $ATTINI_OUTPUT"]));
    bench.world.refusals.store(1_000_000, std::sync::atomic::Ordering::SeqCst);
    vanish(&bench, "there is a result", || held(&bench).iter().any(|job| job.join("result.json").exists())).await;
    bench.world.refusals.store(0, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(run(&bench).await, RunnerExit::Idle);
    assert_eq!(bench.world.told(), [("A".to_owned(), Told::Success(json!(7)))]);
    assert_eq!(bench.world.log(), ["done"]);
}

#[tokio::test]
async fn a_job_whose_supervisor_is_gone_is_lost_and_not_repeated() {
    let bench = bench();
    let pids = bench.dir.path().join("pids");
    let note = format!("echo $$ >> {}", pids.display());
    bench.queue(&commands("A", &[&note, "sleep 100"]));
    let runner = bench.runner();
    let shutdown = bench.shutdown.subscribe();
    let task = tokio::spawn(async move { runner.run(shutdown).await });
    bench.world.until("the job runs", |_| read(&pids).ends_with('\n')).await;
    kill(supervisors(&bench)[0]);
    assert_eq!(task.await.unwrap(), RunnerExit::Idle);
    let told = bench.world.told();
    let [(token, Told::Failure(error, cause))] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((token.as_str(), error.as_str()), ("A", "JobLost"));
    assert!(cause.contains("Retry"), "{cause}");
    assert_eq!(read(&pids).lines().count(), 1);
    bench.world.until("the job's processes are gone", |_| !read(&pids).lines().any(lives)).await;
    assert!(held(&bench).is_empty());
}

#[tokio::test]
async fn a_supervisor_that_died_with_its_runner_is_noticed_by_the_next_one() {
    let bench = bench();
    let pids = bench.dir.path().join("pids");
    let note = format!("echo $$ >> {}", pids.display());
    bench.queue(&commands("A", &[&note, "sleep 100"]));
    vanish(&bench, "the job runs", || read(&pids).ends_with('\n')).await;
    kill(supervisors(&bench)[0]);
    assert_eq!(run(&bench).await, RunnerExit::Idle);
    assert!(matches!(bench.world.told().as_slice(), [(_, Told::Failure(error, _))] if error == "JobLost"));
    assert_eq!(read(&pids).lines().count(), 1);
    bench.world.until("the job's processes are gone", |_| !read(&pids).lines().any(lives)).await;
}

#[tokio::test]
async fn a_job_that_was_taken_and_not_begun_is_begun_once() {
    let mut bench = bench();
    let notes = bench.dir.path().join("notes");
    let note = format!("echo x >> {}", notes.display());
    let body = commands("A", &[&note]);
    bench.queue(&body);
    let supervisor = bench.config.supervisor.clone();
    // Ends before it begins.
    bench.config.supervisor = Some(SupervisorCommand { program: "/bin/true".into(), arguments: Vec::new() });
    bench.world.refusals.store(1_000_000, std::sync::atomic::Ordering::SeqCst);
    let refusals = || bench.world.refusals.load(std::sync::atomic::Ordering::SeqCst);
    vanish(&bench, "it was tried", || refusals() < 1_000_000).await;
    bench.world.refusals.store(0, std::sync::atomic::Ordering::SeqCst);
    bench.config.supervisor = supervisor;
    // The queue has it still, too.
    bench.queue(&body);
    assert_eq!(run(&bench).await, RunnerExit::Idle);
    assert_eq!(bench.world.told(), [("A".to_owned(), Told::Success(json!({})))]);
    assert_eq!(read(&notes), "x\n");
}

#[tokio::test]
async fn a_supervisor_that_cannot_begin_fails_the_job() {
    let mut bench = bench();
    bench.config.supervisor = Some(SupervisorCommand { program: "/bin/false".into(), arguments: Vec::new() });
    bench.queue(&commands("A", &["true"]));
    assert_eq!(run(&bench).await, RunnerExit::Idle);
    let told = bench.world.told();
    let [(_, Told::Failure(error, cause))] = told.as_slice() else { panic!("{told:?}") };
    assert!(error == "RuntimeError" && cause.contains("/bin/false"), "{error}: {cause}");
}

#[tokio::test]
async fn stopping_ends_the_whole_group_of_a_job_that_was_taken_up() {
    let bench = bench();
    let pids = bench.dir.path().join("pids");
    let note = format!("sleep 100 & echo $! >> {}; echo $$ >> {}", pids.display(), pids.display());
    bench.queue(&commands("A", &[&note, "sleep 100"]));
    let run = || read(&pids).lines().count() == 2;
    vanish(&bench, "the job runs", run).await;
    let supervisor = supervisors(&bench)[0].to_string();
    assert!(lives(&supervisor));
    bench.shutdown.send_replace(true);
    assert_eq!(self::run(&bench).await, RunnerExit::Stopped);
    let told = bench.world.told();
    assert!(matches!(told.as_slice(), [(_, Told::Failure(error, _))] if error == "RunnerStopped"), "{told:?}");
    bench.world.until("all is gone", |_| !lives(&supervisor) && !read(&pids).lines().any(lives)).await;
}

#[tokio::test]
async fn a_supervised_job_that_takes_too_long_is_ended_also_without_a_runner() {
    let mut bench = bench();
    bench.config.record.jobs.job_timeout = Some(Duration::from_millis(300));
    let pids = bench.dir.path().join("pids");
    let note = format!("echo $$ >> {}", pids.display());
    bench.queue(&commands("A", &[&note, "sleep 100"]));
    vanish(&bench, "the job runs", || read(&pids).ends_with('\n')).await;
    bench.world.until("it is ended", |_| !read(&pids).lines().any(lives)).await;
    assert_eq!(run(&bench).await, RunnerExit::Idle);
    let expected = Told::Failure("ScriptExecutionError".into(), "Script timed out after 0.3 seconds".into());
    assert_eq!(bench.world.told(), [("A".to_owned(), expected)]);
}

#[tokio::test]
async fn jobs_that_nobody_will_take_up_are_ended() {
    let bench = bench();
    let pids = bench.dir.path().join("pids");
    let note = format!("echo $$ >> {}", pids.display());
    bench.queue(&commands("A", &[&note, "sleep 100"]));
    vanish(&bench, "the job runs", || read(&pids).ends_with('\n')).await;
    let supervisor = supervisors(&bench)[0].to_string();
    end_jobs(&bench.config.work_dir);
    bench.world.until("all is gone", |_| !lives(&supervisor) && !read(&pids).lines().any(lives)).await;
}

#[tokio::test]
async fn a_single_job_without_a_queue_needs_no_supervisor() {
    let bench = bench();
    assert_eq!(bench.job(&["true"]).await, JobOutcome::Succeeded(json!({})));
}
