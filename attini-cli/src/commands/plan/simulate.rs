mod text;

use std::io::Read;
use std::path::Path;

use attini_core::document::Document;
use attini_core::port::HistoryEvent;
use attini_core::value::Timestamp;
use attini_local::simulate::{
    Case, InspectionLevel, MockFile, SimulationError, TestStateError, TestStateRequest, ended, events, mock_lines,
    run_with_mocks, test_state,
};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::error::{CommandError, ErrorKind};

/// Run a state machine with mocked tasks
///
/// Nothing is called and no time is spent: tasks answer what the file of mocks says, and the clock jumps from one event to
/// the next. A state machine that ends as FAILED is a successful simulation: the exit code is 0 whenever the end is known.
#[derive(Debug, clap::Args)]
pub(crate) struct SimulateArgs {
    /// State machine in the Amazon States Language, JSON or YAML; `-` is stdin
    #[arg(long, value_name = "FILE", required_unless_present = "case")]
    pub definition: Option<String>,
    /// Input of the execution, JSON or YAML, `{}` by default; `-` is stdin
    #[arg(long, value_name = "FILE")]
    pub input: Option<String>,
    /// What the tasks answer, by state; YAML or JSON
    ///
    /// For each state one answer or a list of them: `result`, or `error` with `cause`; `attempts` (how many calls it
    /// serves), `delay` (seconds), `output` (the end of a `.sync` or `.waitForTaskToken` call). The last answer serves all
    /// later calls.
    #[arg(long, value_name = "FILE")]
    pub mocks: Option<String>,
    /// Also show the history; with `--state`, the data inside of the state
    #[arg(long)]
    pub history: bool,
    /// Run this state alone, with the input as its input
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub state: Option<String>,
    /// A recorded case instead: definition, input and answers in one file; prints one JSON document
    ///
    /// The form is that of the conformance cases of the Amazon States Language. What a case expects is not read.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["definition", "input", "mocks", "history", "state"])]
    pub case: Option<String>,
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &SimulateArgs) -> Result<(), CommandError> {
    if let Some(file) = &args.case {
        let answer = run_case(&read_text(ctx, file)?).map_err(|error| error.context(format!("cannot run {file}")))?;
        writeln!(ctx.ui.out, "{answer:#}")?;
        ctx.ui.out.flush()?;
        return Ok(());
    }
    let given = [args.definition.as_deref(), args.input.as_deref(), args.mocks.as_deref()];
    if given.iter().flatten().filter(|file| **file == "-").count() > 1 {
        return Err(CommandError::illegal("only one file can be read from stdin"));
    }
    let file = args.definition.as_deref().expect("the command line has either `--definition` or `--case`");
    let definition = read_value(ctx, file)?;
    let input = match &args.input {
        Some(file) => read_value(ctx, file)?,
        None => json!({}),
    };
    let mocks = match &args.mocks {
        Some(file) => {
            let text = read_text(ctx, file)?;
            MockFile::parse(file, &text).map_err(|problems| problems_in("mocks", problems))?
        }
        None => MockFile::default(),
    };
    let now = Timestamp::from_ms((ctx.ui.now)());
    match &args.state {
        Some(state) => run_state(ctx, args, state, definition, input, &mocks, now),
        None => run_execution(ctx, args, &definition, &input, &mocks, now),
    }
}

fn run_case(text: &str) -> Result<Value, CommandError> {
    let case: Value = serde_json::from_str(text).map_err(CommandError::execution)?;
    Case::read(&case).and_then(|case| case.answer()).map_err(CommandError::execution)
}

fn run_execution(
    ctx: &mut Context<'_>,
    args: &SimulateArgs,
    definition: &Value,
    input: &Value,
    mocks: &MockFile,
    now: Timestamp,
) -> Result<(), CommandError> {
    let result = run_with_mocks(definition, input, mocks, now).map_err(|error| explained(error, args))?;
    let mut answer = result.outcome.as_ref().map_or_else(Map::new, ended);
    if ctx.ui.is_json() {
        if args.history {
            answer.insert("events".to_owned(), events(&result.events).into());
        }
        return ctx.ui.data(&Value::Object(answer));
    }
    text::answer(ctx.ui, &answer)?;
    if let Some(hint) = what_to_do(&answer, &result.events) {
        ctx.ui.hint(&hint)?;
    }
    let seconds = result.ended.since(now).as_secs_f64();
    ctx.ui.line(&format!("Duration: {seconds} s on the simulated clock"))?;
    if args.history {
        text::history(ctx.ui, &result.events, now)?;
    }
    Ok(())
}

fn run_state(
    ctx: &mut Context<'_>,
    args: &SimulateArgs,
    state: &str,
    definition: Value,
    input: Value,
    mocks: &MockFile,
    now: Timestamp,
) -> Result<(), CommandError> {
    let mut request = TestStateRequest::new(definition, input);
    // A state that stands by itself has no name of its own.
    request.state_name = request.definition.get("States").map(|_| state.to_owned());
    request.mock = mocks.for_state(state);
    if args.history {
        request.inspection = InspectionLevel::Debug;
    }
    let needs_mock = request.mock.is_none();
    let lines = || format!("give it an answer in `--mocks`:\n{}", mock_lines(state));
    let answer = test_state(&request, now).map_err(|error| match error {
        TestStateError::NoMock(_) => CommandError::execution(error).hint(lines()),
        other => CommandError::execution(other),
    })?;
    if let Some(exception) = answer.get("exception") {
        let text = |field: &str| exception.get(field).and_then(Value::as_str).unwrap_or_default();
        let error = CommandError::illegal(format!("{}: {}", text("code"), text("message")));
        let is_mockable = text("message").contains("TestState API does not support");
        return Err(if needs_mock && is_mockable { error.hint(lines()) } else { error });
    }
    match answer {
        Value::Object(answer) if !ctx.ui.is_json() => text::answer(ctx.ui, &answer),
        answer => ctx.ui.data(&answer),
    }
}

/// Returns what to do about a failure of the data's way through the machine. Its cause stays in the service's words.
fn what_to_do(answer: &Map<String, Value>, events: &[HistoryEvent]) -> Option<String> {
    let advice = match answer.get("error")?.as_str()? {
        "States.Runtime" | "States.ParameterPathFailure" | "States.ResultPathMatchFailure" => {
            "correct the path, or what the states before hand on"
        }
        "States.QueryEvaluationError" | "States.IntrinsicFailure" => "correct the expression, or what it is given",
        "States.NoChoiceMatched" => "add a rule for this, or a `Default`",
        _ => return None,
    };
    let entered = events.iter().rev().find(|event| event.kind.ends_with("StateEntered"))?;
    let text = |field: &str| entered.details.get(field).and_then(Value::as_str).unwrap_or_default();
    let mut input: String = text("input").chars().take(SHOWN_INPUT).collect();
    if input.len() < text("input").len() {
        input.push('…');
    }
    Some(format!("state `{}` of execution `simulation` was given {input}; {advice}", text("name")))
}

/// So many characters of a state's input are shown with its failure.
const SHOWN_INPUT: usize = 300;

/// Adds what to do to an error of a simulation.
fn explained(error: SimulationError, args: &SimulateArgs) -> CommandError {
    let hint = match &error {
        SimulationError::Missing(missing) => {
            let lines: Vec<String> = missing.iter().map(|missing| mock_lines(&missing.state)).collect();
            let file = args.mocks.as_deref().unwrap_or("a file and pass it with --mocks");
            Some(format!("add to {file}:\n{}", lines.join("\n")))
        }
        SimulationError::Refused(_) | SimulationError::Endless => None,
    };
    hint.into_iter().fold(CommandError::execution(error), CommandError::hint)
}

fn problems_in(what: &str, problems: attini_core::problem::Problems) -> CommandError {
    CommandError::of_problems(ErrorKind::IllegalArgument, &format!("the {what} cannot be read"), problems)
}

fn read_value(ctx: &mut Context<'_>, file: &str) -> Result<Value, CommandError> {
    let text = read_text(ctx, file)?;
    let document = Document::parse(file, &text).map_err(|problems| problems_in("file", problems))?;
    let duplicates = document.duplicate_keys();
    if !duplicates.is_empty() {
        return Err(problems_in("file", attini_core::problem::Problems(duplicates)));
    }
    Ok(document.to_json())
}

fn read_text(ctx: &mut Context<'_>, file: &str) -> Result<String, CommandError> {
    let mut text = String::new();
    let read = if file == "-" {
        ctx.ui.input.read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(Path::new(file))
    };
    let name = if file == "-" { "stdin" } else { file };
    read.map_err(|error| CommandError::execution(error).context(format!("cannot read {name}")))
}
