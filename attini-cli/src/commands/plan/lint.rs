use std::fs::{self, File};
use std::path::{Path, PathBuf};

use attini_core::config::FILE_NAMES;
use attini_core::distribution::{Archive, Limits, TreeError};
use attini_core::document::{ExcerptPart, styled_excerpt};
use attini_core::plan::lint::{
    self, ArchiveTree, Finding, Level, Outcome, Project, ProjectError, ProjectKind, RULES, find_rule, junit, lint,
    page, sarif,
};
use attini_local::project::FolderTree;
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::{CommandError, ErrorKind};
use crate::ui::{BLUE, GREEN, RED, Ui, YELLOW};

/// Find mistakes and risks in plans before anything is deployed
///
/// Looks at the init template with its plans and runners, the configuration, and the files that steps name. Every finding
/// has the code of its rule: `--explain CODE` shows the page of a rule, `--rules` lists them. A comment
/// `# attini-lint: ignore AT012 reason` silences a rule. Exits with 1 when something is found at the level of `--deny` or
/// above, and with 151 when the path cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct LintArgs {
    /// Directory of the distribution, its `attini-config` file, a template, or a packaged zip
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// How to print the findings; `--json` is short for `--format json`
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<Format>,
    /// Leave out findings below this level
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "note")]
    pub level: LevelArg,
    /// Fail on findings of this level and above, shown or not
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "error")]
    pub deny: LevelArg,
    /// List the rules
    #[arg(long, conflicts_with = "explain")]
    pub rules: bool,
    /// Show the page of a rule, given by code or name
    #[arg(long, value_name = "RULE")]
    pub explain: Option<String>,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people, with the lines they are about
    Text,
    /// One object
    Json,
    /// SARIF 2.1.0, for code hosts
    Sarif,
    /// JUnit XML, for build servers
    Junit,
}

/// A level on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LevelArg {
    #[value(alias = "notes")]
    Note,
    #[value(alias = "warnings")]
    Warning,
    #[value(alias = "errors")]
    Error,
}

impl From<LevelArg> for Level {
    fn from(level: LevelArg) -> Self {
        match level {
            LevelArg::Note => Self::Note,
            LevelArg::Warning => Self::Warning,
            LevelArg::Error => Self::Error,
        }
    }
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &LintArgs) -> Result<(), CommandError> {
    if args.rules {
        return list(ctx.ui);
    }
    if let Some(rule) = &args.explain {
        return explain(ctx.ui, rule);
    }
    let mut outcome = lint(&read(&args.path)?, &RULES.iter().collect::<Vec<_>>());
    let fails = outcome.worst() >= Some(args.deny.into());
    outcome.findings.retain(|finding| finding.level >= args.level.into());
    match args.format {
        None if ctx.ui.is_json() => ctx.ui.document(&format!("{:#}", wire(&outcome, !fails)))?,
        None | Some(Format::Text) => text(ctx.ui, &outcome, fails)?,
        Some(Format::Json) => ctx.ui.document(&format!("{:#}", wire(&outcome, !fails)))?,
        Some(Format::Sarif) => ctx.ui.document(&format!("{:#}", sarif(&outcome, env!("CARGO_PKG_VERSION"))))?,
        Some(Format::Junit) => ctx.ui.document(&junit(&outcome, args.deny.into()))?,
    }
    match fails {
        true => Err(CommandError::execution("the plans have findings").told()),
        false => Ok(()),
    }
}

/// Reads what a path names.
fn read(path: &Path) -> Result<Project, CommandError> {
    let unreadable =
        |error: std::io::Error| CommandError::illegal(error).context(format!("cannot read {}", path.display()));
    if path.is_dir() {
        return folder(path);
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if path.is_file() && FILE_NAMES.contains(&name.as_str()) {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        return folder(parent.unwrap_or(Path::new(".")));
    }
    if path.extension().is_some_and(|extension| extension == "zip") {
        let file = File::open(path).map_err(unreadable)?;
        let archive = Archive::open(file, &Limits::default()).map_err(|error| {
            CommandError::new(ErrorKind::IllegalArgument, error).context(format!("cannot read {}", path.display()))
        })?;
        return Ok(Project::read(&ArchiveTree::of(archive), ProjectKind::Packaged)?);
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| CommandError::illegal(format!("{} is not a text file in UTF-8", path.display())))?;
    Ok(Project::of_template(&path.to_string_lossy(), &text))
}

fn folder(path: &Path) -> Result<Project, CommandError> {
    let tree = FolderTree::source(path).map_err(ProjectError::from)?;
    Ok(Project::read(&tree, ProjectKind::Sources)?)
}

impl From<ProjectError> for CommandError {
    fn from(error: ProjectError) -> Self {
        match error {
            ProjectError::Tree(TreeError::Unusable(problems)) => {
                Self::of_problems(ErrorKind::IllegalArgument, "the files cannot be read", problems)
            }
            error => Self::illegal(error),
        }
    }
}

/// Prints findings with their lines, and how many there are.
fn text(ui: &mut Ui, outcome: &Outcome, fails: bool) -> Result<(), CommandError> {
    for finding in &outcome.findings {
        let text = rendered(ui, finding);
        ui.document(&text)?;
        ui.document("")?;
    }
    let counts = [Level::Error, Level::Warning, Level::Note].map(|level| counted(outcome.count(level), level.as_str()));
    let (style, verdict) = if fails { (RED, "Failed") } else { (GREEN, "Passed") };
    let verdict = ui.paint(style, verdict);
    let files = counted(outcome.files.len(), "file");
    let silenced = if outcome.silenced > 0 { format!(", {} silenced", outcome.silenced) } else { String::new() };
    ui.document(&format!("{verdict}: {} in {files}{silenced}", counts.join(", ")))
}

/// Renders a finding as problems are, with the rule beside the level and the way to its page below.
fn rendered(ui: &Ui, finding: &Finding) -> String {
    let style = match finding.level {
        Level::Error => RED,
        Level::Warning => YELLOW,
        Level::Note => BLUE,
    };
    let rule = finding.rule;
    let text = styled_excerpt(&finding.to_problem(), &|part, text| match part {
        ExcerptPart::Severity(_) if text.starts_with('^') => ui.paint(style, text),
        ExcerptPart::Severity(_) => ui.paint(style, &format!("{}[{} {}]", finding.level, rule.code, rule.name)),
        ExcerptPart::Frame => ui.paint(BLUE, text),
    });
    let margin = finding.at.as_ref().map_or(0, |at| at.line.to_string().len());
    let see = ui.paint(BLUE, "= see:");
    format!("{text}\n{} {see} attini plan lint --explain {}", " ".repeat(margin), rule.code)
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// The form for tools; field names do not change.
fn wire(outcome: &Outcome, passed: bool) -> Value {
    let findings = outcome.findings.iter().map(|finding| {
        let mut object = json!({
            "rule": finding.rule.code,
            "name": finding.rule.name,
            "level": finding.level,
            "message": finding.message,
            "page": finding.rule.page_path(),
        });
        if let Some(help) = &finding.help {
            object["help"] = json!(help);
        }
        if let Some(at) = &finding.at {
            object["at"] = json!(at);
        }
        object
    });
    json!({
        "passed": passed,
        "files": outcome.files,
        "findings": findings.collect::<Vec<_>>(),
        "silenced": outcome.silenced,
    })
}

fn list(ui: &mut Ui) -> Result<(), CommandError> {
    if ui.is_json() {
        let rules = RULES.iter().map(|rule| {
            json!({ "rule": rule.code, "name": rule.name, "level": rule.level, "summary": rule.summary, "page": rule.page_path() })
        });
        return ui.document(&format!("{:#}", rules.collect::<Value>()));
    }
    for rule in RULES {
        ui.line(&format!("{} {:7} {}: {}", rule.code, rule.level.as_str(), rule.name, rule.summary))?;
    }
    Ok(())
}

fn explain(ui: &mut Ui, text: &str) -> Result<(), CommandError> {
    match find_rule(text) {
        Some(rule) if ui.is_json() => ui.document(&format!("{:#}", json!({ "rule": rule.code, "text": page(rule) }))),
        Some(rule) => ui.document(&lint::page(rule)),
        None => Err(CommandError::illegal(format!("there is no rule `{text}`"))
            .hint("`attini plan lint --rules` lists the rules")),
    }
}
