use super::CONFIG_FILES;
use super::glob::Glob;
use super::manifest::MANIFEST_FILE;
use super::tree::TreeEntry;
use crate::problem::{Problem, Problems, SourceSpot};

/// Name of the file with the rules, in the root of a project.
pub const IGNORE_FILE: &str = ".attini-ignore";

/// What stays out of a distribution (cli.md 8).
///
/// Rules are matched against the path of every file and directory, relative to the root. A directory that stays out is
/// not looked into. The config file in the root always goes in.
#[derive(Debug, Clone, Default)]
pub struct IgnoreRules {
    /// `None`: there is no file, the defaults hold.
    rules: Option<Vec<Rule>>,
}

#[derive(Debug, Clone)]
struct Rule {
    line: u32,
    text: String,
    glob: Glob,
    /// `!`: what matches goes in again.
    keeps: bool,
    /// A `/` at the end: directories only.
    directories_only: bool,
    /// The pattern without its leading `**/`.
    at_top: Option<Glob>,
}

/// Why an entry stays out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    /// A line of the project's own ignore file.
    Rule {
        /// Line, counted from 1.
        line: u32,
        /// The line's text.
        text: String,
    },
    /// It has the name of the manifest, which packaging writes anew.
    Manifest,
    /// No ignore file, and the name starts with a dot.
    Hidden,
    /// No ignore file, and it is a directory of that name.
    NodeModules,
    /// No ignore file, and the name holds this character, which does not go well with object keys.
    Character(char),
}

impl IgnoreRules {
    /// Reads an ignore file. It replaces the defaults completely, even when it is empty.
    ///
    /// One glob per line. White space and a carriage return at the end of a line do not count; empty lines and lines that start
    /// with `#` are skipped; `dir/` matches directories only; `!` in front puts back in what an earlier line
    /// left out, unless the directory around it stays out. The last line that matches decides. `\` quotes any of these.
    ///
    /// # Errors
    ///
    /// Every line that is no glob.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        let mut rules = Vec::new();
        let mut problems = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            match Rule::parse(number, line) {
                Ok(rule) => rules.extend(rule),
                Err(problem) => problems.push(*problem),
            }
        }
        if problems.is_empty() { Ok(Self { rules: Some(rules) }) } else { Err(Problems(problems)) }
    }

    /// Returns why the entry stays out, or `None` when it goes in.
    #[must_use]
    pub fn skip(&self, entry: &TreeEntry) -> Option<SkipReason> {
        if CONFIG_FILES.contains(&entry.path.as_str()) && !entry.is_directory() {
            return None;
        }
        if entry.path == MANIFEST_FILE && !entry.is_directory() {
            return Some(SkipReason::Manifest);
        }
        match &self.rules {
            Some(rules) => {
                let rule = rules.iter().rev().find(|rule| rule.matches(entry))?;
                (!rule.keeps).then(|| SkipReason::Rule { line: rule.line, text: rule.text.clone() })
            }
            None => skip_by_default(entry),
        }
    }

    /// Returns hints for `**/` lines that just miss something which goes in, at most one per line.
    #[must_use]
    pub fn near_misses(&self, entries: &[TreeEntry]) -> Vec<Problem> {
        let rules = self.rules.iter().flatten().filter(|rule| !rule.keeps);
        rules.filter_map(|rule| rule.near_miss(entries)).collect()
    }
}

impl Rule {
    /// Returns no rule for a line that says nothing.
    fn parse(number: u32, line: &str) -> Result<Option<Self>, Box<Problem>> {
        let text = without_trailing_blanks(line);
        if text.is_empty() || text.starts_with('#') {
            return Ok(None);
        }
        let (keeps, pattern) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
        let (directories_only, pattern) = match pattern.strip_suffix('/') {
            Some(rest) if !rest.ends_with('\\') => (true, rest),
            _ => (false, pattern),
        };
        let glob = Glob::parse(pattern).map_err(|error| {
            let at = SourceSpot {
                file: IGNORE_FILE.to_owned(),
                line: number,
                column: 1,
                length: u32::try_from(text.chars().count()).unwrap_or(u32::MAX),
                text: line.to_owned(),
            };
            let problem = Problem::error(format!("`{text}` is no valid pattern: {error}"));
            Box::new(problem.with_help("write `\\` before a character that stands for itself").at(Some(at)))
        })?;
        let at_top = pattern.strip_prefix("**/").and_then(|rest| Glob::parse(rest).ok());
        Ok(Some(Self { line: number, text: text.to_owned(), glob, keeps, directories_only, at_top }))
    }

    fn matches(&self, entry: &TreeEntry) -> bool {
        self.allows_kind(entry) && self.glob.matches(&entry.path)
    }

    fn allows_kind(&self, entry: &TreeEntry) -> bool {
        !self.directories_only || entry.is_directory()
    }

    fn near_miss(&self, entries: &[TreeEntry]) -> Option<Problem> {
        let at_top = self.at_top.as_ref()?;
        let missed = entries.iter().find(|entry| {
            let config = CONFIG_FILES.contains(&entry.path.as_str());
            !config && self.allows_kind(entry) && at_top.matches(&entry.path) && !self.glob.matches(&entry.path)
        })?;
        let Self { line, text, .. } = self;
        let top = text.trim_start_matches('/').trim_start_matches("**/");
        Some(
            Problem::warning(format!(
                "line {line} of {IGNORE_FILE}, `{text}`, does not match {} because `**/` needs a directory above",
                missed.path
            ))
            .with_help(format!("add the line `{top}` to leave it out")),
        )
    }
}

/// A blank that `\` quotes stays.
fn without_trailing_blanks(line: &str) -> &str {
    let trimmed = line.trim_end();
    let quotes = trimmed.chars().rev().take_while(|c| *c == '\\').count();
    match line[trimmed.len()..].chars().next() {
        Some(blank) if quotes % 2 == 1 && blank != '\r' => &line[..trimmed.len() + blank.len_utf8()],
        _ => trimmed,
    }
}

fn skip_by_default(entry: &TreeEntry) -> Option<SkipReason> {
    let name = entry.name();
    if name.starts_with('.') {
        Some(SkipReason::Hidden)
    } else if entry.is_directory() && name == "node_modules" {
        Some(SkipReason::NodeModules)
    } else {
        // The set of the original's defaults, which is smaller than what no key may hold.
        name.chars().find(|c| "#%\\{}`~<>|^ &;?$,+=@[]".contains(*c)).map(SkipReason::Character)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;
    use crate::distribution::tree::EntryKind;

    fn entry(path: &str) -> TreeEntry {
        match path.strip_suffix('/') {
            Some(path) => TreeEntry { path: path.to_owned(), kind: EntryKind::Directory },
            None => TreeEntry { path: path.to_owned(), kind: EntryKind::File { executable: false, size: 0 } },
        }
    }

    #[track_caller]
    fn check(rules: &str, out: &[&str], within: &[&str]) {
        let rules = IgnoreRules::parse(rules).unwrap();
        for path in out {
            assert!(rules.skip(&entry(path)).is_some(), "{path} must stay out");
        }
        for path in within {
            assert_eq!(rules.skip(&entry(path)), None, "{path} must go in");
        }
    }

    #[test]
    fn a_line_matches_from_the_root() {
        check("*.md\nsrc", &["r.md", "src/", "src"], &["d/r.md", "d/src/", "ok"]);
        check("/src", &["src/"], &["d/src/"]);
        check("**.md", &["r.md", "d/r.md"], &[]);
        check("tmp/**", &["tmp/a", "tmp/a/b"], &["tmp/"]);
    }

    #[test]
    fn project_7_keeps_its_top_level_cdk_out() {
        check("**/cdk.out/**\n.*\n**/.*", &["p/cdk.out/x", ".git/", "p/.aws-sam/"], &["cdk.out/t.json", "p/cdk.out/"]);
    }

    #[test]
    fn comments_blanks_carriage_returns_and_empty_lines_say_nothing() {
        check("# note\r\n\r\n  \n*.md \t\r\n\\#a\n\\!b\nc\\ \n", &["r.md", "#a", "!b", "c "], &["# note", "", "c"]);
        check("\u{feff}*.md", &["r.md"], &[]);
    }

    #[test]
    fn a_closing_slash_means_directories() {
        check("src/", &["src/"], &["src"]);
        check("**/x/", &["a/x/"], &["a/x", "x/"]);
    }

    #[test]
    fn the_last_matching_line_decides() {
        check("*.log\n!keep.log\nkeep.*.log", &["a.log", "keep.2.log"], &["keep.log"]);
        check("!a\na", &["a"], &[]);
    }

    #[test]
    fn the_config_always_goes_in() {
        check(
            "**\n*",
            &["x", "d/attini-config.yaml", "attini-config.toml"],
            &["attini-config.yaml", "attini-config.json"],
        );
    }

    #[test]
    fn an_empty_file_replaces_the_defaults() {
        check("", &[], &[".env", "a b", "node_modules/"]);
    }

    #[test]
    fn the_defaults() {
        let rules = IgnoreRules::default();
        assert_eq!(rules.skip(&entry("d/.x")), Some(SkipReason::Hidden));
        assert_eq!(rules.skip(&entry("d/node_modules/")), Some(SkipReason::NodeModules));
        assert_eq!(rules.skip(&entry("node_modules")), None);
        for c in "#%\\{}`~<>|^ &;?$,+=@[]".chars() {
            assert_eq!(rules.skip(&entry(&format!("d/a{c}b"))), Some(SkipReason::Character(c)));
        }
        // Not dropped, so that the check of names refuses them aloud where they cannot be keys.
        for name in ["a*b", "a\"b", "a'b", "a:b", "a!b", "(a)", "å"] {
            assert_eq!(rules.skip(&entry(name)), None);
        }
    }

    #[test]
    fn cli_case_24_bad_patterns_are_named_with_their_lines() {
        let problems = IgnoreRules::parse("ok\n[a\n{x\n").unwrap_err().0;
        let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(texts.join("\n"), @r"
        .attini-ignore:2:1: `[a` is no valid pattern: `[` is never closed (write `\` before a character that stands for itself)
        .attini-ignore:3:1: `{x` is no valid pattern: `{` is never closed (write `\` before a character that stands for itself)
        ");
    }

    #[test]
    fn a_line_that_just_misses_the_top_level_gets_a_hint() {
        let rules = IgnoreRules::parse("**/cdk.out/**\n**/.*\n**/x").unwrap();
        let hints = rules.near_misses(&[entry("cdk.out/"), entry("cdk.out/a"), entry("cdk.out/b"), entry("d/x")]);
        let texts: Vec<_> = hints.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(texts.join("\n"), @"line 1 of .attini-ignore, `**/cdk.out/**`, does not match cdk.out/a because `**/` needs a directory above (add the line `cdk.out/**` to leave it out)");
    }
}
