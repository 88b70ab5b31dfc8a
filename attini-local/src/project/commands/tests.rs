#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;

use super::*;

struct Run {
    result: Result<(), CommandError>,
    lines: Vec<String>,
}

#[derive(Default)]
struct Setup {
    environment_script: Option<&'static str>,
    cli_dir: Option<PathBuf>,
    text_mode: bool,
}

fn run_with(setup: &Setup, work_dir: &Path, commands: &[&str]) -> Run {
    let commands: Vec<_> = commands.iter().map(ToString::to_string).collect();
    let request = PhaseCommands {
        phase: CommandPhase::PrePackage,
        commands: &commands,
        work_dir,
        environment_script: setup.environment_script,
        cli_dir: setup.cli_dir.as_deref(),
        distribution_id: None,
        json: !setup.text_mode,
    };
    let mut lines = Vec::new();
    let result = run_commands(&request, &mut |line| lines.push(line.to_owned()));
    Run { result, lines }
}

fn run_in(work_dir: &Path, commands: &[&str]) -> Run {
    run_with(&Setup::default(), work_dir, commands)
}

fn run(commands: &[&str]) -> Run {
    let folder = tempfile::Builder::new().prefix("it's a \"work\" $(dir)").tempdir().unwrap();
    run_in(folder.path(), commands)
}

/// What the commands wrote, without the banner.
#[track_caller]
fn output(run: Run) -> Vec<String> {
    run.result.unwrap();
    let banner = |name: &str| format!("####### {name} prePackage commands #######");
    let [first, lines @ .., last] = run.lines.as_slice() else { return run.lines };
    assert_eq!([first, last], [&banner("Executing"), &banner("Done with")]);
    lines.to_vec()
}

#[test]
fn cli_case_14_one_shell_runs_all_commands_in_the_copy() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    let run = run_in(folder.path(), &["A=1", "cd sub", "echo $A > out.txt", "f() {\n  echo $A$1\n}", "f 2"]);
    assert_eq!(output(run), ["12"]);
    assert_eq!(fs::read_to_string(folder.path().join("sub/out.txt")).unwrap(), "1\n");
}

#[test]
fn cli_case_15_the_first_failing_command_ends_the_script() {
    let folder = tempfile::tempdir().unwrap();
    let run = run_in(folder.path(), &["false", "touch x"]);
    assert_eq!(run.result.unwrap_err().to_string(), "prePackage commands failed with exit code 1");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let text = |commands: &[&str]| self::run(commands).result.unwrap_err().to_string();
    assert_eq!(text(&["exit 7"]), "prePackage commands failed with exit code 7");
    assert_eq!(text(&["no-such-command-here"]), "prePackage commands failed with exit code 127");
}

#[test]
fn cli_case_16_the_script_runs_in_bash_and_in_the_work_dir() {
    output(run(&[r#"[[ -n "$ATTINI_WORK_DIR" ]] && [[ "$PWD" -ef "$ATTINI_WORK_DIR" ]]"#]));
}

#[test]
fn a_test_that_fails_on_the_first_line_does_not_end_the_script() {
    let commands =
        ["[[ -z $HOME ]] && ATTINI_TEST_X=unset", "[[ -n $ATTINI_TEST_Y ]] && exit 1", "echo \"<$ATTINI_TEST_X>\""];
    assert_eq!(output(run(&commands)), ["<>"]);
}

#[test]
fn output_and_errors_come_as_lines_in_one_stream() {
    let lines = output(run(&["echo one", "echo two >&2", "printf 'three\\r\\n\\nfour'"]));
    assert_eq!(lines, ["one", "two", "three", "", "four"]);
    assert_eq!(output(run(&[r"printf 'a\377b\n'"])), ["a\u{fffd}b"]);
    let long = output(run(&["head -c 100000 /dev/zero | tr '\\0' x"]));
    assert_eq!(long.concat().len(), 100_000);
}

#[test]
fn json_mode_switches_colors_and_input_off() {
    let commands = ["echo \"<$ATTINI_DISABLE_ANSI_COLOR>\"", "cat", "echo end"];
    assert_eq!(output(run(&commands)), ["<true>", "end"]);
    let folder = tempfile::tempdir().unwrap();
    let text_mode = run_with(&Setup { text_mode: true, ..Setup::default() }, folder.path(), &commands[..1]);
    assert_eq!(output(text_mode), ["<>"]);
}

#[test]
fn the_callers_environment_is_inherited() {
    let name = "CARGO_MANIFEST_DIR";
    assert_eq!(output(run(&["echo \"$CARGO_MANIFEST_DIR\""])), [env::var(name).unwrap()]);
}

#[test]
fn nested_calls_find_the_running_cli_first() {
    let folder = tempfile::tempdir().unwrap();
    let cli = folder.path().join("attini");
    fs::write(&cli, "#!/bin/sh\necho nested \"$@\"\n").unwrap();
    fs::set_permissions(&cli, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let setup = Setup { cli_dir: Some(folder.path().to_owned()), ..Setup::default() };
    let run = run_with(&setup, folder.path(), &["attini configure"]);
    assert_eq!(output(run), ["nested configure"]);
}

#[test]
fn the_environment_script_is_sourced_first() {
    let folder = tempfile::Builder::new().prefix("it's").tempdir().unwrap();
    fs::write(folder.path().join("env.sh"), "export FROM_SCRIPT=yes\n").unwrap();
    let with = |script| {
        let setup = Setup { environment_script: Some(script), ..Setup::default() };
        run_with(&setup, folder.path(), &["echo $FROM_SCRIPT"])
    };
    let run = with("./env.sh");
    run.result.unwrap();
    assert!(run.lines[1].starts_with("Sourcing environment config: /"), "{:?}", run.lines);
    assert_eq!(run.lines[2], "yes");
    for script in ["/etc/profile", "../env.sh", "a/../../env.sh"] {
        assert!(matches!(with(script).result, Err(CommandError::ScriptOutside { .. })), "{script}");
    }
    let error = with("none.sh").result.unwrap_err().to_string();
    assert_eq!(error, format!("could not find file: {}", folder.path().join("none.sh").display()));
}

#[test]
fn without_commands_nothing_happens() {
    let run =
        run_with(&Setup { environment_script: Some("/absolute"), ..Setup::default() }, Path::new("/nonexistent"), &[]);
    run.result.unwrap();
    assert!(run.lines.is_empty());
}

#[test]
fn a_signal_is_reported_as_such() {
    assert_eq!(run(&["kill -9 $$"]).result.unwrap_err().to_string(), "prePackage commands were killed by signal 9");
    let error = run(&["sh -c 'kill -15 $$'"]).result.unwrap_err().to_string();
    assert_eq!(error, "prePackage commands failed with exit code 143 (killed by signal 15)");
}

#[test]
fn what_stays_in_the_background_does_not_hold_up_the_end() {
    let lines = output(run(&["sleep 60 & echo $! > pid", "cat pid"]));
    // It is ours to end.
    let pid = lines[0].parse::<u32>().unwrap();
    assert!(Command::new("kill").arg(pid.to_string()).status().unwrap().success());
}

#[test]
fn a_missing_work_dir_is_an_error_of_its_own() {
    let run = run_in(Path::new("/nonexistent"), &["true"]);
    assert!(matches!(run.result, Err(CommandError::Shell { .. })));
}

#[test]
fn sh_serves_where_there_is_no_bash() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(find_shell(folder.path().as_os_str()), Path::new("/bin/sh"));
    let bash = folder.path().join("bash");
    fs::write(&bash, "").unwrap();
    assert_eq!(find_shell(folder.path().as_os_str()), Path::new("/bin/sh"));
    fs::set_permissions(&bash, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(find_shell(folder.path().as_os_str()), bash);
}
