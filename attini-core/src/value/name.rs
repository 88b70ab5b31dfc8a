use std::fmt;

use thiserror::Error;

use super::object::is_key_hostile;

/// A text that breaks the rule of the value it was meant to become.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind} `{text}` {rule}")]
pub struct InvalidValue {
    /// What was to be made, in the reader's words: `distribution name`.
    pub kind: &'static str,
    /// The text as given.
    pub text: String,
    /// The rule it breaks, as the end of a sentence: `must not be empty`.
    pub rule: String,
}

impl InvalidValue {
    pub(super) fn new(kind: &'static str, text: &str, rule: impl Into<String>) -> Self {
        Self { kind, text: text.to_owned(), rule: rule.into() }
    }
}

macro_rules! text_value {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(super) use text_value;

text_value! {
    /// The name of an isolated target inside one account and region.
    ///
    /// It becomes the first segment of object keys and a prefix in record keys: 1 to 128 characters of
    /// `A-Z a-z 0-9 . _ -`, starting with a letter or digit (cli.md 2).
    Environment
}

impl Environment {
    /// Checks and takes a name.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] when the text breaks the rule of the type.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        const KIND: &str = "environment name";
        if RESERVED.contains(&text) {
            let rule =
                "must not be `attini` or `outputs`, under which the framework keeps its own files; choose another name";
            return Err(InvalidValue::new(KIND, text, rule));
        }
        plain_name(KIND, text).map(Self)
    }
}

/// First segments of keys in the artifact store that are no environments: logs, and outputs of plans.
const RESERVED: [&str; 2] = ["attini", "outputs"];

text_value! {
    /// The name of a distribution.
    ///
    /// `[A-Za-z0-9][A-Za-z0-9._-]{0,127}` (init-deploy.md 4.2).
    DistributionName
}

impl DistributionName {
    /// Checks and takes a name.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] when the text breaks the rule of the type.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        plain_name("distribution name", text).map(Self)
    }
}

text_value! {
    /// The label of one build of a distribution: without order, often a git commit.
    ///
    /// 1 to 128 characters, none of which S3 advises against in keys, nor `/ " *` or control characters
    /// (init-deploy.md 4.2). An id is a key segment.
    DistributionId
}

impl DistributionId {
    /// Checks and takes an id.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] when the text breaks the rule of the type.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        const KIND: &str = "distribution id";
        if text.is_empty() || text.chars().count() > 128 {
            return Err(InvalidValue::new(KIND, text, "must have 1 to 128 characters"));
        }
        if matches!(text, "." | "..") {
            return Err(InvalidValue::new(KIND, text, "must not be `.` or `..`"));
        }
        match text.chars().find(|c| is_key_hostile(*c) || matches!(c, '/' | '\\' | '%')) {
            Some(c) => Err(InvalidValue::new(KIND, text, format!("must not contain {c:?}"))),
            None => Ok(Self(text.to_owned())),
        }
    }
}

text_value! {
    /// The optional version of a distribution, as its author wrote it.
    ///
    /// Meant to be semantic, but only compared when a dependant asks for a range (init-deploy.md 4.2), so any text is kept.
    Version
}

impl Version {
    /// Takes a version as written; blank means none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| Self(text.to_owned()))
    }

    /// Says whether the text is a semantic version 2.0.0 (full, without a leading `v`).
    #[must_use]
    pub fn is_semantic(&self) -> bool {
        nodejs_semver::Version::parse(&self.0).is_ok()
            && self.0.split(['-', '+']).next().is_some_and(|core| core.split('.').count() == 3)
            && self.0.starts_with(|c: char| c.is_ascii_digit())
    }
}

text_value! {
    /// The name of a CloudFormation stack: a letter, then at most 127 letters, digits and `-`.
    StackName
}

impl StackName {
    /// Checks and takes a name.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] when the text breaks the rule of the type.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let rest = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.len() <= 128 && text.chars().all(rest) {
            Ok(Self(text.to_owned()))
        } else {
            let rule = "must start with a letter and hold only letters, digits and `-`, at most 128";
            Err(InvalidValue::new("stack name", text, rule))
        }
    }
}

text_value! {
    /// The name of a plan step, as its author wrote it. Step Functions allows 1 to 80 characters.
    StepName
}

impl StepName {
    /// Takes a name; the plan's own validation has checked it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

text_value! {
    /// `<environment>-<distribution name>`: the key of the records of one distribution in one environment.
    ///
    /// Ambiguous on its own (`a-b` + `c` = `a` + `b-c`), so whoever reads a record compares its own attributes too (cli.md 2).
    DeploymentName
}

impl DeploymentName {
    /// Returns the name for a distribution in an environment.
    #[must_use]
    pub fn of(environment: &Environment, distribution: &DistributionName) -> Self {
        Self(format!("{environment}-{distribution}"))
    }

    /// Returns the name for parts that were read from a record or a key and may break today's rules.
    #[must_use]
    pub fn of_raw(environment: &str, distribution: &str) -> Self {
        Self(format!("{environment}-{distribution}"))
    }
}

/// What an environment is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvironmentType {
    /// Deployments ask for confirmation.
    Production,
    /// Deployments start at once.
    Test,
}

impl EnvironmentType {
    /// Reads `production` or `test` in any letter case.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        match text.to_ascii_lowercase().as_str() {
            "production" => Ok(Self::Production),
            "test" => Ok(Self::Test),
            _ => Err(InvalidValue::new("environment type", text, "must be `production` or `test`")),
        }
    }

    /// Returns the recorded spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for EnvironmentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn plain_name(kind: &'static str, text: &str) -> Result<String, InvalidValue> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.is_empty() {
        Err(InvalidValue::new(kind, text, "must not be empty"))
    } else if text.len() > 128 {
        Err(InvalidValue::new(kind, text, "must have at most 128 characters"))
    } else if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Err(InvalidValue::new(kind, text, "must start with a letter or digit"))
    } else if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        Err(InvalidValue::new(kind, text, format!("must hold only letters, digits, `.`, `_` and `-`, not {c:?}")))
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cli_case_8_distribution_names() {
        for good in ["a-B-9", "1abc", "my_app.v2"] {
            assert!(DistributionName::parse(good).is_ok(), "{good}");
        }
        for bad in ["-abc", "a b", "", "a/b", "ä"] {
            assert!(DistributionName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_of_the_framework_s_own_folders_are_no_environments() {
        for name in ["attini", "outputs"] {
            let error = Environment::parse(name).expect_err("is reserved").to_string();
            assert!(error.contains(name) && error.contains("choose another name"), "{error}");
        }
        for name in ["attini-dev", "output", "Outputs2"] {
            assert!(Environment::parse(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn ids_may_be_numbers_and_hold_colons_but_no_key_separators() {
        for good in ["7", "0123", "a:b", "1.0-rc", "2024-01-01T10:00"] {
            assert!(DistributionId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a/b", "a\"", "a*", "a\nb", "..", "a%2f"] {
            assert!(DistributionId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn semantic_versions_are_full() {
        assert!(Version::new("1.2.0-rc.1+5").expect("not blank").is_semantic());
        assert!(!Version::new("1.2").expect("not blank").is_semantic());
        assert!(!Version::new("v1.2.3").expect("not blank").is_semantic());
        assert_eq!(Version::new("  "), None);
    }
}
