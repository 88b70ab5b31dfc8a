#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod broken;
mod explained;
mod meaning;
mod schema;

use super::*;
use crate::value::{DistributionId, DistributionName, Environment};

fn parse(text: &str) -> Config {
    let (config, warnings) = Config::parse("attini-config.yaml", text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(warnings, [], "{text}");
    config
}

fn resolve(config: &Config, environment: &str) -> ResolvedConfig {
    try_resolve(config, environment).unwrap_or_else(|problems| panic!("{problems}"))
}

fn try_resolve(config: &Config, environment: &str) -> Result<ResolvedConfig, crate::problem::Problems> {
    let name = DistributionName::parse("infra").unwrap();
    let id = DistributionId::parse("abc").unwrap();
    config.resolve(&Environment::parse(environment).unwrap(), &name, &id)
}

fn init_stack(text: &str, environment: &str) -> InitStackConfig {
    let text = format!("initDeployConfig:\n  stackName: s\n{text}");
    match resolve(&parse(&text), environment).pipeline {
        Pipeline::InitStack(stack) => stack,
        other => panic!("{other:?}"),
    }
}
