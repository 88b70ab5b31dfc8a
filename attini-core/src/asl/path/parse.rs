use serde_json::Value;

use super::filter::{Comparison, Filter, Operand};
use super::{Function, JsonPath, PathError, Query, Root, Token};

/// Filters and parentheses may be nested this deep; more is nobody's path and would cost stack.
const MAX_DEPTH: u32 = 32;

pub(super) fn path(text: &str) -> Result<JsonPath, PathError> {
    let mut parser = Parser::new(text);
    parser.expect('$')?;
    let path = parser.rest(text.to_owned())?;
    if parser.at_end() { Ok(path) } else { Err(parser.error("nothing may follow the path")) }
}

pub(super) fn query(text: &str) -> Result<Query, PathError> {
    let mut parser = Parser::new(text);
    let query = parser.query()?;
    if parser.at_end() { Ok(query) } else { Err(parser.error("nothing may follow the path")) }
}

/// Reads a path that stands among other text and returns the number of bytes it takes.
///
/// The path ends at the first of `,`, `)` or blank outside brackets, as intrinsic functions need it.
pub(crate) fn query_prefix(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (offset, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None => match c {
                '\'' | '"' if depth > 0 => quote = Some(c),
                '[' | '(' => depth += 1,
                ']' | ')' if depth > 0 => depth -= 1,
                ')' | ',' if depth == 0 => return offset,
                _ => {}
            },
        }
    }
    text.len()
}

struct Parser<'a> {
    text: &'a str,
    offset: usize,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, offset: 0, depth: 0 }
    }

    fn error(&self, reason: impl Into<String>) -> PathError {
        let before = self.text.get(..self.offset).unwrap_or(self.text);
        PathError { text: self.text.to_owned(), reason: reason.into(), position: before.chars().count() + 1 }
    }

    fn remaining(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.remaining().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.offset += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, prefix: &str) -> bool {
        let found = self.remaining().starts_with(prefix);
        if found {
            self.offset += prefix.len();
        }
        found
    }

    fn expect(&mut self, c: char) -> Result<(), PathError> {
        if self.peek() == Some(c) {
            self.next();
            Ok(())
        } else {
            Err(self.error(format!("expected `{c}`")))
        }
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
    }

    fn at_end(&self) -> bool {
        self.offset >= self.text.len()
    }

    fn query(&mut self) -> Result<Query, PathError> {
        self.expect('$')?;
        let root = if self.take("$") {
            Root::Context
        } else {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let name: String = self.remaining().chars().take_while(|c| word(*c)).collect();
            self.offset += name.len();
            if name.is_empty() { Root::Input } else { Root::Variable(name) }
        };
        let path = self.rest(format!("${}", self.remaining()))?;
        Ok(Query { text: self.text.to_owned(), root, path })
    }

    /// Reads what follows the root.
    fn rest(&mut self, text: String) -> Result<JsonPath, PathError> {
        let mut tokens = Vec::new();
        let mut function = None;
        while let Some(c) = self.peek() {
            match c {
                '.' if self.take("..") => {
                    tokens.push(Token::Descend);
                    match self.peek() {
                        Some('[') => tokens.push(self.bracket()?),
                        Some('*') => {
                            self.next();
                            tokens.push(Token::Wildcard);
                        }
                        _ => tokens.push(Token::Names(vec![self.name()?])),
                    }
                }
                '.' => {
                    self.next();
                    match self.peek() {
                        Some('*') => {
                            self.next();
                            tokens.push(Token::Wildcard);
                        }
                        Some('[') => tokens.push(self.bracket()?),
                        _ => {
                            let start = self.offset;
                            let name = self.name()?;
                            match name.strip_suffix("()") {
                                Some(called) => {
                                    function = Some(Function::parse(called).ok_or_else(|| {
                                        self.offset = start;
                                        self.error(format!("there is no function `{called}()`"))
                                    })?);
                                    break;
                                }
                                None => tokens.push(Token::Names(vec![name])),
                            }
                        }
                    }
                }
                '[' => tokens.push(self.bracket()?),
                // Inside a filter the path ends here; at the top level the caller refuses what is left.
                _ => break,
            }
        }
        Ok(JsonPath { text, tokens, function })
    }

    /// Reads a name in dot notation: up to the next `.` or `[`, in a filter also up to what cannot belong to it.
    fn name(&mut self) -> Result<String, PathError> {
        let in_filter = self.depth > 0;
        let start = self.offset;
        while let Some(c) = self.peek() {
            let ends = match c {
                '.' | '[' | ']' | '\'' | '"' => true,
                '(' => !self.remaining().starts_with("()"),
                ')' => !self.text.get(..self.offset).is_some_and(|before| before.ends_with('(')),
                _ => in_filter && (c.is_whitespace() || "=!<>&|,~".contains(c)),
            };
            if ends {
                break;
            }
            self.next();
        }
        let name = self.text.get(start..self.offset).unwrap_or("");
        if name.is_empty() { Err(self.error("a name must follow `.`")) } else { Ok(name.to_owned()) }
    }

    fn bracket(&mut self) -> Result<Token, PathError> {
        self.expect('[')?;
        self.blanks();
        let token = match self.peek() {
            Some('*') => {
                self.next();
                Token::Wildcard
            }
            Some('\'' | '"') => {
                let mut names = Vec::new();
                loop {
                    names.push(self.quoted()?);
                    self.blanks();
                    if !self.take(",") {
                        break;
                    }
                    self.blanks();
                }
                Token::Names(names)
            }
            Some('?') => {
                self.next();
                self.blanks();
                self.expect('(')?;
                let filter = self.nested(Self::any)?;
                self.expect(')')?;
                Token::Filter(filter)
            }
            _ => self.positions()?,
        };
        self.blanks();
        self.expect(']')?;
        Ok(token)
    }

    fn positions(&mut self) -> Result<Token, PathError> {
        let first = self.integer()?;
        self.blanks();
        if self.take(":") {
            self.blanks();
            let to = self.integer()?;
            self.blanks();
            let step = if self.take(":") { self.integer()?.unwrap_or(1) } else { 1 };
            if step <= 0 {
                return Err(self.error("the step of a slice must be positive"));
            }
            return Ok(Token::Slice { from: first, to, step });
        }
        let Some(first) = first else {
            return Err(self.error("expected a quoted name, a number, `*`, `:` or `?(`"));
        };
        let mut indexes = vec![first];
        while self.take(",") {
            self.blanks();
            indexes.push(self.integer()?.ok_or_else(|| self.error("expected a number"))?);
            self.blanks();
        }
        Ok(Token::Indexes(indexes))
    }

    fn integer(&mut self) -> Result<Option<i64>, PathError> {
        let rest = self.remaining();
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let length = digits.chars().take_while(char::is_ascii_digit).count();
        if length == 0 {
            return Ok(None);
        }
        let length = length + (rest.len() - digits.len());
        let number = rest.get(..length).and_then(|text| text.parse().ok());
        let number = number.ok_or_else(|| self.error("the number is too large"))?;
        self.offset += length;
        Ok(Some(number))
    }

    fn quoted(&mut self) -> Result<String, PathError> {
        let quote = match self.next() {
            Some(quote @ ('\'' | '"')) => quote,
            _ => return Err(self.error("expected a quoted text")),
        };
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(self.error(format!("the closing {quote} is missing"))),
                Some('\\') => match self.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(c) => text.push(c),
                    None => return Err(self.error(format!("the closing {quote} is missing"))),
                },
                Some(c) if c == quote => return Ok(text),
                Some(c) => text.push(c),
            }
        }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, PathError>) -> Result<T, PathError> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error(format!("filters are nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn any(&mut self) -> Result<Filter, PathError> {
        let mut parts = vec![self.all()?];
        while self.take("||") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
    }

    fn all(&mut self) -> Result<Filter, PathError> {
        let mut parts = vec![self.not()?];
        while self.take("&&") {
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) })
    }

    fn not(&mut self) -> Result<Filter, PathError> {
        self.blanks();
        let filter = if self.take("!") {
            Filter::Not(Box::new(self.nested(Self::not)?))
        } else if self.take("(") {
            let inner = self.nested(Self::any)?;
            self.expect(')')?;
            inner
        } else {
            self.comparison()?
        };
        self.blanks();
        Ok(filter)
    }

    fn comparison(&mut self) -> Result<Filter, PathError> {
        let left = self.operand()?;
        self.blanks();
        if self.remaining().starts_with("=~") {
            return Err(self.error("regular expressions (`=~`) are not supported in filters"));
        }
        let operator = Comparison::ALL.into_iter().find(|(sign, _)| self.take(sign));
        let Some((_, comparison)) = operator else {
            return match left {
                Operand::Path { .. } => Ok(Filter::Exists(left)),
                Operand::Literal(_) => Err(self.error("expected a comparison")),
            };
        };
        self.blanks();
        let right = self.operand()?;
        Ok(Filter::Compare { left, comparison, right })
    }

    fn operand(&mut self) -> Result<Operand, PathError> {
        match self.peek() {
            Some(root @ ('@' | '$')) => {
                self.next();
                let path = self.nested(|parser| parser.rest(String::new()))?;
                Ok(Operand::Path { path, from_root: root == '$' })
            }
            Some('\'' | '"') => Ok(Operand::Literal(Value::String(self.quoted()?))),
            Some('[') => {
                self.next();
                let mut items = Vec::new();
                self.blanks();
                while !self.take("]") {
                    match self.nested(Self::operand)? {
                        Operand::Literal(value) => items.push(value),
                        Operand::Path { .. } => return Err(self.error("a list in a filter holds literals only")),
                    }
                    self.blanks();
                    if !self.take(",") {
                        self.expect(']')?;
                        break;
                    }
                    self.blanks();
                }
                Ok(Operand::Literal(Value::Array(items)))
            }
            _ => {
                let word = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | '_');
                let length = self.remaining().chars().take_while(word).count();
                let text = self.remaining().get(..length).unwrap_or("");
                let value: Value =
                    serde_json::from_str(text).map_err(|_| self.error("expected a path or a literal"))?;
                self.offset += length;
                Ok(Operand::Literal(value))
            }
        }
    }
}
