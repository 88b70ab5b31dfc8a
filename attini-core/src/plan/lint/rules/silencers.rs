//! Rules about silencers. What they find is found when findings are silenced, after all other rules.

use super::{Example, Level, Rule};

pub(in crate::plan::lint) const UNKNOWN: Rule = Rule {
    code: "AT090",
    name: "unknown-silencer",
    level: Level::Warning,
    summary: "A comment or metadata silences a rule that does not exist.",
    why: "It silences nothing; the finding that it was meant for still shows, or will.",
    fix: "Write the code of a rule, such as `AT012`, or its name.",
    bad: Example::Steps("# attini-lint: ignore AT999 nobody knows why\n- Name: A\n  Type: Pass\n"),
    good: Example::States(
        "StartAt: Stage\nStates:\n  Stage: # attini-lint: ignore AT012 an unknown stage has to fail\n    Type: Choice\n    \
         Choices: [{Variable: $.environment, StringEquals: dev, Next: Done}]\n  Done: {Type: Succeed}\n",
    ),
    check: |_, _| {},
};

pub(in crate::plan::lint) const USELESS: Rule = Rule {
    code: "AT091",
    name: "useless-silencer",
    level: Level::Note,
    summary: "A comment or metadata silences a rule that finds nothing there.",
    why: "Readers believe that something is wrong there, and the next real finding would be silenced unseen.",
    fix: "Remove the comment or the entry.",
    bad: Example::Steps("- Name: A # attini-lint: ignore AT012\n  Type: Pass\n"),
    good: Example::Steps("- Name: A\n  Type: Pass\n"),
    check: |_, _| {},
};
