//! Everything that is printed or asked.
//!
//! Data and progress go to stdout, errors, warnings and questions to stderr. With `--json` every line on stdout is JSON. Colors
//! and the line that changes in place are for terminals only, and questions are asked of terminals only.

mod problem;
mod progress;
mod yaml;

use std::io::{BufRead, Write};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthChar;

pub(crate) use self::progress::progress_line;
pub(crate) use self::yaml::render as yaml_text;
use crate::error::CommandError;

pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const BLUE: Style = AnsiColor::Blue.on_default();
pub(crate) const DIM: Style = Style::new().dimmed();

/// How an error of a command looks (cli.md 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorStyle {
    /// Lines for people; an object on one line with `--json`.
    Text,
    /// An object in the format of the data.
    Object,
}

/// What the surroundings allow.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Terminal {
    /// Colors on stdout.
    pub color_out: bool,
    /// Colors on stderr.
    pub color_err: bool,
    /// Whether stdout is a terminal on which a line may change in place.
    pub live: bool,
    /// Whether someone can answer questions.
    pub interactive: bool,
}

/// The streams of one command.
pub(crate) struct Ui {
    pub out: Box<dyn Write + Send>,
    pub err: Box<dyn Write + Send>,
    pub input: Box<dyn BufRead + Send>,
    pub terminal: Terminal,
    /// Width of the terminal in columns, asked anew each time because it changes.
    pub width: fn() -> usize,
    /// Epoch milliseconds.
    pub now: fn() -> i64,
    json: bool,
    live_shown: bool,
}

impl Ui {
    pub(crate) fn new(
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        input: Box<dyn BufRead + Send>,
        terminal: Terminal,
        width: fn() -> usize,
        now: fn() -> i64,
    ) -> Self {
        Self { out, err, input, terminal, width, now, json: false, live_shown: false }
    }

    /// Switches to JSON without colors.
    pub(crate) fn use_json(&mut self) {
        self.json = true;
        self.terminal.color_out = false;
        self.terminal.color_err = false;
        self.terminal.live = false;
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Returns the text in a style, if stdout shows styles.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        paint(self.terminal.color_out, style, text)
    }

    /// Prints a line for people; nothing in JSON mode.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), CommandError> {
        if !self.json {
            self.erase_live()?;
            writeln!(self.out, "{text}")?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// Prints one event as a JSON line; nothing in text mode.
    pub(crate) fn event(&mut self, at_ms: i64, event: &str, data: &Value) -> Result<(), CommandError> {
        if self.json {
            let kind = if data.is_string() { "string" } else { "object" };
            let line = json!({ "timestamp": at_ms, "type": kind, "event": event, "data": data });
            writeln!(self.out, "{line}")?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// Prints an event that another program of ours told, as it is.
    pub(crate) fn pass_on(&mut self, event: &Value) -> Result<(), CommandError> {
        writeln!(self.out, "{event}")?;
        self.out.flush()?;
        Ok(())
    }

    /// Tells something in words: a line, or a JSON event with the trimmed text.
    pub(crate) fn message(&mut self, event: &str, text: &str) -> Result<(), CommandError> {
        self.line(text)?;
        self.event((self.now)(), event, &json!(text.trim()))
    }

    /// Tells a key and its value.
    pub(crate) fn field(&mut self, event: &str, key: &str, value: &str, style: Style) -> Result<(), CommandError> {
        let painted = self.paint(style, value);
        self.line(&format!("{key}: {painted}"))?;
        self.event((self.now)(), event, &json!({ key: value }))
    }

    /// Prints data: YAML followed by an empty line, or pretty JSON.
    pub(crate) fn data(&mut self, data: &Value) -> Result<(), CommandError> {
        if self.json {
            writeln!(self.out, "{data:#}")?;
        } else {
            writeln!(self.out, "{}", yaml::render(data))?;
        }
        self.out.flush()?;
        Ok(())
    }

    /// Prints something that does not stop the command, to stderr.
    pub(crate) fn warn(&mut self, text: &str) -> Result<(), CommandError> {
        self.note("Warning", YELLOW, text)
    }

    /// Prints what can be done next, to stderr.
    pub(crate) fn hint(&mut self, text: &str) -> Result<(), CommandError> {
        self.note("Hint", BLUE, text)
    }

    /// Prints a problem in a file that a person wrote, to stderr.
    pub(crate) fn problem(&mut self, found: &attini_core::problem::Problem) -> Result<(), CommandError> {
        self.erase_live()?;
        let text = problem::render(found, self.terminal.color_err);
        writeln!(self.err, "{text}")?;
        Ok(())
    }

    /// Prints a problem as the result of a command, to stdout; nothing in JSON mode.
    pub(crate) fn finding(&mut self, found: &attini_core::problem::Problem) -> Result<(), CommandError> {
        let text = problem::render(found, self.terminal.color_out);
        self.line(&text)
    }

    /// Writes a whole document that some other program reads, to stdout.
    pub(crate) fn document(&mut self, text: &str) -> Result<(), CommandError> {
        self.erase_live()?;
        writeln!(self.out, "{}", text.trim_end())?;
        self.out.flush()?;
        Ok(())
    }

    fn note(&mut self, label: &str, style: Style, text: &str) -> Result<(), CommandError> {
        self.erase_live()?;
        let label = paint(self.terminal.color_err, style, label);
        writeln!(self.err, "{label}: {text}")?;
        Ok(())
    }

    /// Asks on stderr and returns the trimmed answer; `None` when nobody is there to answer.
    pub(crate) fn ask(&mut self, question: &str) -> Result<Option<String>, CommandError> {
        if !self.terminal.interactive {
            return Ok(None);
        }
        self.erase_live()?;
        write!(self.err, "{question} ")?;
        self.err.flush()?;
        let mut answer = String::new();
        let read = self.input.read_line(&mut answer)?;
        Ok((read > 0).then(|| answer.trim().to_owned()))
    }

    /// Shows a line that the next output replaces; only on a terminal.
    pub(crate) fn live(&mut self, text: &str) -> Result<(), CommandError> {
        if self.terminal.live {
            let text = cut(text, (self.width)().saturating_sub(1));
            write!(self.out, "\r\x1b[2K{text}")?;
            self.out.flush()?;
            self.live_shown = !text.is_empty();
        }
        Ok(())
    }

    /// Removes the line that [`Self::live`] showed.
    pub(crate) fn erase_live(&mut self) -> Result<(), CommandError> {
        if std::mem::take(&mut self.live_shown) {
            write!(self.out, "\r\x1b[2K")?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// Prints an error to stderr. There is nowhere to report a failure of that.
    pub(crate) fn error(&mut self, error: &CommandError, style: ErrorStyle, debug: bool) {
        let erased = self.erase_live();
        let text = match style {
            ErrorStyle::Text if self.json => error_object(error).to_string(),
            ErrorStyle::Object if self.json => format!("{:#}", error_object(error)),
            ErrorStyle::Object => yaml::render(&error_object(error)).trim_end().to_owned(),
            ErrorStyle::Text => self.error_lines(error),
        };
        let details = if debug { format!("\n{:?}", error.source) } else { String::new() };
        if erased.is_ok() && writeln!(self.err, "{text}{details}").is_ok() {
            self.err.flush().unwrap_or_default();
        }
    }

    fn error_lines(&self, error: &CommandError) -> String {
        let color = self.terminal.color_err;
        let mut lines = Vec::new();
        for (index, text) in error.chain().iter().enumerate() {
            let label = if index == 0 { "Error" } else { "Caused by" };
            lines.push(format!("{}: {text}", paint(color, RED, label)));
        }
        lines.extend(error.problems.iter().map(|found| problem::render(found, color)));
        lines.extend(error.hints.iter().map(|hint| format!("{}: {hint}", paint(color, BLUE, "Hint"))));
        lines.join("\n")
    }
}

/// `errorCode`, `message`, and what else is known (cli.md 4.2).
fn error_object(error: &CommandError) -> Value {
    let mut object = json!({ "errorCode": error.kind.name(), "message": error.to_string() });
    if !error.hints.is_empty() {
        object["hints"] = json!(error.hints);
    }
    if !error.problems.is_empty() {
        object["problems"] = json!(error.problems);
    }
    object
}

fn paint(on: bool, style: Style, text: &str) -> String {
    if on { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

/// Cuts a text to so many columns of a terminal.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= columns
    };
    text.chars().take_while(fits).collect()
}

/// Makes foreign text harmless on a terminal: keeps colors if wanted, drops every other control character, and of a line
/// that was drawn over with `\r` keeps the last state.
pub(crate) fn printable(text: &str, color: bool) -> String {
    let text = text.trim_end_matches('\r');
    let text = text.rsplit('\r').next().unwrap_or_default();
    if !color {
        let plain = anstream::adapter::strip_str(text).to_string();
        return plain.chars().filter(|c| !c.is_control() || *c == '\t').collect();
    }
    let (mut result, mut rest) = (String::new(), text);
    while let Some(c) = rest.chars().next() {
        if let Some(sequence) = rest.strip_prefix("\x1b[") {
            let end = sequence.find(|c: char| c.is_ascii_alphabetic()).map_or(sequence.len(), |end| end + 1);
            if sequence[..end].ends_with('m') {
                result.push_str("\x1b[");
                result.push_str(&sequence[..end]);
            }
            rest = &sequence[end..];
        } else {
            if !c.is_control() || c == '\t' {
                result.push(c);
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    if result.contains("\x1b[") {
        result.push_str("\x1b[0m");
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_move_the_cursor() {
        assert_eq!(printable("10%\r100%\r", false), "100%");
        assert_eq!(printable("\x1b[31mred\x1b[0m\x1b[2Jx\x07", false), "redx");
        assert_eq!(printable("\x1b[31mred\x1b[2Jx", true), "\x1b[31mredx\x1b[0m");
    }

    /// Keeps what was written; fails like a closed pipe after the first line when told to.
    #[derive(Clone, Default)]
    struct Pipe {
        text: std::sync::Arc<std::sync::Mutex<Vec<u8>>>,
        closed: bool,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.closed {
                return Err(std::io::ErrorKind::BrokenPipe.into());
            }
            self.text.lock().expect("free").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn ui(pipe: &Pipe, terminal: Terminal) -> Ui {
        let (out, err) = (Box::new(pipe.clone()), Box::new(Pipe::default()));
        Ui::new(out, err, Box::new(std::io::empty()), terminal, || 12, || 0)
    }

    #[test]
    fn the_live_line_fits_the_terminal_and_leaves_nothing_behind() {
        let pipe = Pipe::default();
        let mut ui = ui(&pipe, Terminal { live: true, ..Terminal::default() });
        ui.live("a line that is too long").expect("written");
        ui.line("done").expect("written");
        ui.erase_live().expect("written");
        let text = String::from_utf8(pipe.text.lock().expect("free").clone()).expect("UTF-8");
        assert_eq!(text, "\r\x1b[2Ka line that\r\x1b[2Kdone\n");
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        let pipe = Pipe { closed: true, ..Pipe::default() };
        let error = ui(&pipe, Terminal::default()).line("x").expect_err("closed");
        assert_eq!(error.kind, crate::error::ErrorKind::ClosedPipe);
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(cut("日本語", 5), "日本");
    }
}
