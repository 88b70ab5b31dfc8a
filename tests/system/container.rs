//! Packaging in containers (cli.md 7.4): what the engine is told, what comes of it, and what is said when nothing does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::packaged::Packaged;
use crate::process::{Started, eventually};
use crate::support::{Run, TestEnv, repository};

/// A machine with a stand-in for docker, which notes what it is told in `docker.log` of the working directory.
fn env_of(docker: &str) -> TestEnv {
    let env = TestEnv::new();
    let log = env.work().join("docker.log");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_attini"));
    let engine = repository().join("tests/fixtures/container");
    let path = format!("{}:{}:/usr/local/bin:/usr/bin:/bin", engine.display(), program.parent().unwrap().display());
    env.with("PATH", &path).with("DOCKER_LOG", log.to_str().unwrap()).with("DOCKER_IS", docker)
}

/// What the engine was told, call by call.
fn calls(env: &TestEnv) -> Vec<Vec<String>> {
    let log = fs::read_to_string(env.work().join("docker.log")).unwrap_or_default();
    log.lines().map(|line| line.split('\u{1f}').map(str::to_owned).collect()).collect()
}

fn project(env: &TestEnv, package: &str) -> PathBuf {
    let project = env.work().join("my shop");
    fs::create_dir_all(&project).unwrap();
    let config = format!("distributionName: shop\npackage:\n{package}");
    fs::write(project.join("attini-config.yaml"), config).unwrap();
    project
}

fn package(env: &TestEnv, project: &Path, more: &[&str]) -> Run {
    env.attini(["distribution", "package", project.to_str().unwrap(), "-cb"].iter().chain(more))
}

const CONTAINER: &str = "  container:
    image: img:$(echo 1)
    options: ['--env A=b', '--user $(echo 1000):1000']
  prePackage:
    commands: ['echo \"$A in $PWD\" > made.txt']
";

#[test]
fn cli_case_33_the_engine_is_told_all_and_the_zip_is_made() {
    let env = env_of("");
    let project = project(&env, CONTAINER);
    fs::write(project.join("env.sh"), "export A=$A-sourced\n").unwrap();
    let more = ["-i", "it's 1", "-v", "1.2.0", "--name", "other", "-ec=env.sh"];
    package(&env, &project, &more).exits(151);
    let more = ["-i", "one", "-v", "1.2.0", "--name", "other", "-ec=env.sh"];
    let run = package(&env, &project, &more).exits(0);
    run.line("Package command: docker run --rm -v '");
    assert!(run.line("Package command").contains("img:$(echo 1) /bin/bash -c"), "{}", run.stdout);
    run.line("attini_dist/other.zip");
    let [told] = calls(&env).try_into().unwrap();
    let at = |word: &str| told.iter().position(|found| found == word).unwrap_or_else(|| panic!("no {word}: {told:?}"));
    let cidfile = at("--cidfile");
    let mut known = told.clone();
    known.drain(cidfile..cidfile + 2);
    let mount = format!("{}:/mnt/attini", project.canonicalize().unwrap().display());
    let inner = "attini distribution package . --name other --environment-config-script env.sh -i one \
                 --distribution-version 1.2.0";
    let wanted = [
        "run",
        "--rm",
        "-v",
        &mount,
        "--env",
        "A=b",
        "--user",
        "1000:1000",
        "-w",
        "/mnt/attini",
        "img:1",
        "/bin/bash",
        "-c",
        inner,
    ];
    assert_eq!(known, wanted);
    // Nothing is left of it, and the project is as it was.
    assert!(!Path::new(&told[cidfile + 1]).parent().unwrap().exists());
    assert!(!project.join("made.txt").exists());

    let zip = project.join("attini_dist/other.zip");
    let packaged = Packaged { run, zip, env };
    assert!(packaged.text("made.txt").starts_with("b-sourced in /"), "{}", packaged.text("made.txt"));
    let inspected = packaged.inspect();
    assert_eq!((&inspected["distributionId"], &inspected["version"]), (&"one".into(), &"1.2.0".into()));
}

#[test]
fn cli_case_4_flags_reach_the_container_and_the_time_of_the_build_too() {
    let env = env_of("").with("SOURCE_DATE_EPOCH", "1700000000");
    let project = project(&env, CONTAINER);
    package(&env, &project, &["--skip-commands", "--debug"]).exits(0);
    let [told] = calls(&env).try_into().unwrap();
    assert_eq!(told.last().unwrap(), "attini distribution package . --skip-commands --debug");
    let at = told.iter().position(|word| word == "--env").unwrap();
    assert_eq!(told[at + 1], "SOURCE_DATE_EPOCH");
    // Without the other option this one means nothing.
    let run = env.attini(["package", project.to_str().unwrap(), "-crl", "--skip-commands"]).exits(0);
    run.complains(&["`--container-repository-login` has no effect without `--container-build`"]);
    assert_eq!(calls(&env).len(), 1);
}

#[test]
fn cli_case_17_every_line_is_json_in_a_container_too() {
    let env = env_of("");
    let project = project(&env, &CONTAINER.replace("commands: [", "commands: ['echo hi', "));
    let run = package(&env, &project, &["--json"]).exits(0);
    let events = run.events();
    assert!(events.of("packageOutput").iter().any(|data| **data == "hi"), "{}", run.stdout);
    let zip = project.join("attini_dist/shop.zip").display().to_string();
    // Told once, and by the path that holds here.
    assert_eq!(events.of("zip"), [&serde_json::json!({ "DistributionPath": zip })]);
    assert!(calls(&env)[0].last().unwrap().ends_with(" --json"));

    fs::write(project.join("attini-config.yaml"), format!("distributionName: shop\nversion: 1\npackage:\n{CONTAINER}"))
        .unwrap();
    fs::write(project.join(".attini-ignore"), "[a\n").unwrap();
    let run = package(&env, &project, &["--json"]).exits(151);
    let error: serde_json::Value = serde_json::from_str(&run.stderr).unwrap();
    assert!(error["message"].as_str().unwrap().contains("exit code 151: .attini-ignore"), "{error}");
}

#[test]
fn a_distribution_from_a_container_is_deployed() {
    let env = env_of("");
    let project = project(&env, CONTAINER);
    let run = env.attini(["deploy", "run", project.to_str().unwrap(), "-cb", "-i", "one"]).exits(0);
    run.line("DistributionId: one");
    // A zip is packaged already.
    let zip = project.join("attini_dist/shop.zip");
    let run = env.attini(["deploy", "run", zip.to_str().unwrap(), "--container-build"]).exits(0);
    run.complains(&["`--container-build` has no effect on a zip"]);
    assert_eq!(calls(&env).len(), 1);
}

#[test]
fn user_case_9_the_container_of_the_python_demo() {
    let env = env_of("");
    let container = "  container:
    image: registry.example.com/builder:python-cdk-$(uname -m)
    options:
      - --env PYTHONPATH=\"${PYTHONPATH}:$(pwd)\"
  prePackage:
    commands: ['echo \"$PYTHONPATH\" > path.txt']
";
    let env = env.with("PYTHONPATH", "/lib with blank");
    let project = project(&env, container);
    let run = package(&env, &project, &[]).exits(0);
    let work = env.work().canonicalize().unwrap();
    let zip = project.join("attini_dist/shop.zip");
    let packaged = Packaged { run, zip, env };
    assert_eq!(packaged.text("path.txt"), format!("/lib with blank:{}\n", work.display()));
}

const LOGIN: &str = "  container:
    image: img
    loginCommands:
      - export TOKEN=hunter2 # a comment
      - echo 'to the registry with pass-word-3' > login.txt
    options: ['--env TOKEN=$TOKEN']
  prePackage:
    commands: ['echo $TOKEN > token.txt']
";

#[test]
fn login_commands_run_first_and_are_never_shown() {
    let env = env_of("");
    let project = project(&env, LOGIN);
    let run = package(&env, &project, &["-crl"]).exits(0);
    run.line("Logging in to the container's repository");
    assert!(env.work().join("login.txt").exists());
    for secret in ["hunter2", "pass-word-3"] {
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{}{}", run.stdout, run.stderr);
    }
    let zip = project.join("attini_dist/shop.zip");
    let packaged = Packaged { run, zip, env };
    // What one of them exports is there for the options.
    assert_eq!(packaged.text("token.txt"), "hunter2\n");

    // Without the option they do not run.
    let env = env_of("");
    package(&env, &self::project(&env, LOGIN), &[]).exits(0);
    assert!(!env.work().join("login.txt").exists());
}

#[test]
fn a_login_that_fails_is_named_by_its_place() {
    for (last, code) in [("sh -c 'exit 4' pass-word-3", 4), ("exit 5 # pass-word-3", 5)] {
        let env = env_of("");
        let project = project(&env, &LOGIN.replace("echo 'to the registry with pass-word-3' > login.txt", last));
        for json in [&["-crl", "--debug"] as &[&str], &["-crl", "--json"]] {
            let run = package(&env, &project, json).exits(1);
            let wanted = format!("login command 2 of 2 failed with exit code {code}");
            assert!(run.stderr.contains(&wanted), "{}", run.stderr);
            assert!(!run.stdout.contains("pass-word-3") && !run.stderr.contains("pass-word-3"), "{}", run.stderr);
        }
        assert!(calls(&env).is_empty());
    }
}

#[test]
fn what_keeps_a_container_from_working_is_explained() {
    for (docker, code, wanted) in [
        ("down", 1, ["`docker` runs no containers", "ATTINI_CONTAINER_ENGINE=podman"]),
        ("image", 1, ["the image `img:$(echo 1)` is not here", "--container-repository-login"]),
        ("refusing", 1, ["`docker run` made no container", "package.container.options"]),
        ("attini", 1, ["cannot run `attini` with `/bin/bash`", ":/usr/local/bin/attini:ro"]),
        ("idle", 1, ["made no ", "attini_dist/shop.zip"]),
    ] {
        let env = env_of(docker);
        let project = project(&env, CONTAINER);
        let run = package(&env, &project, &[]).exits(code);
        let run = run.complains(&["Failed to run container build command"]).complains(&wanted);
        assert!(!run.stdout.contains("Distribution created"), "{}", run.stdout);
    }
    let failing = CONTAINER.replace("commands: [", "commands: ['exit 7', ");
    let env = env_of("");
    let project = project(&env, &failing);
    let run = package(&env, &project, &[]).exits(1);
    run.complains(&[
        "prePackage commands failed with exit code 7",
        "packaging in the container ended with exit code 1",
    ]);
    // Its mistakes have the codes that they have outside.
    fs::write(project.join(".attini-ignore"), "[a\n").unwrap();
    fs::write(project.join("attini-config.yaml"), format!("distributionName: shop\npackage:\n{CONTAINER}")).unwrap();
    package(&env, &project, &[]).exits(151);
    fs::write(project.join("attini-config.yaml"), "distributionName: shop\n").unwrap();
    package(&env, &project, &[]).exits(155).complains(&["`package.container.image` is missing"]);
}

#[test]
fn another_engine_is_a_name_or_a_path() {
    let env = env_of("");
    let project = project(&env, CONTAINER);
    let docker = repository().join("tests/fixtures/container/docker");
    let other = env.work().join("bin/podman");
    fs::create_dir(env.work().join("bin")).unwrap();
    fs::copy(&docker, &other).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let env = env.with("ATTINI_CONTAINER_ENGINE", other.to_str().unwrap());
    let run = package(&env, &project, &[]).exits(0);
    run.line(&format!("Package command: {} run", other.display()));

    let env = env.with("ATTINI_CONTAINER_ENGINE", "no-such-engine");
    let run = package(&env, &project, &[]).exits(1);
    run.complains(&["`no-such-engine`, which is to run the container, is not installed"]);
}

#[test]
fn the_container_ends_with_the_program() {
    for signal in [Signal::INT, Signal::KILL] {
        let env = env_of("");
        let started = env.work().join("started");
        let commands = format!("commands: ['touch {}', 'sleep 1000', ", started.display());
        let project = project(&env, &CONTAINER.replace("commands: [", &commands));
        let run = Started::of(env.command(["package", project.to_str().unwrap(), "-cb"]));
        eventually("the container works", || started.exists());
        let [told] = calls(&env).try_into().unwrap();
        let file = &told[told.iter().position(|word| word == "--cidfile").unwrap() + 1];
        let id = fs::read_to_string(file).unwrap();
        run.signal(signal);
        eventually("the container is gone", || !Path::new(&format!("/proc/{}", id.trim())).exists());
        eventually("nothing is left", || !Path::new(file).parent().unwrap().exists());
        assert_eq!(calls(&env)[1], ["kill", id.trim()]);
        drop(run.ended());
    }
}

/// Where an engine runs: an image of nothing but bash, this program and what they load.
#[test]
fn a_real_container_makes_the_same_zip() {
    let runs = Command::new("docker").arg("info").output().is_ok_and(|output| output.status.success());
    if !runs {
        println!("skipped: no container engine runs here");
        return;
    }
    let env = TestEnv::new();
    let context = env.work().join("image");
    let program = env!("CARGO_BIN_EXE_attini");
    for (file, place) in [(program, "usr/bin/attini"), ("/bin/bash", "bin/bash")] {
        let loaded = Command::new("ldd").arg(file).output().unwrap();
        let loaded = String::from_utf8(loaded.stdout).unwrap();
        let libraries = loaded.split_whitespace().filter(|word| word.starts_with('/'));
        for (from, to) in libraries.map(|path| (path, path.trim_start_matches('/'))).chain([(file, place)]) {
            let to = context.join("root").join(to);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        }
    }
    fs::create_dir_all(context.join("root/tmp")).unwrap();
    fs::write(context.join("Dockerfile"), "FROM scratch\nCOPY root /\nENV PATH=/usr/bin:/bin\n").unwrap();
    let image = "attini-test-builder";
    let built = Command::new("docker").args(["build", "-q", "-t", image]).arg(&context).status().unwrap();
    assert!(built.success());

    let package = format!(
        "  container:\n    image: {image}\n    options: ['--env A=b', '--user $(id -u):$(id -g)']\n  prePackage:\n    \
         commands: ['echo \"$A in $PWD\" > made.txt']\n"
    );
    let project = project(&env, &package);
    let run = self::package(&env, &project, &["-i", "one"]).exits(0);
    let packaged = Packaged { run, zip: project.join("attini_dist/shop.zip"), env };
    assert!(packaged.text("made.txt").starts_with("b in /"));
    assert_eq!(packaged.inspect()["distributionId"], "one");
}
