//! What the table says of each rule holds.

use super::*;

#[test]
fn every_bad_example_fires_its_rule_and_no_other() {
    let mut wrong = String::new();
    for rule in RULES {
        let outcome = lint(&project(&rule.bad), &all());
        if outcome.findings.is_empty() || outcome.findings.iter().any(|finding| finding.rule != rule) {
            wrong += &format!("{} {}: expected it alone, found\n{}\n", rule.code, rule.name, shown(&outcome));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn no_good_example_fires_anything() {
    let mut wrong = String::new();
    for rule in RULES {
        let outcome = lint(&project(&rule.good), &all());
        if !outcome.findings.is_empty() {
            wrong += &format!("{} {}: expected nothing, found\n{}\n", rule.code, rule.name, shown(&outcome));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_finding_goes_away_with_its_rule_and_nothing_else_does() {
    for rule in RULES {
        let without: Vec<&Rule> = RULES.iter().filter(|other| *other != rule).collect();
        let outcome = lint(&project(&rule.bad), &without);
        assert!(outcome.findings.is_empty(), "{} is found without its rule:\n{}", rule.code, shown(&outcome));
        // Whether a silencer is useless shows only when the rule that it silences runs.
        let silenced = RULES.iter().filter(|other| rule.code == "AT091" && other.code == "AT012");
        let alone = lint(&project(&rule.bad), &silenced.chain([rule]).collect::<Vec<_>>());
        assert_eq!(codes(&alone), [rule.code]);
    }
}

#[test]
fn findings_of_examples_have_the_level_of_their_rule_and_a_place() {
    for rule in RULES {
        let outcome = lint(&project(&rule.bad), &all());
        assert_eq!(outcome.worst(), Some(rule.level), "{}", rule.code);
        for finding in &outcome.findings {
            let at = finding.at.as_ref().unwrap_or_else(|| panic!("{} has no place", rule.code));
            assert!(at.line > 0 && at.column > 0 && !finding.message.ends_with('.'), "{}", finding.message);
        }
    }
}

#[test]
fn codes_are_unique_in_order_and_found() {
    let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes, sorted);
    for rule in RULES {
        assert_eq!(find_rule(rule.name), Some(rule));
        assert_eq!(find_rule(&rule.code.to_lowercase()), Some(rule));
        assert!(rule.code.len() == 5 && rule.code.starts_with("AT"), "{}", rule.code);
        assert!(rule.summary.ends_with('.') && rule.why.len() > 20 && rule.fix.ends_with('.'), "{}", rule.code);
    }
    assert_eq!(find_rule("AT999"), None);
}

#[test]
fn every_page_shows_both_examples() {
    for rule in RULES {
        let page = page(rule);
        assert!(page.starts_with(&format!("# {} {}\n", rule.code, rule.name)));
        assert!(page.matches("```yaml").count() >= 2, "{page}");
        assert!(index().contains(&format!("[{0}]({0}.md)", rule.code)));
    }
}
