//! Replays macro requests and compares the answers with the required ones.
//!
//! The cases lie in the folder named by `ATTINI_CONFORMANCE`, by default `../shared/conformance` beside the checkout.
//! Without the folder the test says so and passes. `known_failures/plan.txt` lists the cases that may fail; any other
//! failure, and any listed case that passes, fails the test.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and print"))]

use std::collections::{BTreeMap, BTreeSet};

use attini_core::plan::{MacroSettings, macro_response};
use attini_tests::{PlanCase, conformance_folder, plan_cases};

const UUID: &str = "0b5f9c1e-7f3d-4a57-9a0c-3d5b8f6f1c11";

#[test]
fn plan_translations_match_the_corpus() {
    let Some(cases) = plan_cases() else {
        println!("skipped: there is no folder plan in {}", conformance_folder().display());
        return;
    };
    let mut failed: BTreeMap<String, String> = BTreeMap::new();
    for case in &cases {
        if let Err(reason) = replay(case) {
            failed.insert(case.name.clone(), reason);
        }
    }
    println!("{} passed, {} failed, 0 skipped", cases.len() - failed.len(), failed.len());
    for (name, reason) in &failed {
        println!("failed: {name}: {reason}");
    }
    let known = known_failures();
    let failed: BTreeSet<&str> = failed.keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
    let regressions: Vec<_> = failed.difference(&known).collect();
    assert!(regressions.is_empty(), "cases that must pass fail: {regressions:?}");
    let present: Vec<_> = known.difference(&failed).collect();
    assert!(present.is_empty(), "cases listed in known_failures/plan.txt pass, take them out: {present:?}");
}

/// One name a line; what follows `#` says why.
fn known_failures() -> Vec<String> {
    let list = include_str!("../known_failures/plan.txt");
    let names = list.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    names.filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect()
}

fn replay(case: &PlanCase) -> Result<(), String> {
    let given = case.settings();
    let subnets = given["defaultVpcSubnets"].as_array();
    let settings = MacroSettings {
        default_role: given["defaultRole"].as_str().map(ToOwned::to_owned),
        default_runner_image: given["defaultRunnerImage"].as_str().unwrap().to_owned(),
        default_vpc_subnets: subnets
            .map(|subnets| subnets.iter().map(|subnet| subnet.as_str().unwrap().to_owned()).collect()),
        queue_interval_seconds: 30,
    };
    case.compare(&macro_response(case.input(), &settings, UUID))
}
