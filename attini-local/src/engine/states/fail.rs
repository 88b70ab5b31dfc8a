use serde_json::Value;

use crate::engine::definition::{State, Text};
use crate::engine::execution::Execution;
use crate::engine::failure::{Failure, Fault};
use crate::engine::frame::FrameId;
use crate::engine::scope::{StateScope, plain};

impl Execution {
    pub(super) fn fail_state(
        &mut self,
        id: FrameId,
        state: &State,
        error: Option<&Text>,
        cause: Option<&Text>,
    ) -> Result<(), Fault> {
        let Some(scope) = self.scope(id, state, None, None) else { return Ok(()) };
        let input = scope.frame.input.clone();
        let error = text(error, "ErrorPath", &scope, &input)?;
        let cause = text(cause, "CausePath", &scope, &input)?;
        self.fail(id, Failure { error, cause, aliases: Vec::new(), reported: false });
        Ok(())
    }
}

fn text(
    text: Option<&Text>,
    field: &'static str,
    scope: &StateScope<'_>,
    input: &Value,
) -> Result<Option<String>, Fault> {
    match text {
        None => Ok(None),
        Some(Text::Fixed(text)) => Ok(Some(text.clone())),
        Some(Text::Jsonata(at)) => scope.typed(at, "string", |value| value.as_str().map(str::to_owned)).map(Some),
        Some(Text::Computed(expression)) => {
            let value = scope.expression(expression, field, input)?;
            match &value {
                Value::String(text) => Ok(Some(text.clone())),
                other => Err(Fault::runtime(format!("The field '{field}' must be a string but was: {}", plain(other)))),
            }
        }
    }
}
