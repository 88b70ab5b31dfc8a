use serde_json::Value;

use super::attribute;

/// A number in a runner's configuration: its names and its range (runner.md 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Name of the property, as users write it.
    pub property: &'static str,
    /// Name of the record's attribute.
    pub attribute: &'static str,
    /// Least value.
    pub min: u32,
    /// Greatest value.
    pub max: u32,
}

impl Limit {
    /// Most jobs at once.
    pub const MAX_CONCURRENT_JOBS: Self = Self::new("MaxConcurrentJobs", attribute::MAX_CONCURRENT_JOBS, 1, 20);
    /// Seconds without a job after which the runner ends.
    pub const IDLE_TIME_TO_LIVE: Self = Self::new("IdleTimeToLive", attribute::IDLE_TIME_TO_LIVE, 60, 86_400);
    /// Seconds a job may take.
    pub const JOB_TIMEOUT: Self = Self::new("JobTimeout", attribute::JOB_TIMEOUT, 5, 172_800);
    /// Seconds the startup commands may take.
    pub const STARTUP_COMMANDS_TIMEOUT: Self =
        Self::new("CommandsTimeout", attribute::STARTUP_COMMANDS_TIMEOUT, 5, 172_800);
    /// Units of CPU of the task.
    pub const CPU: Self = Self::new("Cpu", attribute::CPU, 256, 98_304);
    /// Memory of the task in MiB.
    pub const MEMORY: Self = Self::new("Memory", attribute::MEMORY, 512, 25_165_824);

    const fn new(property: &'static str, attribute: &'static str, min: u32, max: u32) -> Self {
        Self { property, attribute, min, max }
    }

    /// Reads a number in the range, also one written as text.
    ///
    /// # Errors
    ///
    /// What is wrong, as the end of a sentence that names the runner.
    pub fn check(&self, value: &Value) -> Result<u32, String> {
        let Self { property, min, max, .. } = *self;
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse::<i64>().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| format!("{property} should be a number"))?;
        if number < i64::from(min) {
            return Err(format!("{property} should be a number greater or equal to {min}"));
        }
        match u32::try_from(number) {
            Ok(number) if number <= max => Ok(number),
            _ => Err(format!("{property} should be a number lesser or equal to {max}")),
        }
    }
}

/// How much a runner says about itself; the output of jobs is always shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogLevel {
    /// Everything.
    All,
    /// Inputs of jobs too.
    Debug,
    /// What it does.
    #[default]
    Info,
    /// What may be wrong.
    Warn,
    /// What is wrong.
    Error,
    /// Nothing.
    Off,
}

impl LogLevel {
    const NAMES: [(&'static str, Self); 6] = [
        ("DEBUG", Self::Debug),
        ("INFO", Self::Info),
        ("WARN", Self::Warn),
        ("ERROR", Self::Error),
        ("OFF", Self::Off),
        ("ALL", Self::All),
    ];

    /// Reads a level in its exact spelling.
    ///
    /// # Errors
    ///
    /// What is wrong, as the end of a sentence that names the runner.
    pub fn parse(text: &str) -> Result<Self, String> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, level)| *level).ok_or_else(|| {
            let names = Self::NAMES.map(|(name, _)| name).join(", ");
            format!("{text} is not a valid log level, LogLevel should be one of {names}")
        })
    }

    /// Returns the external spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, level)| *level == self).map_or("INFO", |(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn runner_case_2_ranges_name_property_and_limit() {
        let check = |value| Limit::JOB_TIMEOUT.check(&value);
        assert_eq!(check(json!(5)), Ok(5));
        assert_eq!(check(json!("172800")), Ok(172_800));
        assert_eq!(check(json!(4)), Err("JobTimeout should be a number greater or equal to 5".into()));
        assert_eq!(check(json!(172_801)), Err("JobTimeout should be a number lesser or equal to 172800".into()));
        assert_eq!(check(json!(-1)), Err("JobTimeout should be a number greater or equal to 5".into()));
        assert!(check(json!(5_000_000_000_i64)).is_err());
        assert_eq!(check(json!(5.5)), Err("JobTimeout should be a number".into()));
    }
}
