//! What the argument parser does not know: single-dash words, `--flag=true`, `@file`.

use std::collections::{HashMap, HashSet};
use std::io;

use clap::{ArgAction, Command};

/// Options of one dash and several letters, and the commands that know them (cli.md 2).
const WORDS: [(&str, &str, &[&str]); 4] = [
    ("-ec", "--environment-config-script", PACKAGING),
    ("-cb", "--container-build", PACKAGING),
    ("-crl", "--container-repository-login", PACKAGING),
    ("-blind", "--dont-follow", &["deploy run", "deploy rollback"]),
];

const PACKAGING: &[&str] = &["deploy run", "distribution package", "package"];

/// Rewrites a command line, without the program's name, to what the parser knows.
///
/// - `-ec F`, `-ec=F`, `-cb`, `-crl`, `-blind` become long options, on the commands that have them
/// - `--flag=true` becomes `--flag`, `--flag=false` vanishes
/// - `@file` becomes the arguments in the file, one per token; `@@x` is `@x`; without such a file it stays
///
/// Values of options are left alone, and so is everything after `--`.
pub(crate) fn rewrite(
    args: Vec<String>,
    root: &Command,
    read: &dyn Fn(&str) -> io::Result<String>,
) -> Result<Vec<String>, String> {
    let args = expand(args, read)?;
    let known = Known::of(root);
    let path = known.command_path(&args, root);
    let words: HashMap<&str, &str> =
        WORDS.iter().filter(|(.., on)| on.contains(&path.as_str())).map(|(word, long, _)| (*word, *long)).collect();
    let mut result = Vec::with_capacity(args.len());
    let mut rest = args.into_iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            result.push(arg);
            break;
        }
        let (name, value) = arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
        let long = words.get(name).copied();
        let name = long.unwrap_or(name);
        match value {
            Some("true") if known.flags.contains(name) => result.push(name.to_owned()),
            Some("false") if known.flags.contains(name) => {}
            Some(value) if long.is_some() => result.push(format!("{name}={value}")),
            None if long.is_some() => result.push(name.to_owned()),
            _ => result.push(arg.clone()),
        }
        if value.is_none() && known.takes_value.contains(name) {
            result.extend(rest.next());
        }
    }
    result.extend(rest);
    Ok(result)
}

/// Returns a command line that a shell reads back as these words.
pub(crate) fn shell_line<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| shell_word(word.as_ref())).collect();
    quoted.join(" ")
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn expand(args: Vec<String>, read: &dyn Fn(&str) -> io::Result<String>) -> Result<Vec<String>, String> {
    let mut result = Vec::with_capacity(args.len());
    let mut rest = args.into_iter();
    for arg in rest.by_ref() {
        if arg == "--" {
            result.push(arg);
            break;
        }
        match arg.strip_prefix('@') {
            Some(text) if text.starts_with('@') => result.push(text.to_owned()),
            Some(file) if !file.is_empty() => match read(file) {
                Ok(text) => result.extend(tokens(&text)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => result.push(arg),
                Err(error) => return Err(format!("cannot read the arguments in {file}: {error}")),
            },
            _ => result.push(arg),
        }
    }
    result.extend(rest);
    Ok(result)
}

/// Splits at white space outside of quotes; a line that starts with `#` is a comment.
fn tokens(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let (mut token, mut quote, mut open) = (String::new(), None, false);
        for c in line.chars() {
            match quote {
                Some(q) if c == q => quote = None,
                Some(_) => token.push(c),
                None if c == '"' || c == '\'' => (quote, open) = (Some(c), true),
                None if c.is_whitespace() => {
                    if open {
                        all.push(std::mem::take(&mut token));
                    }
                    open = false;
                }
                None => {
                    token.push(c);
                    open = true;
                }
            }
        }
        if open {
            all.push(token);
        }
    }
    all
}

/// The options of all commands, as written on a command line.
struct Known {
    flags: HashSet<String>,
    takes_value: HashSet<String>,
}

impl Known {
    fn of(root: &Command) -> Self {
        let mut known = Self { flags: HashSet::new(), takes_value: HashSet::new() };
        known.add(root);
        known
    }

    fn add(&mut self, command: &Command) {
        for arg in command.get_arguments().filter(|arg| !arg.is_positional()) {
            let longs = arg.get_long_and_visible_aliases().unwrap_or_default();
            let hidden = arg.get_all_aliases().unwrap_or_default();
            let shorts = arg.get_short_and_visible_aliases().unwrap_or_default();
            let names = longs.into_iter().chain(hidden).map(|long| format!("--{long}"));
            let names = names.chain(shorts.into_iter().map(|short| format!("-{short}")));
            match arg.get_action() {
                ArgAction::SetTrue => self.flags.extend(names),
                ArgAction::Set | ArgAction::Append => self.takes_value.extend(names),
                _ => {}
            }
        }
        command.get_subcommands().for_each(|sub| self.add(sub));
    }

    /// Returns the names of the commands that the arguments choose, aliases resolved: `deploy run`.
    fn command_path(&self, args: &[String], root: &Command) -> String {
        let (mut path, mut command, mut rest) = (Vec::new(), root, args.iter());
        while let Some(arg) = rest.next() {
            if self.takes_value.contains(arg) {
                rest.next();
            } else if !arg.starts_with('-') {
                let Some(found) = command.find_subcommand(arg) else { break };
                path.push(found.get_name().to_owned());
                command = found;
            }
        }
        path.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    fn check(line: &str, expected: &str) {
        let files = |name: &str| match name {
            "opts" => Ok("-e dev\n# a comment\n--message 'two words' \"\"".to_owned()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        };
        let words = line.split(' ').map(str::to_owned).collect();
        let result = rewrite(words, &args::command(), &files).expect("readable");
        assert_eq!(result.join("|"), expected.replace(' ', "|").replace('_', " "), "{line}");
    }

    #[test]
    fn rewriting_table() {
        check("deploy run . -ec env.sh", "deploy run . --environment-config-script env.sh");
        check(
            "deploy run . -ec=env.sh -cb -crl",
            "deploy run . --environment-config-script=env.sh --container-build --container-repository-login",
        );
        check("d run -blind .", "d run --dont-follow .");
        check("dist package . -cb", "dist package . --container-build");
        check("-r eu-west-1 deploy run . -cb", "-r eu-west-1 deploy run . --container-build");
        check("deploy history -n x -ec", "deploy history -n x -ec");
        check("deploy run . -bf", "deploy run . -bf");
        check("deploy run . --force=true --json=false", "deploy run . --force");
        check("deploy run . -cb=false", "deploy run .");
        check("deploy run . --force=maybe", "deploy run . --force=maybe");
        check(
            "deploy continue -m -ec --force=true",
            "deploy continue -m -ec --force=true".replace(" --force=true", " --force").as_str(),
        );
        check("deploy continue -m --abort=true", "deploy continue -m --abort=true");
        check("deploy run -- -cb --force=true @opts", "deploy run -- -cb --force=true @opts");
        check("deploy continue @opts", "deploy continue -e dev --message two_words ");
        check("deploy continue -m @nobody @@x", "deploy continue -m @nobody @x");
    }

    #[test]
    fn lines_for_a_shell() {
        assert_eq!(shell_line(["attini", "-m", "it's", "a b", ""]), r"attini -m 'it'\''s' 'a b' ''");
    }
}
