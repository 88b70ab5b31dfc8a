//! Results of cases for people.

use attini_local::plan_test::{Covered, SuiteResult};

use crate::error::CommandError;
use crate::ui::{DIM, GREEN, RED, Ui, YELLOW, printable};

/// Prints the cases file by file, why they failed, the coverage, and the sum.
pub(super) fn results(ui: &mut Ui, result: &SuiteResult) -> Result<(), CommandError> {
    let mut file = None;
    for case in &result.cases {
        if file.replace(&case.file) != Some(&case.file) {
            ui.line(&case.file)?;
        }
        let mark = if case.passed() { ui.paint(GREEN, "✓") } else { ui.paint(RED, "✗") };
        ui.line(&format!("  {mark} {}", printable(&case.name, false)))?;
        for line in case.lines() {
            ui.line(&format!("      {}", printable(&line, false)))?;
        }
        for unused in &case.unused {
            let place = unused.at.as_ref().map(|at| format!("{}:{}:{}: ", at.file, at.line, at.column));
            let warning = ui.paint(YELLOW, "warning");
            ui.line(&format!(
                "      {}{warning}: this answer of `{}` serves no call",
                place.unwrap_or_default(),
                unused.step
            ))?;
        }
    }
    coverage(ui, result)?;
    let failed = result.cases.len() - result.passed();
    let passed = ui.paint(GREEN, &format!("{} passed", result.passed()));
    let failed = if failed == 0 { "0 failed".to_owned() } else { ui.paint(RED, &format!("{failed} failed")) };
    ui.line(&format!("{}: {passed}, {failed}", counted(result.cases.len(), "case")))
}

fn coverage(ui: &mut Ui, result: &SuiteResult) -> Result<(), CommandError> {
    let coverage = &result.coverage;
    if coverage.steps.is_empty() {
        return Ok(());
    }
    let of = |all: &[Covered], word: &str| {
        let covered = all.iter().filter(|covered| covered.cases > 0).count();
        format!("{covered} of {}", counted_es(all.len(), word))
    };
    let (steps, branches) = (of(&coverage.steps, "step"), of(&coverage.branches, "branch"));
    ui.line("")?;
    ui.line(&format!("Coverage: {steps}, {branches}, {} %", coverage.percent()))?;
    for covered in coverage.steps.iter().chain(&coverage.branches).filter(|covered| covered.cases == 0) {
        let way = covered.branch.as_ref().map(|branch| format!(": {branch}")).unwrap_or_default();
        let line = ui.paint(DIM, &format!("  not reached: {}{way}", printable(&covered.step, false)));
        ui.line(&line)?;
    }
    Ok(())
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn counted_es(count: usize, word: &str) -> String {
    let end = match (count, word.ends_with("ch")) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {word}{end}")
}
