use std::collections::BTreeMap;

use super::record::RunnerConfigError;
use super::{JobMessage, RunnerRecord};

/// Where a job finds its files; absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobPaths {
    /// `$ATTINI_INPUT`
    pub input: String,
    /// `$ATTINI_OUTPUT`
    pub output: String,
    /// `$ATTINI_SOURCE_DIR`: a fresh copy of the distribution, where the job starts.
    pub source_dir: String,
}

/// Returns the environment variables of a job that come from its message: the `ATTINI_*` ones, and the user's own, which
/// win (runner.md 4.5).
///
/// # Errors
///
/// [`RunnerConfigError`] listing every variable that no process can have or no shell can name.
pub fn job_environment(
    runner: &str,
    job: &JobMessage,
    paths: &JobPaths,
) -> Result<BTreeMap<String, String>, RunnerConfigError> {
    let problems: Vec<String> = job
        .properties
        .environment
        .iter()
        .filter_map(|(name, value)| {
            if !is_variable_name(name) {
                let rule = "is no name of an environment variable: use letters, digits and `_`, not a digit first";
                Some(format!("Environment of step {}: {name:?} {rule}", job.step))
            } else if value.contains('\0') {
                Some(format!("Environment of step {}: the value of {name} holds a NUL character", job.step))
            } else {
                None
            }
        })
        .collect();
    if !problems.is_empty() {
        return Err(RunnerConfigError { runner: runner.to_owned(), problems });
    }
    let given = [
        ("ATTINI_ENVIRONMENT_NAME", job.environment.as_str()),
        ("ATTINI_DISTRIBUTION_NAME", &job.distribution_name),
        ("ATTINI_DISTRIBUTION_ID", &job.distribution_id),
        ("ATTINI_OBJECT_IDENTIFIER", job.object_identifier.as_str()),
        ("ATTINI_DISTRIBUTION_ARTIFACTS_PREFIX", job.source_prefix.without_slash()),
        ("ATTINI_STEP_NAME", job.step.as_str()),
        ("ATTINI_INPUT", &paths.input),
        ("ATTINI_OUTPUT", &paths.output),
        ("ATTINI_SOURCE_DIR", &paths.source_dir),
    ];
    let mut variables = texts(&given);
    variables.extend(job.properties.environment.iter().cloned());
    Ok(variables)
}

/// Returns the environment variables of the startup commands that come from the runner's record (runner.md 4.2).
#[must_use]
pub fn startup_environment(record: &RunnerRecord) -> BTreeMap<String, String> {
    texts(&[
        ("ATTINI_ENVIRONMENT_NAME", record.environment.as_str()),
        ("ATTINI_DISTRIBUTION_NAME", &record.distribution_name),
    ])
}

/// Returns the text of the script that runs the commands in one shell.
///
/// The first failing command or pipeline ends it; `cd`, variables, functions, here-documents and commands of several
/// lines carry over. Variables are no part of the text, so no value can break or change it (runner.md 4.5).
#[must_use]
pub fn job_script(commands: &[String]) -> String {
    let mut script = String::from("set -eo pipefail\n");
    for command in commands {
        script.push_str(command);
        script.push('\n');
    }
    script
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(environment: &serde_json::Value) -> JobMessage {
        let body = json!({
            "Properties": {"Environment": environment},
            "deploymentPlanExecutionMetadata": {"sfnToken": "S3CRET", "stepName": "Job", "executionArn": "a:b"},
            "deploymentOriginData": {
                "distributionName": "d", "environment": "dev", "distributionId": "id1", "objectIdentifier": "k#v",
                "deploymentSource": {"deploymentSourcePrefix": "dev/d/id1/distribution-origin",
                    "deploymentSourceBucket": "b"}
            },
            "taskConfigHashCode": 1
        });
        JobMessage::parse(&body.to_string()).expect("complete")
    }

    fn paths() -> JobPaths {
        JobPaths { input: "/w/in".into(), output: "/w/out".into(), source_dir: "/w/src".into() }
    }

    #[test]
    fn variables_of_a_job_and_the_users_own_win() {
        let job = job(&json!({"ATTINI_STEP_NAME": "mine", "Q": "it's $X"}));
        let variables = job_environment("r", &job, &paths()).expect("good names");
        assert_eq!(variables["ATTINI_STEP_NAME"], "mine");
        assert_eq!(variables["Q"], "it's $X");
        assert_eq!(variables["ATTINI_DISTRIBUTION_ARTIFACTS_PREFIX"], "dev/d/id1/distribution-origin");
        assert_eq!(variables["ATTINI_OBJECT_IDENTIFIER"], "k#v");
        assert_eq!(variables.len(), 10);
        assert!(!variables.values().any(|value| value.contains("S3CRET")));
    }

    #[test]
    fn impossible_variables_are_all_named_without_their_values() {
        let job = job(&json!({"a-b": "1", "": "2", "1A": "3", "GOOD": "4", "NUL": "hush\u{0}"}));
        let error = job_environment("r", &job, &paths()).expect_err("bad names").to_string();
        for part in ["\"a-b\"", "\"\"", "\"1A\"", "NUL"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(!error.contains("hush") && !error.contains("GOOD"), "{error}");
    }

    #[test]
    fn commands_stand_verbatim_on_their_own_lines() {
        let commands = ["cat <<EOF\nx\nEOF".to_owned(), "echo 'it'".to_owned()];
        assert_eq!(job_script(&commands), "set -eo pipefail\ncat <<EOF\nx\nEOF\necho 'it'\n");
    }
}
