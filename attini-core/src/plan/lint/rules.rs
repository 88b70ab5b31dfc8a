//! The rules by theme. [`RULES`] is the only list of them.

mod data;
mod files;
mod flow;
mod references;
mod refusal;
mod risk;
mod runner;
pub(super) mod silencers;
mod stacks;
mod structure;
mod style;
mod waiting;

use super::rule::{Example, Findings, Level, Rule};

/// All rules by code. Codes are stable: one that is gone is not used again.
pub static RULES: &[Rule] = &[
    structure::UNREADABLE_FILE,
    structure::INVALID_CONFIG,
    refusal::REFUSED_PLAN,
    refusal::UNKNOWN_TARGET,
    structure::DUPLICATE_NAME,
    refusal::UNKNOWN_TYPE,
    refusal::UNKNOWN_PROPERTY,
    structure::TRANSFORM_HEADER,
    flow::UNREACHABLE_STEP,
    flow::ENDLESS_LOOP,
    flow::CHOICE_WITHOUT_DEFAULT,
    flow::MISSING_LINK,
    flow::CATCH_ALL_NOT_LAST,
    flow::SWALLOWED_ERRORS,
    flow::PAYLOAD_LOST_IN_CATCH,
    flow::PAYLOAD_LOST,
    flow::MISSING_MERGE,
    data::UNKNOWN_OUTPUT,
    data::OUTPUT_NOT_YET,
    data::OUTPUT_OF_OTHER_BRANCH,
    data::OUTPUT_MAY_BE_MISSING,
    data::UNKNOWN_OUTPUT_KEY,
    data::UNKNOWN_STACK_PARAMETER,
    data::UNKNOWN_PAYLOAD_FIELD,
    data::BAD_PATH,
    data::FORMAT_ARGUMENTS,
    references::UNDECLARED_DEPENDENCY,
    references::UNUSED_PAYLOAD_DEFAULT,
    references::UNUSED_SUBSTITUTION,
    references::UNKNOWN_SUBSTITUTION,
    references::UNKNOWN_REFERENCE,
    files::MISSING_FILE,
    files::IGNORED_FILE,
    files::INVALID_STACK_CONFIG,
    files::UNDECLARED_PARAMETER,
    files::MISSING_PARAMETER,
    refusal::UNKNOWN_RUNNER,
    runner::UNUSED_RUNNER,
    runner::EMPTY_COMMANDS,
    runner::DEFAULT_RUNNER_OVERWRITTEN,
    runner::TIMEOUT_NEVER_REACHED,
    runner::HEARTBEAT_TOO_SHORT,
    runner::REPEATED_JOB,
    stacks::SAME_STACK_IN_PARALLEL,
    stacks::UNBOUNDED_MAP,
    risk::PLAIN_SECRET,
    risk::ACCESS_KEY,
    risk::WILDCARD_POLICY,
    risk::HARD_CODED_PLACE,
    risk::HARD_CODED_PARTITION,
    waiting::APPROVAL_WITHOUT_TIMEOUT,
    waiting::APPROVAL_IN_PARALLEL,
    waiting::APPROVAL_UNANNOUNCED,
    waiting::LONG_WAIT,
    style::BLANKS_IN_NAME,
    style::DEPRECATED_ITERATOR,
    style::IGNORED_FIELD,
    silencers::UNKNOWN,
    silencers::USELESS,
];

/// Says whether a rule finds values that nobody may see.
pub(super) fn finds_secrets(rule: &Rule) -> bool {
    [&risk::PLAIN_SECRET, &risk::ACCESS_KEY].contains(&rule)
}
