use std::fmt::Write as _;

use super::run::CaseResult;
use super::suite::SuiteResult;

/// Returns results in the form of JUnit, which CI systems read: one test suite per file.
#[must_use]
pub fn junit(result: &SuiteResult) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all = &result.cases;
    put(&mut text, format_args!("<testsuites name=\"attini plan test\" {}>\n", counts(all)));
    let mut rest = all.as_slice();
    while let Some(first) = rest.first() {
        let end = rest.iter().position(|case| case.file != first.file).unwrap_or(rest.len());
        let (suite, after) = rest.split_at(end);
        put(&mut text, format_args!("  <testsuite name=\"{}\" {}>\n", escaped(&first.file), counts(suite)));
        suite.iter().for_each(|case| case_of(&mut text, case));
        text.push_str("  </testsuite>\n");
        rest = after;
    }
    text.push_str("</testsuites>\n");
    text
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // A text takes everything that is written to it.
    let _written = text.write_fmt(what);
}

fn counts(cases: &[CaseResult]) -> String {
    let errors = cases.iter().filter(|case| !case.problems.is_empty()).count();
    let failures = cases.iter().filter(|case| !case.passed()).count() - errors;
    let seconds: f64 = cases.iter().map(|case| case.elapsed.as_secs_f64()).sum();
    format!("tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{seconds:.3}\"", cases.len())
}

fn case_of(text: &mut String, case: &CaseResult) {
    let line = case.at.as_ref().map(|at| format!(" line=\"{}\"", at.line)).unwrap_or_default();
    put(
        text,
        format_args!(
            "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\"{line} time=\"{:.3}\"",
            escaped(&case.name),
            escaped(&case.file),
            escaped(&case.file),
            case.elapsed.as_secs_f64()
        ),
    );
    if case.passed() {
        text.push_str("/>\n");
        return;
    }
    let lines = case.lines();
    let kind = if case.problems.is_empty() { "failure" } else { "error" };
    let message = lines.first().map(String::as_str).unwrap_or_default();
    put(
        text,
        format_args!(
            ">\n      <{kind} message=\"{}\">{}</{kind}>\n    </testcase>\n",
            escaped(message),
            escaped(&lines.join("\n"))
        ),
    );
}

impl CaseResult {
    /// Returns why the case did not pass, line by line, for people.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        for missing in &self.missing {
            let of = match missing.iteration.as_slice() {
                [] => String::new(),
                indices => {
                    format!(" in iteration {}", indices.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
                }
            };
            lines.push(format!(
                "step `{}` ({}) was called{of}, and no mock answers it; add to `mocks`:",
                missing.step, missing.kind
            ));
            lines.extend(missing.to_add().lines().map(|line| format!("  {line}")));
        }
        for mismatch in &self.mismatches {
            let place = mismatch.at.as_ref().map(|at| format!("{}:{}:{}: ", at.file, at.line, at.column));
            lines.push(format!("{}{}", place.unwrap_or_default(), mismatch.what));
            lines.push(format!("  expected: {}", mismatch.expected.replace('\n', "\n            ")));
            lines.push(format!("  actual:   {}", mismatch.actual.replace('\n', "\n            ")));
        }
        lines.iter().flat_map(|line| line.lines().map(str::to_owned)).collect()
    }
}

/// Returns a text for XML; characters that no XML document may hold are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
