//! What every command gets: streams, settings, libraries and its own command line.

use std::ffi::OsString;
use std::path::PathBuf;

use attini_core::value::Region;
use attini_local::project::FIXED_ID_VARIABLE;

use crate::args::GlobalArgs;
use crate::argv::shell_line;
use crate::error::{CommandError, ErrorKind};
use crate::ui::Ui;
use crate::world::{Backends, LocalOptions, LocalWorld};

/// Settings from environment variables, read once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// `ATTINI_LOCAL` is `1` or `true`.
    pub local: bool,
    /// `ATTINI_HOME`.
    pub home: Option<PathBuf>,
    /// `AWS_REGION`, else `AWS_DEFAULT_REGION`.
    pub region: Option<String>,
    /// `ATTINI_DISABLE_ANSI_COLOR` is `true`, or `NO_COLOR` is set.
    pub no_color: bool,
    /// Whether the locale (`LC_ALL`, else `LC_CTYPE`, else `LANG`) is one without UTF-8.
    pub ascii: bool,
    /// Inside of package commands: the project whose distribution id somebody asked for, and that id.
    pub fixed_id: Option<(PathBuf, String)>,
}

impl Settings {
    /// Reads the settings through `var`.
    pub(crate) fn read(var: impl Fn(&str) -> Option<OsString>) -> Self {
        // Paths are any bytes; the others can only be text.
        let path = |name: &str| var(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let var = |name: &str| var(name).and_then(|value| value.into_string().ok());
        let is_on = |name: &str, words: &[&str]| {
            var(name).is_some_and(|value| words.iter().any(|word| value.eq_ignore_ascii_case(word)))
        };
        let set = |name: &str| var(name).filter(|value| !value.is_empty());
        Self {
            local: is_on("ATTINI_LOCAL", &["1", "true"]),
            home: path("ATTINI_HOME"),
            region: set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION")),
            no_color: is_on("ATTINI_DISABLE_ANSI_COLOR", &["true"]) || set("NO_COLOR").is_some(),
            ascii: {
                let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
                !locale.to_ascii_lowercase().replace('-', "").contains("utf8")
            },
            fixed_id: path("ATTINI_WORK_DIR").zip(set(FIXED_ID_VARIABLE)),
        }
    }
}

/// What a command works with.
pub(crate) struct Context<'a> {
    /// Streams.
    pub ui: &'a mut Ui,
    /// Environment variables.
    pub settings: &'a Settings,
    /// Global options.
    pub global: GlobalArgs,
    /// Libraries.
    pub backends: &'a dyn Backends,
    /// The command line as the person wrote it, without the program.
    pub argv: &'a [String],
}

impl Context<'_> {
    /// Opens the world that the command line asks for.
    pub(crate) fn world(&mut self) -> Result<Box<dyn LocalWorld>, CommandError> {
        if !self.is_local() {
            let hint = format!("the local world needs no account: {}", self.local_form());
            return Err(CommandError::execution("the AWS world is not in this version").hint(hint));
        }
        if let Some(profile) = &self.global.profile {
            let text = format!("`--profile {profile}` has no meaning in the local world, which uses no credentials");
            self.ui.warn(&text)?;
        }
        let region = self.region()?;
        self.backends.local_world(&LocalOptions { home: self.settings.home.clone(), region })
    }

    /// Returns the region of the command line, else that of the environment variables.
    pub(crate) fn region(&self) -> Result<Option<Region>, CommandError> {
        match (&self.global.region, &self.settings.region) {
            (Some(region), _) => Ok(Some(region.clone())),
            (None, Some(text)) => Ok(Some(Region::parse(text)?)),
            (None, None) => Ok(None),
        }
    }

    pub(crate) fn is_local(&self) -> bool {
        self.global.local || self.settings.local
    }

    /// Returns the same command line for the local world.
    fn local_form(&self) -> String {
        let mut words: Vec<&str> = self.argv.iter().map(String::as_str).collect();
        // Everything after `--` is no option.
        let end = words.iter().position(|word| *word == "--").unwrap_or(words.len());
        words.insert(end, "--local");
        words.insert(0, "attini");
        shell_line(words)
    }

    /// Returns a command line of ours that reaches the same world.
    pub(crate) fn command_line(&self, words: &[&str]) -> String {
        let mut all = vec!["attini"];
        all.extend(words);
        if self.is_local() {
            all.push("--local");
        }
        if let Some(region) = &self.global.region {
            all.extend(["-r", region.as_str()]);
        }
        shell_line(all)
    }

    /// Returns the answer to a question that has to be answered with `Y`.
    ///
    /// Without a terminal nothing is asked: the error names the option that replaces the answer.
    pub(crate) fn confirm(&mut self, question: &str, option: &str) -> Result<bool, CommandError> {
        match self.ui.ask(&format!("{question} (Y/N)"))? {
            Some(answer) => Ok(answer.eq_ignore_ascii_case("y")),
            None => {
                Err(CommandError::new(ErrorKind::IllegalArgument, "a confirmation is needed, and nobody can be asked")
                    .hint(format!("pass `{option}` to go on without a question")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_from_environment_variables() {
        let read = |pairs: &[(&str, &str)]| {
            Settings::read(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value)))
        };
        assert!(read(&[("ATTINI_LOCAL", "1")]).local && read(&[("ATTINI_LOCAL", "TRUE")]).local);
        assert!(!read(&[("ATTINI_LOCAL", "0")]).local && !read(&[]).local);
        assert!(read(&[("NO_COLOR", "1")]).no_color && !read(&[("NO_COLOR", "")]).no_color);
        assert!(read(&[("ATTINI_DISABLE_ANSI_COLOR", "True")]).no_color);
        let both = read(&[("AWS_DEFAULT_REGION", "b"), ("AWS_REGION", "a")]);
        assert_eq!(both.region.as_deref(), Some("a"));
    }

    #[test]
    fn a_home_that_is_not_utf_8_is_not_replaced_by_the_default() {
        use std::os::unix::ffi::OsStringExt;
        let home = OsString::from_vec(b"/tmp/h\xff".to_vec());
        let settings = Settings::read(|name| (name == "ATTINI_HOME").then(|| home.clone()));
        assert_eq!(settings.home, Some(PathBuf::from(home)));
    }
}
