//! A problem in a file that a person wrote, with the line it is in.

use attini_core::document::{ExcerptPart, styled_excerpt};
use attini_core::problem::{Problem, Severity};

use super::{BLUE, RED, YELLOW, paint};

/// Returns the lines of a problem, without a line end.
pub(crate) fn render(problem: &Problem, color: bool) -> String {
    styled_excerpt(problem, &|part, text| {
        let style = match part {
            ExcerptPart::Severity(Severity::Error) => RED,
            ExcerptPart::Severity(Severity::Warning) => YELLOW,
            ExcerptPart::Frame => BLUE,
        };
        paint(color, style, text)
    })
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
        12 |   naem: shop
           |   ^^^^^
           = help: did you mean `name`?
        ");
    }
}
