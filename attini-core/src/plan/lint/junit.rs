//! Findings as a JUnit report, which build servers show as tests.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Finding, Level, Outcome};

/// Returns the findings as JUnit XML: one suite per file, one test per finding, one that passes per file without any.
///
/// Findings at `fails` or above are failures; the others passed, with the finding in `system-out`.
#[must_use]
pub fn junit(outcome: &Outcome, fails: Level) -> String {
    let mut suites: BTreeMap<&str, Vec<&Finding>> =
        outcome.files.iter().map(|file| (file.as_str(), Vec::new())).collect();
    for finding in &outcome.findings {
        suites.entry(finding.at.as_ref().map_or("", |at| at.file.as_str())).or_default().push(finding);
    }
    let failing = |findings: &[&Finding]| findings.iter().filter(|finding| finding.level >= fails).count();
    let tests: usize = suites.values().map(|findings| findings.len().max(1)).sum();
    let failures: usize = suites.values().map(|findings| failing(findings)).sum();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"attini plan lint\" tests=\"{tests}\" failures=\"{failures}\">\n"
    );
    for (file, findings) in &suites {
        let name = if file.is_empty() { "project" } else { file };
        // Writing to a String cannot fail.
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\">",
            escaped(name),
            findings.len().max(1),
            failing(findings)
        );
        if findings.is_empty() {
            let _ = writeln!(xml, "    <testcase classname=\"{}\" name=\"no findings\"/>", escaped(name));
        }
        for finding in findings {
            case(&mut xml, name, finding, fails);
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(xml: &mut String, file: &str, finding: &Finding, fails: Level) {
    let rule = finding.rule;
    let place = finding.at.as_ref().map(|at| format!(" ({}:{})", at.line, at.column)).unwrap_or_default();
    let text = finding.to_problem().to_string();
    let name = format!("{} {}{place}", rule.code, rule.name);
    let _ = writeln!(xml, "    <testcase classname=\"{}\" name=\"{}\">", escaped(file), escaped(&name));
    let _ = match finding.level >= fails {
        true => writeln!(
            xml,
            "      <failure type=\"{}\" message=\"{}\">{}</failure>",
            finding.level,
            escaped(&finding.message),
            escaped(&text)
        ),
        false => writeln!(xml, "      <system-out>{}: {}</system-out>", finding.level, escaped(&text)),
    };
    xml.push_str("    </testcase>\n");
}

/// Escapes what XML 1.0 does not take as it is; characters that it cannot hold become `?`.
fn escaped(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            '\n' | '\t' => result.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => result.push('?'),
            c => result.push(c),
        }
    }
    result
}
