use serde_json::Value;

use super::fields::Fields;
use crate::engine::template::Template;

/// The longest name of a variable.
const MAX_NAME: usize = 80;

/// Reads `Assign`.
pub(super) fn template(fields: &mut Fields<'_, '_>) -> Option<Template> {
    const FIELD: &str = "Assign";
    match fields.get(FIELD)? {
        Value::Object(variables) => {
            for name in variables.keys().map(|name| name.strip_suffix(".$").unwrap_or(name)) {
                if let Some(problem) = problem(name) {
                    fields.problem(FIELD, problem);
                }
            }
            fields.template(FIELD)
        }
        _ => {
            fields.problem(FIELD, "write an object with the variables and their values");
            None
        }
    }
}

fn problem(name: &str) -> Option<String> {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if !starts || !chars.all(|c| c.is_alphanumeric() || c == '_') {
        Some(format!("`{name}` is no name of a variable; use letters, digits and `_`, and begin with a letter"))
    } else if name.chars().count() > MAX_NAME {
        Some(format!("`{name}` is longer than {MAX_NAME} characters"))
    } else if name == "states" {
        Some("`states` is reserved; choose another name".to_owned())
    } else {
        None
    }
}
