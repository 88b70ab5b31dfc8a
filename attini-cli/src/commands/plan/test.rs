mod recording;
mod text;

use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use attini_core::problem::Problems;
use attini_local::plan_test::{self, CaseFile, FOLDER, OpenError, Project, Suite, SuiteResult, case_files};
use serde_json::{Value, json};

use crate::commands::config::project;
use crate::context::Context;
use crate::error::{CommandError, ErrorKind};

/// Run the unit tests of a deployment plan
///
/// The plan is expanded as it is for a deployment, and run on a clock that jumps. Steps read their configuration and join
/// payloads as always; what stacks, jobs and people answer comes from the mocks of each case. Nothing is called, and no
/// package command is run.
///
/// Exits with 0 when all cases pass, with 1 when one fails or the coverage is too low, with 151 when a file of cases is wrong
/// or does not fit the plan, with 155 when the `attini-config` file is wrong. A plan that cannot be expanded fails its cases.
#[derive(Debug, clap::Args)]
pub(crate) struct TestArgs {
    /// Directory of the distribution, or its `attini-config` file
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// File of cases instead of those in the folder `attini-tests` of the distribution; can be given several times
    #[arg(long, value_name = "FILE")]
    pub cases: Vec<PathBuf>,
    /// Run only the cases that have this text in their name or in that of their file
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub filter: Option<String>,
    /// Also write the results for CI systems, in the form of JUnit
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Fail when the cases go through less of the steps and branches, in percent
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub min_coverage: Option<u8>,
    /// Fail cases that have mocks which serve no call; otherwise they are only warned of
    #[arg(long)]
    pub deny_unused: bool,
    /// How many cases run at a time; as many as there are processors by default
    #[arg(short, long, value_name = "COUNT")]
    pub jobs: Option<NonZeroUsize>,
    /// Print the JSON Schema of files of cases instead
    #[arg(long)]
    pub schema: bool,
    /// Make a case of a deployment to the local world that has ended, and write it to a new file instead
    ///
    /// Task tokens and the values of parameters with `NoEcho` do not get into the file.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Environment of the deployment to record; can be left out when there is exactly one
    #[arg(short, long, value_name = "NAME", requires = "record", allow_hyphen_values = true)]
    pub environment: Option<String>,
    /// Distribution id of the deployment to record; the newest deployment by default
    #[arg(short = 'i', long, value_name = "ID", requires = "record", allow_hyphen_values = true)]
    pub distribution_id: Option<String>,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &TestArgs) -> Result<(), CommandError> {
    if args.schema {
        writeln!(ctx.ui.out, "{:#}", plan_test::schema())?;
        ctx.ui.out.flush()?;
        return Ok(());
    }
    let root = project(&args.path).map_err(|error| error.hint("files of cases are named with `--cases`"))?;
    let project = Project::open(&root).map_err(open_error)?;
    if let Some(file) = &args.record {
        return recording::run(ctx, args, &project, file).await;
    }
    let files = read_files(&root, args)?;
    let suite = Suite::new(&project, files).map_err(|problems| wrong("the cases do not fit the plan", problems))?;
    let threads = args.jobs.or_else(|| available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let mut result = suite.run(args.filter.as_deref(), threads);
    if args.deny_unused {
        result.deny_unused();
    }
    if result.cases.is_empty() {
        let filter = args.filter.as_deref().unwrap_or_default();
        return Err(CommandError::illegal(format!("no case has `{filter}` in its name or in that of its file")));
    }
    if let Some(file) = &args.junit {
        fs::write(file, plan_test::junit(&result))
            .map_err(|error| CommandError::execution(error).context(format!("cannot write {}", file.display())))?;
    }
    text::results(ctx.ui, &result)?;
    let failed = result.cases.len() - result.passed();
    let percent = result.coverage.percent();
    let wanted = args.min_coverage.map_or(0, usize::from);
    if ctx.ui.is_json() {
        ctx.ui.data(&document(&result))?;
    }
    if percent < wanted {
        ctx.ui.warn(&format!("the cases go through {percent} % of the steps and branches, {wanted} % are wanted"))?;
    }
    match failed == 0 && percent >= wanted {
        true => Ok(()),
        false => Err(CommandError::execution("the plan does not do what its cases expect").told()),
    }
}

/// Returns the results as one JSON document.
fn document(result: &SuiteResult) -> Value {
    let cases: Vec<Value> = result
        .cases
        .iter()
        .map(|case| {
            let mut value = json!(case);
            value["passed"] = case.passed().into();
            value
        })
        .collect();
    let mut coverage = json!(result.coverage);
    coverage["percent"] = result.coverage.percent().into();
    json!({
        "passed": result.passed(), "failed": result.cases.len() - result.passed(), "cases": cases, "coverage": coverage,
    })
}

fn open_error(error: OpenError) -> CommandError {
    match error {
        OpenError::Config(problems) => CommandError::config(problems),
        other => CommandError::execution(other),
    }
}

fn wrong(what: &str, problems: Problems) -> CommandError {
    CommandError::of_problems(ErrorKind::IllegalArgument, what, problems)
}

/// Reads all files of cases; what is wrong with any of them is told at once.
fn read_files(root: &Path, args: &TestArgs) -> Result<Vec<CaseFile>, CommandError> {
    let mut paths = args.cases.clone();
    if paths.is_empty() {
        paths = case_files(root).map_err(|error| {
            CommandError::execution(error).context(format!("cannot list {}", root.join(FOLDER).display()))
        })?;
    }
    if paths.is_empty() {
        let text = format!("there are no files of cases in {}", root.join(FOLDER).display());
        return Err(
            CommandError::illegal(text).hint("write one such as attini-tests/plan.yaml, or name it with `--cases`")
        );
    }
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        let name = path.strip_prefix("./").unwrap_or(&path).display().to_string();
        let text = fs::read_to_string(&path)
            .map_err(|error| CommandError::illegal(error).context(format!("cannot read {name}")))?;
        match CaseFile::parse(&name, &text) {
            Ok(file) => files.push(file),
            Err(Problems(found)) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(files) } else { Err(wrong("the cases cannot be read", Problems(problems))) }
}
