//! Nothing in any cloud by accident: credentials of the caller reach no job and no file of the home.

use std::fs;
use std::path::Path;

use crate::support::TestEnv;

/// Stands in everything that is a secret here.
const SECRET: &str = "s3cr3t-of-the-caller";

/// Environment variables that hold or lead to credentials.
const VARIABLES: [&str; 26] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_ENDPOINT_URL",
    "AWS_CA_BUNDLE",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "NPM_TOKEN",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "AZURE_CLIENT_SECRET",
    "SSH_AUTH_SOCK",
    "KUBECONFIG",
    "DOCKER_AUTH_CONFIG",
    "XDG_CONFIG_HOME",
];

const FILES: [&str; 9] = [
    ".aws/credentials",
    ".aws/config",
    ".aws/sso/cache/token.json",
    ".config/gh/hosts.yml",
    ".netrc",
    ".npmrc",
    ".docker/config.json",
    ".kube/config",
    ".ssh/id_ed25519",
];

/// Dumps everything that a job can find without looking for it.
const DUMP: &str = r#"
set +e
exec > "$DUMP" 2>&1
echo "== environment"; env; echo "== exported"; export -p
echo "== process"; tr '\0' '\n' < /proc/self/environ
echo "== home $HOME"; ls -laR "$HOME"; find ~ -type f -exec cat {} +
echo "== files of variables"
for name in $(compgen -e); do [[ -f ${!name} && $name != SHELL && $name != _ ]] && { echo "-- $name"; cat "${!name}"; }; done
echo "== folder"; pwd; ls -la; cat *.yaml; grep -r . .. --exclude=dump.sh
echo "== files that are open"; ls -l /proc/self/fd
echo "== arguments"; tr '\0' ' ' < /proc/$$/cmdline; echo
echo "== metadata $AWS_EC2_METADATA_DISABLED"
exec > /dev/null
true
"#;

fn project(env: &TestEnv) -> std::path::PathBuf {
    let project = env.work().join("dump");
    fs::create_dir_all(&project).unwrap();
    let write = |path: &str, text: &str| fs::write(project.join(path), text).unwrap();
    write("dump.sh", DUMP);
    write(
        "attini-config.yaml",
        "distributionName: dump\ninitDeployConfig:\n  template: plan.yaml\n  stackName: ${environment}-dump\n",
    );
    write(
        "plan.yaml",
        &format!(
            "Transform: [AttiniDeploymentPlan, 'AWS::Serverless-2016-10-31']\nResources:\n  Plan:\n    \
             Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n        - Name: Dump\n          \
             Type: AttiniRunnerJob\n          Properties:\n            Environment: {{DUMP: {dump}}}\n            \
             Commands:\n              - source dump.sh\n              - env\n        - Name: Gate\n          \
             Type: AttiniManualApproval\n",
            dump = env.work().join("dumped").display()
        ),
    );
    project
}

/// Returns the files below a directory that contain a text, whatever else is in them.
fn files_with(directory: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // The worker beside creates and removes files meanwhile.
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if fs::read(&path).unwrap_or_default().windows(text.len()).any(|window| window == text.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn no_job_sees_credentials_and_the_home_holds_none() {
    let mut env = TestEnv::new();
    let user_home = env.work().parent().unwrap().join("home");
    for file in FILES {
        let path = user_home.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("[default]\naws_secret_access_key = {SECRET}\n")).unwrap();
    }
    let token = user_home.join(".token");
    fs::write(&token, SECRET).unwrap();
    for name in VARIABLES {
        let value =
            if name.ends_with("_FILE") { token.to_str().unwrap().to_owned() } else { format!("{SECRET}/{name}") };
        env = env.with(name, &value);
    }
    // What a shell hands on that is set up in an unusual way.
    env = env.with("BASH_ENV", token.to_str().unwrap()).with("BASH_FUNC_steal%%", &format!("() {{ echo {SECRET}; }}"));
    let project = project(&env);

    let run = env.spawn(["deploy", "run", project.to_str().unwrap()]);
    let waits = run.line(|line| line.contains("MANUAL APPROVAL NEEDED")).is_some();
    let job = fs::read(env.work().join("dumped")).unwrap_or_default();
    let job = String::from_utf8_lossy(&job).into_owned();
    assert!(waits, "{job}\n{}", run.ended().stderr);
    // While everything is in the home that a running deployment needs.
    let told = |what: &str, found: Vec<String>| assert!(found.is_empty(), "{what} in {found:?}");
    told("the caller's secret", files_with(&env.home(), SECRET));
    env.run(["deploy", "continue", "-n", "dump", "-e", "dev", "--step-name", "Gate"]).exits(0);
    let run = run.ended().exits(0);
    told("the caller's secret", files_with(&env.home(), SECRET));

    for (what, text) in [("job", &job), ("standard output", &run.stdout), ("standard error", &run.stderr)] {
        assert!(!text.contains(SECRET), "{what}: {text}");
        assert!(!text.to_lowercase().contains("token"), "{what}: {text}");
    }
    let lines: Vec<&str> = job.lines().collect();
    assert!(lines.contains(&"== metadata true"), "{job}");
    let home = lines.iter().find_map(|line| line.strip_prefix("== home ")).unwrap();
    assert!(Path::new(home).starts_with(env.home()), "{home}");
    for name in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        let value = lines.iter().find_map(|line| line.strip_prefix(&format!("{name}="))).unwrap();
        assert!(Path::new(value).starts_with(env.home()), "{name}={value}");
    }
    let variables: Vec<&str> = lines
        .iter()
        .skip_while(|line| **line != "== environment")
        .take_while(|line| **line != "== exported")
        .filter_map(|line| line.split_once('=').map(|(name, _)| name))
        .filter(|name| !name.is_empty() && !name.starts_with('='))
        .collect();
    for name in &variables {
        let known =
            ["PATH", "HOME", "LANG", "SHELL", "PWD", "OLDPWD", "SHLVL", "_", "DUMP", "TMPDIR", "USER", "LOGNAME"];
        let ours = name.starts_with("ATTINI_") || name.starts_with("AWS_") || known.contains(name);
        assert!(ours, "{name} is in the environment of a job: {variables:?}");
    }
}
