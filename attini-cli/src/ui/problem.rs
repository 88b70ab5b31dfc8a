//! A problem in a file that a person wrote, with the line it is in.

use anstyle::Style;
use attini_core::problem::{Problem, Severity};

use super::{BLUE, RED, YELLOW, paint};

/// Returns the lines of a problem, without a line end.
pub(crate) fn render(problem: &Problem, color: bool) -> String {
    let (label, style): (&str, Style) = match problem.severity {
        Severity::Error => ("error", RED),
        Severity::Warning => ("warning", YELLOW),
    };
    let mut lines = vec![format!("{}: {}", paint(color, style, label), problem.message)];
    if let Some(at) = &problem.at {
        let number = at.line.to_string();
        let gutter = " ".repeat(number.len());
        let bar = paint(color, BLUE, "|");
        // Tabs are kept before the mark, so that it stands under its text however wide a tab is.
        let column = usize::try_from(at.column).unwrap_or(1).saturating_sub(1);
        let before: String = at.text.chars().take(column).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let left = at.text.chars().count().saturating_sub(column).max(1);
        let length = usize::try_from(at.length).unwrap_or(1).clamp(1, left);
        let mark = paint(color, style, &"^".repeat(length));
        let arrow = paint(color, BLUE, "-->");
        lines.push(format!("{gutter}{arrow} {}:{}:{}", at.file, at.line, at.column));
        lines.push(format!("{gutter} {bar}"));
        lines.push(format!("{} {bar} {}", paint(color, BLUE, &number), at.text));
        lines.push(format!("{gutter} {bar} {before}{mark}"));
    }
    if let Some(help) = &problem.help {
        let gutter = problem.at.as_ref().map_or(0, |at| at.line.to_string().len() + 1);
        lines.push(format!("{}{} {help}", " ".repeat(gutter), paint(color, BLUE, "= help:")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use attini_core::problem::SourceSpot;

    #[test]
    fn the_mark_stands_under_its_text() {
        let spot = SourceSpot {
            file: "attini-config.yaml".to_owned(),
            line: 12,
            column: 3,
            length: 5,
            text: "\t naem: shop".to_owned(),
        };
        let problem = Problem::error("unknown key `naem`").with_help("did you mean `name`?").at(Some(spot));
        insta::assert_snapshot!(render(&problem, false), @r"
        error: unknown key `naem`
          --> attini-config.yaml:12:3
           |
        12 | 	 naem: shop
           | 	 ^^^^^
           = help: did you mean `name`?
        ");
    }
}
