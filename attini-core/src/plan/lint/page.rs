//! The pages about rules, made from the table.

use std::fmt::Write as _;

use super::{Example, RULES, Rule};

/// Returns the page of a rule as Markdown.
#[must_use]
pub fn page(rule: &Rule) -> String {
    let mut page = format!("# {} {}\n\n{}\n\n", rule.code, rule.name, rule.summary);
    // Writing to a String cannot fail.
    let _ = write!(page, "Level: {}.\n\n## Why\n\n{}\n\n## How to fix it\n\n{}\n", rule.level, rule.why, rule.fix);
    page.push_str("\n## Fires on\n");
    example(&rule.bad, &mut page);
    page.push_str("\n## Does not fire on\n");
    example(&rule.good, &mut page);
    let _ = write!(
        page,
        "\n## Silencing\n\nA comment `# attini-lint: ignore {} reason` on the line of the step, field or item, or alone on the line above. \
         See [silencing](README.md#silencing).\n",
        rule.code
    );
    page
}

fn example(example: &Example, page: &mut String) {
    let mut block = |name: Option<&str>, text: &str| {
        if let Some(name) = name {
            let _ = write!(page, "\n`{name}`\n");
        }
        let _ = write!(page, "\n```yaml\n{}\n```\n", text.trim_end());
    };
    match example {
        Example::Steps(text) | Example::States(text) | Example::Template(text) => block(None, text),
        Example::Files(files) => files.iter().for_each(|(name, text)| block(Some(name), text)),
    }
}

/// Returns the page that lists all rules.
#[must_use]
pub fn index() -> String {
    let mut page = String::from(INTRODUCTION);
    for rule in RULES {
        let _ = writeln!(page, "| [{0}]({0}.md) | `{1}` | {2} | {3} |", rule.code, rule.name, rule.level, rule.summary);
    }
    page
}

const INTRODUCTION: &str = "\
# Lint: advice on plans

`attini plan lint PATH` looks for what a plan cannot mean, before anything is deployed. `PATH` is the folder of a distribution, its `attini-config` file, a
template alone, or a packaged zip. Of a template alone only what it says itself is known: rules about other files find nothing.

```text
error[AT021 output-not-yet]: `$.output.Build.result` reads the output of Build, which cannot have run before Test
  --> deployment-plan.yaml:14:23
   |
14 |             BUILD.$: $.output.Build.result
   |                      ^^^^^^^^^^^^^^^^^^^^^
   = see: attini plan lint --explain AT021
```

Each finding has the code of its rule. `attini plan lint --explain AT021` prints the page of a rule, `--rules` this list. Codes do not change and are never used
again for something else.

| Level | Means |
|---|---|
| error | it does not work |
| warning | it works, until something happens that will happen |
| note | it works, and could be plainer |

`--level warning` leaves out what is below. The command ends with 1 when there is an error, with `--deny warning` also for warnings, with
`--deny note` for everything; else with 0. A path that cannot be read ends with 151. `--format` chooses `text`, `json`, `sarif` (2.1.0) or `junit`.

## Silencing

In YAML, a comment silences a rule for what begins on its line: a step with everything in it, a field, an item of a list. A comment alone on its line counts for
the next line that is not a comment. Several rules are separated by commas; what follows the last one is the reason.

```yaml
# attini-lint: ignore AT078 the soak time is part of the release process
- Name: Soak
  Type: Wait
  Seconds: 604800
- Name: Approve
  Type: AttiniManualApproval # attini-lint: ignore AT075, AT077 the release manager looks every day
```

The second comment covers the line it stands on; findings about the whole step are at its name, so it belongs there or above. JSON has no comments: there, and
in YAML as well, metadata of a resource silences a rule for the whole resource, and metadata of the template for the whole file. Words after the code are the
reason.

```yaml
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Metadata: {Attini: {Lint: {Ignore: [AT012 the stages are checked elsewhere]}}}
```

A silencer with an unknown rule is a finding (AT090), and so is one that silences nothing (AT091).

## Rules

| Code | Name | Level | Finds |
|---|---|---|---|
";
