//! Findings as SARIF 2.1.0, which code hosts show beside the lines they are about.

use serde_json::{Value, json};

use super::{Finding, Level, Outcome, RULES, Rule};

/// Returns the findings as a SARIF log. `version` is that of the program.
#[must_use]
pub fn sarif(outcome: &Outcome, version: &str) -> Value {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "attini plan lint",
                "version": version,
                "rules": RULES.iter().map(descriptor).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": outcome.findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": level(rule.level)},
    })
}

fn result(finding: &Finding) -> Value {
    let text = match &finding.help {
        Some(help) => format!("{} ({help})", finding.message),
        None => finding.message.clone(),
    };
    let mut result = json!({
        "ruleId": finding.rule.code,
        "level": level(finding.level),
        "message": {"text": text},
    });
    if let Some(index) = RULES.iter().position(|rule| rule == finding.rule) {
        result["ruleIndex"] = json!(index);
    }
    if let Some(at) = &finding.at {
        result["locations"] = json!([{"physicalLocation": {
            "artifactLocation": {"uri": uri(&at.file)},
            "region": {
                "startLine": at.line,
                "startColumn": at.column,
                "endColumn": at.column.saturating_add(at.length),
            },
        }}]);
    }
    result
}

fn level(level: Level) -> &'static str {
    level.as_str()
}

/// Returns a path as a relative reference (RFC 3986).
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}
