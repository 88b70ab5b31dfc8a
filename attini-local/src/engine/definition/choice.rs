use attini_core::asl::path::Query;
use serde_json::Value;

use super::Language;
use super::fields::Fields;
use crate::engine::context;
use crate::engine::template::Located;

/// The condition of one entry of `Choices`.
#[derive(Debug)]
pub(in crate::engine) enum Rule {
    All(Vec<Rule>),
    Any(Vec<Rule>),
    Not(Box<Rule>),
    Test {
        variable: Query,
        test: Test,
    },
    /// `Condition` of a JSONata state.
    Condition(Condition),
}

#[derive(Debug)]
pub(in crate::engine) enum Condition {
    Fixed(bool),
    Jsonata(Box<Located>),
}

/// What is asked of a variable.
#[derive(Debug)]
pub(in crate::engine) enum Test {
    IsPresent(bool),
    IsNull(bool),
    IsBoolean(bool),
    IsNumeric(bool),
    IsString(bool),
    IsTimestamp(bool),
    Matches(String),
    Equals(Operand),
    Compare(Comparison, Operand),
}

/// The right side of a comparison. Its type is what the operator's name says; values of another type do not match.
#[derive(Debug)]
pub(in crate::engine) struct Operand {
    pub(in crate::engine) domain: Domain,
    pub(in crate::engine) value: OperandValue,
}

#[derive(Debug)]
pub(in crate::engine) enum OperandValue {
    Fixed(Value),
    Path(Query),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Domain {
    Boolean,
    Numeric,
    String,
    Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Comparison {
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

const DOMAINS: [(&str, Domain); 4] = [
    ("Boolean", Domain::Boolean),
    ("Numeric", Domain::Numeric),
    ("String", Domain::String),
    ("Timestamp", Domain::Timestamp),
];

const COMPARISONS: [(&str, Option<Comparison>); 5] = [
    ("Equals", None),
    ("LessThan", Some(Comparison::LessThan)),
    ("LessThanEquals", Some(Comparison::LessThanEquals)),
    ("GreaterThan", Some(Comparison::GreaterThan)),
    ("GreaterThanEquals", Some(Comparison::GreaterThanEquals)),
];

/// Fields of a rule that are no operators.
const OTHER_FIELDS: [&str; 4] = ["Variable", "Next", "Comment", "Assign"];

/// Reads the condition of an entry of `Choices` of a JSONata state.
pub(super) fn condition(fields: &mut Fields<'_, '_>) -> Option<Rule> {
    const FIELD: &str = "Condition";
    match fields.get(FIELD) {
        Some(Value::Bool(value)) => Some(Rule::Condition(Condition::Fixed(*value))),
        Some(_) => fields.located(FIELD).map(|at| Rule::Condition(Condition::Jsonata(at))),
        None => {
            fields.problem(FIELD, "write an expression between `{%` and `%}`");
            None
        }
    }
}

/// Reads a rule. JSON is nested 128 levels at most, so recursion is safe.
pub(super) fn rule(value: &Value, place: &str, problems: &mut Vec<String>) -> Option<Rule> {
    let Value::Object(object) = value else {
        problems.push(format!("{place}: a rule must be an object"));
        return None;
    };
    let mut fields = Fields::new(object, place.to_owned(), Language::JsonPath, problems);
    let operators: Vec<&String> = object.keys().filter(|key| !OTHER_FIELDS.contains(&key.as_str())).collect();
    let [operator] = operators.as_slice() else {
        let found = if operators.is_empty() { "none".to_owned() } else { format!("{operators:?}") };
        fields
            .problems
            .push(format!("{place}: a rule needs exactly one operator, such as `StringEquals`; found {found}"));
        return None;
    };
    let argument = object.get(operator.as_str())?;
    match operator.as_str() {
        name @ ("And" | "Or") => {
            let rules = fields.list(name);
            if rules.is_empty() {
                fields.problem(name, "write at least one rule");
                return None;
            }
            let inner: Option<Vec<Rule>> = rules
                .iter()
                .enumerate()
                .map(|(index, value)| rule(value, &format!("{place}.{name}[{index}]"), fields.problems))
                .collect();
            inner.map(if name == "And" { Rule::All } else { Rule::Any })
        }
        "Not" => rule(argument, &format!("{place}.Not"), fields.problems).map(|rule| Rule::Not(Box::new(rule))),
        name => {
            if fields.get("Variable").is_none() {
                fields.problem("Variable", "write the path of the value to test");
            }
            let variable = fields.query("Variable");
            let test = test(name, argument, &mut fields);
            Some(Rule::Test { variable: variable?, test: test? })
        }
    }
}

fn test(name: &str, argument: &Value, fields: &mut Fields<'_, '_>) -> Option<Test> {
    let is: Option<fn(bool) -> Test> = match name {
        "IsPresent" => Some(Test::IsPresent),
        "IsNull" => Some(Test::IsNull),
        "IsBoolean" => Some(Test::IsBoolean),
        "IsNumeric" => Some(Test::IsNumeric),
        "IsString" => Some(Test::IsString),
        "IsTimestamp" => Some(Test::IsTimestamp),
        _ => None,
    };
    if let Some(is) = is {
        let wanted = argument.as_bool();
        if wanted.is_none() {
            fields.problem(name, format!("write true or false, not `{argument}`"));
        }
        return wanted.map(is);
    }
    if name == "StringMatches" {
        return fields.text(name).map(|pattern| Test::Matches(pattern.to_owned()));
    }
    let (plain, is_path) = name.strip_suffix("Path").map_or((name, false), |plain| (plain, true));
    let operator = DOMAINS.into_iter().find_map(|(prefix, domain)| {
        let rest = plain.strip_prefix(prefix)?;
        let (_, comparison) = COMPARISONS.into_iter().find(|(known, _)| *known == rest)?;
        (domain != Domain::Boolean || comparison.is_none()).then_some((domain, comparison))
    });
    let Some((domain, comparison)) = operator else {
        fields.problem(name, "there is no such operator");
        return None;
    };
    let value = if is_path {
        OperandValue::Path(fields.query(name)?)
    } else {
        let fits = match domain {
            Domain::Boolean => argument.is_boolean(),
            Domain::Numeric => argument.is_number(),
            Domain::String => argument.is_string(),
            Domain::Timestamp => argument.as_str().and_then(context::time).is_some(),
        };
        if !fits {
            let wanted = match domain {
                Domain::Boolean => "true or false",
                Domain::Numeric => "a number",
                Domain::String => "a text",
                Domain::Timestamp => "a time such as `2026-01-01T10:00:00Z`",
            };
            fields.problem(name, format!("write {wanted}, not `{argument}`"));
            return None;
        }
        OperandValue::Fixed(argument.clone())
    };
    let operand = Operand { domain, value };
    Some(match comparison {
        None => Test::Equals(operand),
        Some(comparison) => Test::Compare(comparison, operand),
    })
}
