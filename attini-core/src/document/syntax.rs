//! The YAML parser's complaints in the words of somebody who writes a file, not a parser.

use crate::problem::Problem;

use super::Span;
use super::source::Source;
use super::tree::too_deep;

/// Explains a complaint of the parser at a byte; `bracket` is the innermost one that is open there.
pub(super) fn explain(source: &Source, complaint: &str, at: usize, bracket: Option<usize>) -> Problem {
    let here = Span::new(at, at + source.text()[at..].chars().next().map_or(0, char::len_utf8));
    let line = source.line_of(at);
    let has = |part: &str| complaint.contains(part);

    if let Some(problem) = tab(source, line).or_else(|| if has("tab") { tab(source, line + 1) } else { None }) {
        return problem;
    }
    if has("recursion limit") {
        return too_deep(source, here);
    }
    if has("quoted scalar") && (has("end of stream") || has("invalid indentation") || has("document indicator")) {
        return open_quote(source, at);
    }
    if has("found unknown anchor") {
        let name = word(source, at);
        let anchor = name.replacen('*', "&", 1);
        return source
            .error(Span::new(at, at + name.len()), format!("the alias `{name}` has no anchor `{anchor}` before it"))
            .with_help(format!("write `\"{name}\"` if the text itself is meant"));
    }
    if has("unknown escape") {
        let message = "a `\\` in this double-quoted text is followed by something that is no escape";
        return source.error(here, message).with_help("use single quotes, or write `\\\\` for a `\\`");
    }
    if let Some(problem) = bracket.and_then(|bracket| open_bracket(source, bracket, at)) {
        return problem;
    }
    if has("invalid trailing content") {
        let help = "quote the whole value, or double the quotes inside of it";
        return source.error(here, "text follows the closing quote").with_help(help);
    }
    if has("mapping values are not allowed") {
        return second_colon(source, at);
    }
    if has("simple key expect") {
        return key_without_colon(source, at);
    }
    if has("block sequence entries are not allowed") {
        let help = "put the `-` into the next line, indented further than the key";
        return source.error(here, "a list cannot start in the line of its key").with_help(help);
    }
    if has("did not find expected '-'") {
        let help = "check the indentation; a list holds only lines that begin with `-`";
        return source.error(whole_line(source, at), "this line stands in a list but is no item of it").with_help(help);
    }
    if has("did not find expected key") {
        let help = "indent it like the line it belongs with";
        return source.error(whole_line(source, at), "no line above has the indentation of this one").with_help(help);
    }
    if has("unexpected character") || has("plain scalar cannot start") {
        let shown = source.slice(here);
        let message = format!("a value cannot start with `{shown}` unless it is quoted");
        return source.error(here, message).with_help("put the value in quotes");
    }
    if has("misplaced bracket") {
        let message = format!("this `{}` closes nothing", source.slice(here));
        return source.error(here, message).with_help("remove it, or quote the value it belongs to");
    }
    if has("unprintable") {
        let shown = source.slice(here).escape_unicode().to_string();
        return source.error(here, format!("the control character {shown} cannot stand in a file"));
    }
    if has("comment intercepting") {
        let message = "a comment stands inside a text that goes on in the next line";
        return source.error(here, message).with_help("move the comment, or end the text before it");
    }
    if has("handle wasn't declared") {
        let name = word(source, at);
        return source.error(Span::new(at, at + name.len()), format!("the tag `{name}` is not known"));
    }
    source.error(here, format!("this is not valid YAML: {}", complaint.trim_start_matches("while ")))
}

/// The line is indented with a tab.
fn tab(source: &Source, line: usize) -> Option<Problem> {
    let span = source.line_span(line);
    let text = source.slice(span);
    let indentation = &text[..text.len() - text.trim_start().len()];
    let at = span.start + indentation.find('\t')?;
    if text.trim().is_empty() {
        return None;
    }
    let problem = source.error(Span::new(at, at + 1), "a tab indents this line, which YAML does not allow");
    Some(problem.with_help("indent with spaces"))
}

fn open_quote(source: &Source, at: usize) -> Problem {
    // Behind a tag or anchor the quote comes later in the line.
    let line = source.line_span(source.line_of(at));
    let rest = source.slice(Span::new(at, line.end.max(at)));
    let start = at + rest.find(['"', '\'']).unwrap_or(0);
    let quote = source.text()[start..].chars().next().unwrap_or('"');
    let span = Span::new(start, line.end);
    let help = format!("close it with `{quote}`; a quoted text goes on in the next line only when that is indented");
    source.error(span, "the quote that opens here is not closed").with_help(help)
}

fn open_bracket(source: &Source, bracket: usize, at: usize) -> Option<Problem> {
    let opening = source.text()[bracket..].chars().find(|c| matches!(c, '[' | '{'))?;
    let closing = if opening == '[' { ']' } else { '}' };
    let bracket = bracket + source.text()[bracket..].find(opening)?;
    if source.line_of(bracket) == source.line_of(at) && at < source.line_span(source.line_of(at)).end {
        let here = Span::new(at, at + source.text()[at..].chars().next().map_or(0, char::len_utf8));
        let message = format!("expected `,` or `{closing}` in the `{opening}` that opens in column {}", {
            source.spot(Span::new(bracket, bracket)).column
        });
        return Some(source.error(here, message).with_help("quote texts that hold `:`, `,` or brackets"));
    }
    let message = format!("the `{opening}` that opens here is not closed");
    Some(source.error(Span::new(bracket, bracket + 1), message).with_help(format!("close it with `{closing}`")))
}

/// A `:` stands where no key can be.
fn second_colon(source: &Source, at: usize) -> Problem {
    let line = source.line_of(at);
    let span = source.line_span(line);
    let before = source.slice(Span::new(span.start, at.min(span.end)));
    if let Some(colon) = before.find(": ") {
        let value = Span::new(span.start + colon + 2, span.end);
        let text = source.slice(value).trim();
        let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let message = "a `:` followed by a blank makes a second key in this line";
        let help = if quoted.len() > 100 { "quote the value".to_owned() } else { format!("quote the value: {quoted}") };
        return source.error(Span::new(at, at + 1), message).with_help(help);
    }
    if let Some(above) = line_above(source, line) {
        if let Some(problem) = missing_blank(source, above) {
            return problem;
        }
        if !source.line(above).contains(':') {
            let help = "write it as `key: value`";
            return source.error(whole_line(source, source.line_span(above).start), NO_COLON).with_help(help);
        }
    }
    let message = "this line is indented further than the one above, which has a value already";
    source.error(whole_line(source, at), message).with_help("indent it like the line it belongs with")
}

const NO_COLON: &str = "this line has no `:` and so is no key";

/// A line without a usable `:` stands among keys. The parser notices it in the line behind.
fn key_without_colon(source: &Source, at: usize) -> Problem {
    let line = source.line_of(at);
    let at_start = source.slice(Span::new(source.line_span(line).start, at)).trim().is_empty();
    let culprit = if at_start { line_above(source, line).unwrap_or(line) } else { line };
    missing_blank(source, culprit).unwrap_or_else(|| {
        let span = whole_line(source, source.line_span(culprit).start);
        source.error(span, NO_COLON).with_help("write it as `key: value`")
    })
}

/// `key:value` looks like an entry but is a text.
fn missing_blank(source: &Source, line: usize) -> Option<Problem> {
    let span = source.line_span(line);
    let text = source.slice(span);
    let content = text.trim_start().trim_start_matches("- ").trim_start();
    let (key, value) = content.split_once(':')?;
    let is_word = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    if key.is_empty() || !key.chars().all(is_word) || value.trim().is_empty() || value.starts_with(' ') {
        return None;
    }
    let start = span.end - content.len();
    let problem = source.error(Span::new(start, span.end), "a blank is missing after the `:`");
    Some(problem.with_help(format!("write `{key}: {}`", value.trim())))
}

/// The nearest line above that says something.
fn line_above(source: &Source, line: usize) -> Option<usize> {
    let speaks = |line: &usize| {
        let text = source.line(*line).trim();
        !text.is_empty() && !text.starts_with('#')
    };
    (0..line).rev().find(speaks)
}

fn whole_line(source: &Source, at: usize) -> Span {
    let span = source.line_span(source.line_of(at));
    let text = source.slice(span);
    Span::new(span.end - text.trim_start().len(), span.end)
}

fn word(source: &Source, at: usize) -> &str {
    let rest = &source.text()[at..];
    let end = rest.find(|c: char| c.is_whitespace() || ",[]{}".contains(c)).unwrap_or(rest.len());
    &rest[..end]
}
