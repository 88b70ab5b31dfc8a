use serde_json::{Map, Value};

use super::bench::{STATE, Subject};
use super::{Mock, Refusal, TestStateRequest};
use crate::simulate::diagnose::{Check, MachineType, diagnose, refusal};
use crate::simulate::shapes;

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal { code: "ValidationException", message: message.into() }
}

fn bad_definition(message: impl Into<String>) -> Refusal {
    Refusal { code: "InvalidDefinition", message: message.into() }
}

/// Checks a request as the service does, and returns the state that it is about.
pub(super) fn subject(request: &TestStateRequest) -> Result<Subject, Refusal> {
    if let Some(mock) = &request.mock
        && mock.result.is_some() == mock.error.is_some()
    {
        return Err(invalid("A test mock should have only one of the following fields: [result, errorOutput]."));
    }
    let subject = find(request)?;
    let kind = subject.kind();
    match (&request.mock, kind) {
        (None, "Map" | "Parallel") => Err(bad_definition(
            "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, \
             Succeed, Fail, Choice]",
        )),
        (None, "Task") if subject.waits() => Err(bad_definition(
            "TestState API does not support '.sync' or '.waitForTaskToken' service integrations when no mock is specified",
        )),
        (None, "Task") if subject.is_activity() => {
            Err(bad_definition("TestState API does not support Activity ARN when no mock is specified"))
        }
        (Some(_), "Pass" | "Wait" | "Succeed" | "Fail" | "Choice") => {
            Err(invalid(format!("State type '{kind}' is not supported when a mock is specified")))
        }
        _ => Ok(()),
    }?;
    if let Some(context) = &request.context {
        if request.mock.is_none() {
            return Err(invalid("Context object can only be specified when a mock is specified"));
        }
        check_context(context, &subject)
            .map_err(|message| invalid(format!("Invalid Context object provided: {message}")))?;
    }
    if let Some(mock) = &request.mock {
        check_result(mock, &subject)?;
    }
    Ok(subject)
}

fn find(request: &TestStateRequest) -> Result<Subject, Refusal> {
    let Some(name) = &request.state_name else {
        let mut check = Check::new(MachineType::Standard, false);
        check.state(&request.definition, &format!("/States/{STATE}"), false);
        if !check.found.is_empty() {
            return Err(bad_definition(refusal(&check.found)));
        }
        return Subject::new(&request.definition, false).ok_or_else(|| bad_definition("The definition is no state"));
    };
    let found = diagnose(&request.definition, MachineType::Standard);
    if !found.is_empty() {
        return Err(bad_definition(refusal(&found)));
    }
    let is_jsonata = request.definition.get("QueryLanguage").and_then(Value::as_str) == Some("JSONata");
    state(&request.definition, name)
        .and_then(|state| Subject::new(state, is_jsonata))
        .ok_or_else(|| invalid("State not found in definition"))
}

/// Looks for a state in a machine and in the machines inside; JSON is nested 128 levels at most.
fn state<'a>(machine: &'a Value, name: &str) -> Option<&'a Value> {
    let states = machine.get("States")?.as_object()?;
    states.get(name).or_else(|| {
        states.values().find_map(|outer| {
            let branches = outer.get("Branches").and_then(Value::as_array).into_iter().flatten();
            let processors = ["ItemProcessor", "Iterator"].into_iter().filter_map(|field| outer.get(field));
            branches.chain(processors).find_map(|inner| state(inner, name))
        })
    })
}

/// The fields of a context object that can be given, and whether each must be a text or a number.
const CONTEXT: [(&str, &[(&str, Wanted)]); 4] = [
    (
        "Execution",
        &[
            ("Id", Wanted::Text),
            ("Input", Wanted::Anything),
            ("Name", Wanted::Text),
            ("RoleArn", Wanted::Text),
            ("StartTime", Wanted::Text),
            ("RedriveCount", Wanted::Number),
            ("RedriveTime", Wanted::Text),
        ],
    ),
    ("State", &[("EnteredTime", Wanted::Text), ("Name", Wanted::Text), ("RetryCount", Wanted::Number)]),
    ("StateMachine", &[("Id", Wanted::Text), ("Name", Wanted::Text)]),
    ("Task", &[("Token", Wanted::Text)]),
];

#[derive(Clone, Copy)]
enum Wanted {
    Text,
    Number,
    Anything,
}

fn check_context(context: &Value, subject: &Subject) -> Result<(), String> {
    let Value::Object(parts) = context else { return Err("Context object must be a JSON object".to_owned()) };
    for (part, fields) in parts {
        if part == "Map" {
            return Err("'Map' field is not supported when mocking a Context object".to_owned());
        }
        let Some((_, known)) = CONTEXT.iter().find(|(name, _)| name == part) else {
            return Err(format!("Field '{part}' is not allowed"));
        };
        if part == "Task" && !subject.waits() {
            return Err("Context object contains 'Task' when state is not a Task state with a '.sync' or \
                        '.waitForTaskToken' service integration pattern"
                .to_owned());
        }
        let Value::Object(fields) = fields else { return Err(format!("{part} must be an object")) };
        check_part(part, fields, known)?;
    }
    Ok(())
}

fn check_part(part: &str, fields: &Map<String, Value>, known: &[(&str, Wanted)]) -> Result<(), String> {
    for (field, value) in fields {
        let Some((_, wanted)) = known.iter().find(|(name, _)| name == field) else {
            return Err(format!("Field '{field}' is not allowed"));
        };
        match wanted {
            Wanted::Text if !value.is_string() => return Err(format!("{part}.{field} must be a string")),
            Wanted::Number if !value.is_number() => return Err(format!("{part}.{field} must be a number")),
            _ => {}
        }
    }
    Ok(())
}

fn check_result(mock: &Mock, subject: &Subject) -> Result<(), Refusal> {
    let Some(result) = &mock.result else { return Ok(()) };
    // A ResultWriter replaces the list of results by an object that tells where they are.
    let is_written = subject.field("ResultWriter").is_some();
    match subject.kind() {
        "Map" if is_written && !result.is_object() => Err(invalid("Mocked result must be an object.")),
        "Map" if is_written => Ok(()),
        "Map" | "Parallel" if !result.is_array() => Err(invalid("Mocked result must be an array.")),
        "Task" => {
            let resource = subject.field("Resource").and_then(Value::as_str).unwrap_or_default();
            shapes::check(resource, result, mock.validation).map_err(invalid)
        }
        _ => Ok(()),
    }
}
