//! Ends and histories for people.

use attini_core::port::HistoryEvent;
use attini_core::value::Timestamp;
use serde_json::{Map, Value};

use crate::error::CommandError;
use crate::ui::{GREEN, RED, Ui, YELLOW, cut, printable};

/// Columns of a table, whatever the terminal has.
const COLUMNS: usize = 80;

/// Prints the fields of an answer: texts as they are, everything else as JSON.
pub(super) fn answer(ui: &mut Ui, answer: &Map<String, Value>) -> Result<(), CommandError> {
    const LABELS: [(&str, &str); 6] = [
        ("status", "Status"),
        ("nextState", "Next state"),
        ("error", "Error"),
        ("cause", "Cause"),
        ("output", "Output"),
        ("inspectionData", "Inside"),
    ];
    for (field, label) in LABELS {
        let Some(value) = answer.get(field) else { continue };
        let text = match value {
            Value::String(text) if field == "status" => {
                let style = match text.as_str() {
                    "SUCCEEDED" => GREEN,
                    "CAUGHT_ERROR" | "RETRIABLE" => YELLOW,
                    _ => RED,
                };
                ui.paint(style, text)
            }
            Value::String(text) if field != "output" => safe(text),
            other => format!("{other:#}"),
        };
        ui.line(&format!("{label}: {text}"))?;
    }
    Ok(())
}

fn safe(text: &str) -> String {
    text.lines().map(|line| printable(line, false)).collect::<Vec<_>>().join("\n")
}

/// Prints a history as a table of 80 columns: number, time since the start, event, and what it is about.
pub(super) fn history(ui: &mut Ui, events: &[HistoryEvent], start: Timestamp) -> Result<(), CommandError> {
    let width = |least: usize, texts: &mut dyn Iterator<Item = usize>| texts.fold(least, usize::max);
    let number = width(2, &mut events.iter().map(|event| event.id.to_string().len()));
    let kind = width(5, &mut events.iter().map(|event| event.kind.len()));
    ui.line("")?;
    ui.line(&format!("{:>number$}  {:>10}  {:<kind$}  About", "Id", "Seconds", "Event"))?;
    for event in events {
        let seconds = event.time.since(start).as_secs_f64();
        let line = format!("{:>number$}  {seconds:>10.3}  {:<kind$}  {}", event.id, event.kind, about(event));
        ui.line(cut(&line, COLUMNS).trim_end())?;
    }
    Ok(())
}

fn about(event: &HistoryEvent) -> String {
    let text = |field: &str| event.details.get(field).and_then(Value::as_str);
    let index = event.details.get("index").map(|index| format!("[{index}]")).unwrap_or_default();
    let about = match (text("name"), text("error"), text("resourceType"), text("resource")) {
        (Some(name), ..) => format!("{name}{index}"),
        (None, Some(error), ..) => match text("cause") {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_owned(),
        },
        (None, None, Some(service), Some(action)) => format!("{service}:{action}"),
        (None, None, _, Some(resource)) => resource.to_owned(),
        _ => String::new(),
    };
    printable(&about.replace('\n', " "), false)
}
