//! The runner protocol: configuration, job message, result, environment variables, log records.

/// What a runner is and how it is configured, as recorded at registration (runner.md 2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerRecord {
    /// `<init stack>-<runner>`.
    pub resource_name: String,
    /// Logical id of the runner.
    pub name: String,
    /// Queue it takes jobs from.
    pub queue: String,
}
