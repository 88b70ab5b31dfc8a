//! Functions on texts: `Fn::Join`, `Fn::Split`, `Fn::Base64`.

use serde_json::Value;

use super::{Fault, Scope, text_of};

impl Scope<'_> {
    pub(super) fn join(&self, argument: &Value) -> Result<Value, Fault> {
        const RULE: &str = "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.";
        let Some([Value::String(delimiter), list]) = argument.as_array().map(Vec::as_slice) else {
            return Err(Fault::template(RULE));
        };
        let texts = self.list(list, RULE)?.iter().map(text_of).collect::<Option<Vec<_>>>();
        Ok(Value::String(texts.ok_or_else(|| Fault::template(RULE))?.join(delimiter)))
    }

    pub(super) fn split(&self, argument: &Value) -> Result<Value, Fault> {
        const RULE: &str = "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.";
        let Some([Value::String(delimiter), source]) = argument.as_array().map(Vec::as_slice) else {
            return Err(Fault::template(RULE));
        };
        if delimiter.is_empty() {
            return Err(Fault::template(RULE));
        }
        let source = self.text(source, RULE)?;
        Ok(source.split(delimiter.as_str()).map(|part| Value::String(part.to_owned())).collect())
    }

    pub(super) fn base64(&self, argument: &Value) -> Result<Value, Fault> {
        let text = self.text(argument, "every Fn::Base64 object must have a String-typed value.")?;
        Ok(Value::String(encode(text.as_bytes())))
    }
}

/// Standard alphabet, with padding.
fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for position in 0..4 {
            let index = (group >> (18 - 6 * position)) & 63;
            text.push(if position <= chunk.len() { char::from(ALPHABET[index as usize]) } else { '=' });
        }
    }
    text
}
