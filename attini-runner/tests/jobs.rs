//! Single jobs as real processes.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use attini_runner::JobOutcome;
use serde_json::json;
use support::{Bench, Told, ZIP_KEY, failure, lives, message};

#[tokio::test]
async fn runner_case_22_one_shell_for_all_commands() {
    let bench = Bench::new();
    let outcome =
        bench.job(&["cd sub", "pwd", "export A=1", "echo $A", "echo $ATTINI_SOURCE_DIR", "bash ../run.sh"]).await;
    assert_eq!(outcome, JobOutcome::Succeeded(json!({})));
    let log = bench.world.log();
    assert_eq!(log[0], format!("{}/sub", log[2]));
    assert_eq!(log[1], "1");
    assert_eq!(log[3], "ran");
    assert_eq!(bench.world.told(), [("T".to_owned(), Told::Success(json!({})))]);
}

#[tokio::test]
async fn runner_case_23_first_failing_pipeline_ends_the_job() {
    let bench = Bench::new();
    let outcome = bench.job(&["false | true", "echo no"]).await;
    assert_eq!(failure(&outcome), ("ScriptExecutionError", "Script exited with code 1"));
    assert!(bench.world.log().is_empty());
    assert_eq!(bench.job(&["exit 0", "false"]).await, JobOutcome::Succeeded(json!({})));
    assert_eq!(bench.job(&[]).await, JobOutcome::Succeeded(json!({})));
}

#[tokio::test]
async fn runner_case_24_values_reach_the_job_as_they_are() {
    let bench = Bench::new();
    let properties = json!({"Commands": ["printf '%s' \"$Q\" > $ATTINI_OUTPUT"], "Environment": {"Q": "it's $X \"`"}});
    let outcome = bench.run(&message("T", &properties)).await;
    assert_eq!(outcome, JobOutcome::Succeeded(json!({"result": "it's $X \"`"})));
}

#[tokio::test]
async fn runner_case_25_input_file_has_the_payload_and_no_token() {
    let bench = Bench::new();
    let properties = json!({"Commands": ["cat $ATTINI_INPUT > $ATTINI_OUTPUT", "stat -c %a $ATTINI_INPUT"]});
    let outcome = bench.run(&message("S3CRET", &properties)).await;
    let JobOutcome::Succeeded(input) = outcome else { panic!("{outcome:?}") };
    assert_eq!(input["output"]["Db"]["Arn"], "a");
    assert_eq!((&input["environment"], &input["stackParameters"]["P"]), (&json!("dev"), &json!("1")));
    assert!(input.get("Properties").is_none() && input.get("taskConfigHashCode").is_none());
    assert_eq!(bench.world.log(), ["600"]);
    for text in [input.to_string(), format!("{:?}", bench.world.notes), format!("{:?}", bench.world.lines)] {
        assert!(!text.contains("S3CRET"), "{text}");
    }
}

#[tokio::test]
async fn the_token_is_in_no_file_and_no_variable_of_the_job() {
    let bench = Bench::new();
    let commands = ["env; grep -r 'S3C''RET' \"$ATTINI_SOURCE_DIR/..\" \"$HOME\" || echo nothing"];
    bench.run(&message("S3CRET", &json!({"Commands": commands}))).await;
    let log = bench.world.log();
    assert_eq!(log.last().unwrap(), "nothing");
    assert!(!log.concat().contains("S3CRET"));
}

#[tokio::test]
async fn runner_case_26_deleted_output_is_empty_and_replaced_output_fails() {
    let bench = Bench::new();
    assert_eq!(bench.job(&["rm $ATTINI_OUTPUT"]).await, JobOutcome::Succeeded(json!({})));
    assert_eq!(bench.job(&["echo 1.2.3 > $ATTINI_OUTPUT"]).await, JobOutcome::Succeeded(json!({"result": "1.2.3"})));
    let outcome = bench.job(&["rm $ATTINI_OUTPUT", "mkfifo $ATTINI_OUTPUT"]).await;
    assert_eq!(failure(&outcome), ("RuntimeError", "$ATTINI_OUTPUT is no file any more"));
}

#[tokio::test]
async fn runner_case_27_too_large_an_output_fails_with_size_and_limit() {
    let bench = Bench::new();
    let outcome = bench.job(&["head -c 307200 /dev/zero | tr '\\0' a > $ATTINI_OUTPUT"]).await;
    let (error, cause) = failure(&outcome);
    assert_eq!(error, "OutputTooLarge");
    assert!(cause.contains("307200") && cause.contains("262144"), "{cause}");
}

#[tokio::test]
async fn runner_case_28_timeout_ends_the_whole_group() {
    let mut bench = Bench::new();
    bench.config.record.jobs.job_timeout = Some(Duration::from_millis(500));
    let pids = bench.dir.path().join("pids");
    let properties = json!({
        // The first one refuses to be asked.
        "Commands": ["(trap '' TERM; sleep 100) & echo $! >> $PIDS", "sleep 100 & echo $! >> $PIDS", "sleep 100"],
        "Environment": {"PIDS": pids}
    });
    let start = Instant::now();
    let outcome = bench.run(&message("T", &properties)).await;
    assert_eq!(failure(&outcome), ("ScriptExecutionError", "Script timed out after 0.5 seconds"));
    assert!(start.elapsed() < Duration::from_secs(20));
    let pids = std::fs::read_to_string(pids).unwrap();
    assert_eq!(pids.lines().count(), 2);
    bench.world.until("all processes are gone", |_| !pids.lines().any(lives)).await;
    assert!(bench.jobs_dir_is_empty());
}

#[tokio::test]
async fn runner_case_28_timeout_text_names_whole_seconds() {
    let mut bench = Bench::new();
    bench.config.record.jobs.job_timeout = Some(Duration::from_secs(1));
    bench.config.log_url = Some("https://logs".into());
    let outcome = bench.job(&["echo working", "sleep 100"]).await;
    let expected =
        "Script timed out after 1 seconds, see complete logs at: https://logs\nLast lines of the output:\nworking";
    assert_eq!(failure(&outcome), ("ScriptExecutionError", expected));
}

#[tokio::test]
async fn runner_case_29_leftovers_do_not_hold_the_job_open() {
    let bench = Bench::new();
    let start = Instant::now();
    let outcome = bench.job(&["sleep 300 & echo $!", "sleep 300 >/dev/null 2>&1 & echo $!", "echo done"]).await;
    assert_eq!(outcome, JobOutcome::Succeeded(json!({})));
    assert!(start.elapsed() < Duration::from_secs(10));
    let log = bench.world.log();
    assert_eq!(log[2], "done");
    bench.world.until("leftovers are gone", |_| !log[..2].iter().any(|pid| lives(pid))).await;
}

#[tokio::test]
async fn a_process_that_left_the_group_does_not_hold_the_job_open() {
    let bench = Bench::new();
    let start = Instant::now();
    let outcome = bench.job(&["setsid sleep 20 &", "echo done"]).await;
    assert_eq!(outcome, JobOutcome::Succeeded(json!({})));
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn runner_case_30_log_key_times_and_silence() {
    let bench = Bench::new();
    bench.job(&["true"]).await;
    assert!(bench.world.lines.lock().unwrap().is_empty());
    bench.job(&["echo one", "echo two >&2", "printf three"]).await;
    let lines = bench.world.lines.lock().unwrap();
    let (key, lines) = lines.iter().next().unwrap();
    assert_eq!(key, "attini/deployment/logs/runner/dev/d/id1/Job/../1/e1");
    assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["one", "two", "three"]);
    assert!(lines.iter().all(|line| line.time.as_ms() > 1_700_000_000_000));
}

#[tokio::test]
async fn runner_case_30_lines_are_stored_while_the_job_runs() {
    let bench = Bench::new();
    let go = bench.dir.path().join("go");
    let commands = ["echo first", "while [ ! -e \"$GO\" ]; do sleep 0.01; done", "echo last"];
    let body = message("T", &json!({"Commands": commands, "Environment": {"GO": go}}));
    let (outcome, ()) = tokio::join!(bench.run(&body), async {
        bench.world.until("the first line is stored", |world| world.log() == ["first"]).await;
        std::fs::write(&go, "").unwrap();
    });
    assert_eq!(outcome, JobOutcome::Succeeded(json!({})));
    assert_eq!(bench.world.log(), ["first", "last"]);
}

#[tokio::test]
async fn runner_case_31_a_log_store_that_refuses_does_not_matter() {
    let bench = Bench::new();
    bench.world.logs_denied.store(true, Ordering::SeqCst);
    assert_eq!(bench.job(&["echo hi"]).await, JobOutcome::Succeeded(json!({})));
    let notes = bench.world.notes.lock().unwrap().join("\n");
    assert!(notes.contains("is not complete") && notes.contains("the service is down"), "{notes}");
}

#[tokio::test]
async fn runner_case_32_one_download_two_folders_nothing_left() {
    let bench = Bench::new();
    let runner = bench.runner();
    let job = |token: &str, object: &str| {
        let mut body = message(token, &json!({"Commands": ["pwd", "test ! -e mark", "touch mark", "chmod -w sub ."]}));
        body["deploymentOriginData"]["objectIdentifier"] = json!(object);
        attini_core::runner::JobMessage::parse(&body.to_string()).unwrap()
    };
    let (first, second) = (job("1", "a#1"), job("2", "a#1"));
    let stop = || bench.shutdown.subscribe();
    let (one, two) = tokio::join!(runner.run_job(&first, stop()), runner.run_job(&second, stop()));
    assert_eq!((one, two), (JobOutcome::Succeeded(json!({})), JobOutcome::Succeeded(json!({}))));
    assert_eq!(bench.world.fetched.load(Ordering::SeqCst), 1);
    assert_eq!(bench.world.log().iter().collect::<BTreeSet<_>>().len(), 2);
    runner.run_job(&job("3", "a#2"), stop()).await;
    assert_eq!(bench.world.fetched.load(Ordering::SeqCst), 2);
    assert!(bench.jobs_dir_is_empty());
    drop(runner);
    assert_eq!(bench.config.work_dir.join("sources").read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn a_missing_or_harmful_source_fails_the_job_with_its_name() {
    let bench = Bench::new();
    bench.world.put_zip(ZIP_KEY, &[("../evil", "x", 0o644)]);
    let outcome = bench.job(&["true"]).await;
    let (error, cause) = failure(&outcome);
    assert_eq!(error, "RuntimeError");
    assert!(cause.contains(ZIP_KEY) && cause.contains("../evil"), "{cause}");
    bench.world.objects.lock().unwrap().clear();
    let outcome = bench.job(&["true"]).await;
    let (error, cause) = failure(&outcome);
    assert!(error == "RuntimeError" && cause.contains("not found"), "{cause}");
    assert!(bench.jobs_dir_is_empty());
}

#[tokio::test]
async fn failures_quote_the_last_lines() {
    let bench = Bench::new();
    let outcome = bench.job(&["seq 100", "kill -9 $$"]).await;
    let (error, cause) = failure(&outcome);
    assert_eq!(error, "ScriptExecutionError");
    assert!(cause.starts_with("Script exited with code 137\nLast lines of the output:\n81\n"), "{cause}");
    assert!(cause.ends_with("\n100"), "{cause}");
}

#[tokio::test]
async fn bad_variable_names_are_a_configuration_error() {
    let bench = Bench::new();
    let outcome = bench.run(&message("T", &json!({"Commands": ["true"], "Environment": {"a-b": "1"}}))).await;
    let (error, cause) = failure(&outcome);
    assert!(error == "RunnerConfigError" && cause.contains("a-b"), "{cause}");
}

#[tokio::test]
async fn answers_are_repeated_while_nobody_listens() {
    let bench = Bench::new();
    bench.world.refusals.store(3, Ordering::SeqCst);
    bench.job(&["true"]).await;
    assert_eq!(bench.world.told(), [("T".to_owned(), Told::Success(json!({})))]);
}

#[tokio::test]
async fn a_step_that_no_longer_waits_ends_its_job_and_hears_nothing() {
    let mut bench = Bench::new();
    bench.config.limits.heartbeat = Duration::from_millis(10);
    let (outcome, ()) = tokio::join!(bench.job(&["echo $$", "sleep 100"]), async {
        bench
            .world
            .until("signs of life", |world| world.heartbeats.load(Ordering::SeqCst) > 2 && !world.log().is_empty())
            .await;
        bench.world.closed.store(true, Ordering::SeqCst);
    });
    assert_eq!(outcome, JobOutcome::Abandoned);
    assert!(bench.world.told().is_empty());
    let shell = &bench.world.log()[0];
    assert_eq!(bench.world.groups.lock().unwrap().first().map(ToString::to_string).as_ref(), Some(shell));
    assert!(!lives(shell));
}

#[tokio::test]
async fn dropping_a_job_ends_its_processes_and_removes_its_files() {
    let bench = Bench::new();
    let body = message("T", &json!({"Commands": ["echo $$", "sleep 100"]}));
    tokio::select! {
        outcome = bench.run(&body) => panic!("{outcome:?}"),
        () = bench.world.until("the job runs", |world| !world.log().is_empty()) => {}
    }
    let shell = bench.world.log()[0].clone();
    bench.world.until("the job is gone", |_| !lives(&shell)).await;
    assert!(bench.jobs_dir_is_empty());
}

/// Runs itself again with credentials in the environment and in the home folder, and looks at what a job sees.
#[tokio::test]
async fn no_job_sees_what_its_runner_was_started_with() {
    const NAME: &str = "no_job_sees_what_its_runner_was_started_with";
    if std::env::var_os("AWS_SECRET_ACCESS_KEY").is_none() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aws")).unwrap();
        std::fs::write(home.path().join(".aws/credentials"), "hush").unwrap();
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env("AWS_SECRET_ACCESS_KEY", "hush")
            .env("AWS_PROFILE", "prod")
            .env("HOME", home.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
        return;
    }
    let bench = Bench::new();
    bench.job(&["env", "ls -A ~", "cat"]).await;
    let log = bench.world.log();
    let names: BTreeSet<&str> = log.iter().map(|line| line.split('=').next().unwrap()).collect();
    let allowed = [
        "ATTINI_DISTRIBUTION_ARTIFACTS_PREFIX",
        "ATTINI_DISTRIBUTION_ID",
        "ATTINI_DISTRIBUTION_NAME",
        "ATTINI_ENVIRONMENT_NAME",
        "ATTINI_INPUT",
        "ATTINI_OBJECT_IDENTIFIER",
        "ATTINI_OUTPUT",
        "ATTINI_SOURCE_DIR",
        "ATTINI_STEP_NAME",
        "HOME",
        "PATH",
        "PWD",
        "SHLVL",
        "TMPDIR",
        "_",
    ];
    assert_eq!(names, BTreeSet::from(allowed));
}
