//! Every acceptance case of four specification pages has a test, or names the capability that will bring it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and print"))]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const TABLE: &str = include_str!("../acceptance.txt");
/// The pages and how many cases each has.
const PAGES: [(&str, u32); 4] =
    [("cli.md", 52), ("init-deploy.md", 40), ("user-projects.md", 27), ("deployment-plan.md", 48)];

struct Case<'t> {
    tests: Vec<&'t str>,
    to_come: &'t str,
}

fn table() -> BTreeMap<(&'static str, u32), Case<'static>> {
    let mut cases = BTreeMap::new();
    for line in TABLE.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let mut columns = line.splitn(3, '|').map(str::trim);
        let (page, number) = columns.next().and_then(|case| case.split_once(' ')).expect(line);
        let tests = columns.next().expect(line).split(", ").filter(|test| !test.is_empty()).collect();
        let case = Case { tests, to_come: columns.next().unwrap_or_default() };
        assert!(cases.insert((page, number.parse().expect(line)), case).is_none(), "twice: {line}");
    }
    cases
}

/// Says whether a file of the workspace has a test function of that name.
fn is_test(path: &str) -> bool {
    let Some((file, function)) = path.split_once("::") else { return false };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let declares = |line: &str| {
        let rest = line.strip_prefix("async ").unwrap_or(line);
        rest.strip_prefix("fn ").and_then(|rest| rest.strip_prefix(function)).is_some_and(|rest| rest.starts_with('('))
    };
    lines.iter().position(|line| declares(line)).is_some_and(|at| {
        let attributes = lines[..at].iter().rev().take_while(|line| line.starts_with('#'));
        attributes.into_iter().any(|line| *line == "#[test]" || line.starts_with("#[tokio::test"))
    })
}

#[test]
fn every_acceptance_case_has_a_test_or_a_capability() {
    let cases = table();
    let mut wrong = Vec::new();
    for (page, count) in PAGES {
        for number in 1..=count {
            match cases.get(&(page, number)) {
                None => wrong.push(format!("{page} {number} is missing")),
                Some(case) if case.tests.is_empty() && case.to_come.is_empty() => {
                    wrong.push(format!("{page} {number} has neither a test nor a capability"));
                }
                Some(case) => {
                    let missing = case.tests.iter().filter(|test| !is_test(test));
                    wrong.extend(missing.map(|test| format!("{page} {number}: there is no test {test}")));
                }
            }
        }
        let of_page: Vec<_> = cases.iter().filter(|((name, _), _)| *name == page).map(|(_, case)| case).collect();
        let whole = of_page.iter().filter(|case| case.to_come.is_empty()).count();
        let part = of_page.iter().filter(|case| !case.to_come.is_empty() && !case.tests.is_empty()).count();
        println!("{page}: {count} cases, {whole} tested, {part} in part, {} to come", of_page.len() - whole - part);
    }
    let known =
        |page: &str, number: u32| PAGES.iter().any(|(name, count)| *name == page && (1..=*count).contains(&number));
    wrong.extend(
        cases.keys().filter(|(page, number)| !known(page, *number)).map(|case| format!("{case:?} does not exist")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_tests_count() {
    assert!(is_test("tests/tests/acceptance.rs::only_tests_count"));
    assert!(!is_test("tests/tests/acceptance.rs::table"));
    assert!(!is_test("tests/tests/acceptance.rs::only_tests"));
    assert!(!is_test("tests/tests/none.rs::only_tests_count"));
}
