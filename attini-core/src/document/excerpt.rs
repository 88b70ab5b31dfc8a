use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::problem::{Problem, Severity, SourceSpot};

/// Widest part of a line that is shown, in terminal columns.
const WIDTH: usize = 100;
/// What is shown before the place in a line that is cut, in terminal columns.
const BEFORE: usize = 40;
const CUT: &str = "...";

/// Renders a problem with the line it is about, as plain text without a line end.
///
/// ```text
/// error: `template` must be text, not a list
///  --> attini-config.yaml:3:13
///   |
/// 3 |   template: [a]
///   |             ^^^
///   = help: write `template: path/to/template.yaml`
/// ```
///
/// Long lines are cut around the place; tabs become blanks and control characters `?`, so that no file can steer a
/// terminal.
#[must_use]
pub fn excerpt(problem: &Problem) -> String {
    styled_excerpt(problem, &|_, text| text.to_owned())
}

/// A part of an excerpt that may look different from the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExcerptPart {
    /// `error`, `warning`, and the marks under the place.
    Severity(Severity),
    /// Line number, bars and arrow.
    Frame,
}

/// As [`excerpt`], with every part as `style` returns it.
#[must_use]
pub fn styled_excerpt(problem: &Problem, style: &dyn Fn(ExcerptPart, &str) -> String) -> String {
    let frame = |text: &str| style(ExcerptPart::Frame, text);
    let severe = |text: &str| style(ExcerptPart::Severity(problem.severity), text);
    let severity = match problem.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let mut text = format!("{}: {}", severe(severity), visible(&problem.message));
    let mut margin = String::new();
    if let Some(at) = &problem.at {
        margin = " ".repeat(at.line.to_string().len());
        push(&mut text, format_args!("{margin}{} {}:{}:{}", frame("-->"), visible(&at.file), at.line, at.column));
        if !at.text.is_empty() {
            let (line, blanks, carets) = marked(at);
            push(&mut text, format_args!("{margin} {}", frame("|")));
            push(&mut text, format_args!("{} {} {line}", frame(&at.line.to_string()), frame("|")));
            push(
                &mut text,
                format_args!("{margin} {} {}{}", frame("|"), " ".repeat(blanks), severe(&"^".repeat(carets))),
            );
        }
    }
    if let Some(help) = &problem.help {
        push(&mut text, format_args!("{margin} {} {}", frame("= help:"), visible(help)));
    }
    text
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\n{line}");
}

/// Returns the shown part of the line, and how many blanks and carets to put under it.
fn marked(at: &SourceSpot) -> (String, usize, usize) {
    let column = usize::try_from(at.column).unwrap_or(usize::MAX).saturating_sub(1);
    let length = usize::try_from(at.length).unwrap_or(usize::MAX).max(1);
    let mut before: Vec<char> = visible(&at.text).chars().collect();
    let behind_place = before.split_off(column.min(before.len()));
    let (meant, after) = behind_place.split_at(length.min(behind_place.len()));

    let mut start = String::new();
    if width(&before) + width(meant) + width(after) > WIDTH && width(&before) > BEFORE {
        let mut kept = 0;
        let cut = before.iter().rposition(|c| {
            kept += c.width().unwrap_or(0);
            kept > BEFORE
        });
        before.drain(..cut.map_or(0, |cut| cut + 1));
        start.push_str(CUT);
    }
    start.extend(&before);
    let space = WIDTH.saturating_sub(start.width());
    let mut line = start.clone();
    let mut carets = 0;
    for (position, c) in meant.iter().chain(after).enumerate() {
        let columns = c.width().unwrap_or(0);
        if line.width() - start.width() + columns > space {
            line.push_str(CUT);
            break;
        }
        if position < meant.len() {
            carets += columns;
        }
        line.push(*c);
    }
    (line.trim_end().to_owned(), start.width(), carets.max(1))
}

fn width(chars: &[char]) -> usize {
    chars.iter().map(|c| c.width().unwrap_or(0)).sum()
}

/// Replaces what would move a terminal's cursor or turn its writing direction, character by character.
fn visible(text: &str) -> String {
    let replace = |c: char| match c {
        '\t' => ' ',
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => '?',
        c if c.is_control() => '?',
        c => c,
    };
    text.chars().map(replace).collect()
}
