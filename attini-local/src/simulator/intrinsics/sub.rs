//! The texts of `Fn::Sub`: literal parts and variables.

use serde_json::Value;

use super::{Fault, Scope};

const ARGUMENTS: &str = "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string";

/// A part of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Piece {
    Literal(String),
    Variable(String),
}

impl Piece {
    pub(in super::super) fn variable(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Variable(name) => Some(name),
        }
    }
}

/// Splits a text at its variables; `${!x}` is the literal `${x}`.
pub(in super::super) fn parse(text: &str) -> Result<Vec<Piece>, Fault> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else { break };
        literal.push_str(before);
        rest = behind;
        if let Some(escaped) = name.strip_prefix('!') {
            literal.push_str("${");
            literal.push_str(escaped);
            literal.push('}');
            continue;
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':');
        if name.is_empty() || !name.chars().all(allowed) {
            return Err(Fault::template(
                "variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons",
            ));
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Variable(name.to_owned()));
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

impl Scope<'_> {
    /// `Fn::Sub` with a text, or with a text and variables of its own.
    pub(super) fn substitute(&self, argument: &Value) -> Result<Value, Fault> {
        let none = serde_json::Map::new();
        let (text, variables) = match argument {
            Value::String(text) => (text, &none),
            Value::Array(items) => match items.as_slice() {
                [Value::String(text), Value::Object(variables)] => (text, variables),
                _ => return Err(Fault::template(ARGUMENTS)),
            },
            _ => return Err(Fault::template(ARGUMENTS)),
        };
        let mut result = String::new();
        for piece in parse(text)? {
            let name = match piece {
                Piece::Literal(literal) => {
                    result.push_str(&literal);
                    continue;
                }
                Piece::Variable(name) => name,
            };
            let rule = format!("Fn::Sub expression does not resolve to a string: variable {name}");
            let value = if let Some(own) = variables.get(&name) {
                self.text(own, &rule)?
            } else if let Some((target, attribute)) = name.split_once('.') {
                let value = self.attribute_of(target, attribute)?;
                super::text_of(&value).ok_or_else(|| Fault::template(&rule))?
            } else {
                let value = self.named(&name)?;
                value.as_ref().and_then(super::text_of).ok_or_else(|| Fault::template(&rule))?
            };
            self.charge(value.len())?;
            result.push_str(&value);
        }
        Ok(Value::String(self.dynamic(&result)?))
    }
}
