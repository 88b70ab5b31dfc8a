use serde_json::Value;

use super::{Argument, Call, CallError, Function};
use crate::asl::path::{Query, query_prefix};

/// The service allows ten levels of calls in one field.
const MAX_DEPTH: u32 = 10;

pub(super) fn call(text: &str) -> Result<Call, CallError> {
    let mut parser = Parser { text, offset: 0 };
    let call = parser.call(1)?;
    parser.blanks();
    if parser.rest().is_empty() { Ok(call) } else { Err(parser.error("nothing may follow the closing `)`")) }
}

struct Parser<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or("")
    }

    fn error(&self, reason: impl Into<String>) -> CallError {
        let before = self.text.get(..self.offset).unwrap_or(self.text);
        CallError { text: self.text.to_owned(), reason: reason.into(), position: before.chars().count() + 1 }
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.offset += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, prefix: char) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.offset += prefix.len_utf8();
        }
        found
    }

    fn call(&mut self, depth: u32) -> Result<Call, CallError> {
        if depth > MAX_DEPTH {
            return Err(self.error(format!("calls are nested deeper than {MAX_DEPTH} levels")));
        }
        self.blanks();
        let length = self.rest().find('(').ok_or_else(|| self.error("expected `States.<function>(…)`"))?;
        let name = self.rest().get(..length).unwrap_or("").trim_end();
        let Some(function) = Function::parse(name) else {
            return Err(self.error(format!("there is no function `{name}`")));
        };
        self.offset += length + 1;
        let mut arguments = Vec::new();
        self.blanks();
        if !self.take(')') {
            loop {
                arguments.push(self.argument(depth)?);
                self.blanks();
                if self.take(')') {
                    break;
                }
                if !self.take(',') {
                    return Err(self.error("expected `,` or `)`"));
                }
            }
        }
        let allowed = function.arity();
        if !allowed.contains(&arguments.len()) {
            let wanted = match (*allowed.start(), *allowed.end()) {
                (least, usize::MAX) => format!("at least {least}"),
                (least, most) if least == most => most.to_string(),
                (least, most) => format!("{least} to {most}"),
            };
            return Err(self.error(format!("{name} takes {wanted} arguments, not {}", arguments.len())));
        }
        Ok(Call { function, arguments })
    }

    fn argument(&mut self, depth: u32) -> Result<Argument, CallError> {
        self.blanks();
        let rest = self.rest();
        if rest.starts_with('$') {
            let text = rest.get(..query_prefix(rest)).unwrap_or("");
            let query = Query::parse(text.trim_end())
                .map_err(|error| self.error(format!("the path `{}` is wrong: {}", error.text, error.reason)))?;
            self.offset += text.len();
            Ok(Argument::Query(query))
        } else if rest.starts_with('\'') {
            Ok(Argument::Literal(Value::String(self.quoted()?)))
        } else if rest.starts_with("States.") {
            Ok(Argument::Call(self.call(depth + 1)?))
        } else {
            let length = rest.find([',', ')']).unwrap_or(rest.len());
            let text = rest.get(..length).unwrap_or("").trim_end();
            let value = match text {
                "true" | "false" | "null" => serde_json::from_str(text).ok(),
                number => serde_json::from_str::<serde_json::Number>(number).ok().map(Value::Number),
            };
            let value = value
                .ok_or_else(|| self.error("an argument is a path, a 'text', a number, true, false, null or a call"))?;
            self.offset += text.len();
            Ok(Argument::Literal(value))
        }
    }

    /// A text in single quotes. `\'`, `\\`, `\{` and `\}` stand for the character; the braces keep their backslash here
    /// because only `States.Format` gives them a meaning.
    fn quoted(&mut self) -> Result<String, CallError> {
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' => {
                    self.offset += at + 1;
                    return Ok(text);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, brace @ ('{' | '}'))) => {
                        text.push('\\');
                        text.push(brace);
                    }
                    Some((_, c @ ('\'' | '\\'))) => text.push(c),
                    Some((_, c)) => {
                        self.offset += at;
                        return Err(self.error(format!("`\\{c}` is no escape; there are \\' \\\\ \\{{ and \\}}")));
                    }
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(self.error("the closing ' is missing"))
    }
}
