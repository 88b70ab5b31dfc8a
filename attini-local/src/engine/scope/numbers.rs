use serde_json::Value;

use super::{StateScope, plain};
use crate::engine::definition::{Percentage, Seconds};
use crate::engine::failure::Fault;

/// Numbers that may come from the data.
impl StateScope<'_> {
    /// A whole number of at least 0.
    pub(in crate::engine) fn whole(
        &self,
        number: Option<&Seconds>,
        field: &str,
        input: &Value,
    ) -> Result<Option<u64>, Fault> {
        let Some(number) = self.integer(number, field, input)? else { return Ok(None) };
        let location = Some(field);
        u64::try_from(number)
            .map(Some)
            .map_err(|_| Fault::of(self.state.language, location, format!("{field} cannot be negative.")))
    }

    /// A whole number of any sign.
    pub(in crate::engine) fn integer(
        &self,
        number: Option<&Seconds>,
        field: &str,
        input: &Value,
    ) -> Result<Option<i64>, Fault> {
        match number {
            None => Ok(None),
            Some(Seconds::Fixed(number)) => Ok(Some(i64::try_from(*number).unwrap_or(i64::MAX))),
            Some(Seconds::Jsonata(at)) => self.typed(at, "number", integer).map(Some),
            Some(Seconds::Path(query)) => {
                let value = self.path(query, input)?;
                // The service takes a number in a text as well.
                let number = integer(&value).or_else(|| value.as_str()?.parse().ok());
                number.map(Some).ok_or_else(|| {
                    Fault::runtime(format!(
                        "The {field}Path field refers to value \"{}\" which is not a valid integer: {}",
                        plain(&value),
                        query.as_str()
                    ))
                })
            }
        }
    }

    /// A number from 0 to 100.
    pub(in crate::engine) fn percentage(
        &self,
        percentage: Option<&Percentage>,
        field: &str,
        input: &Value,
    ) -> Result<Option<f64>, Fault> {
        let number = match percentage {
            None => return Ok(None),
            Some(Percentage::Fixed(number)) => *number,
            Some(Percentage::Jsonata(at)) => self.typed(at, "number", Value::as_f64)?,
            Some(Percentage::Path(query)) => {
                let value = self.path(query, input)?;
                let number = value.as_f64().or_else(|| value.as_str()?.parse().ok().filter(|n: &f64| n.is_finite()));
                number.ok_or_else(|| {
                    Fault::runtime(format!(
                        "The {field}Path field refers to value \"{}\" which is not a valid float: {}",
                        plain(&value),
                        query.as_str()
                    ))
                })?
            }
        };
        if (0.0..=100.0).contains(&number) {
            Ok(Some(number))
        } else {
            let text = format!("{field} must be between 0 and 100.");
            Err(Fault::of(self.state.language, Some(field), text))
        }
    }
}

/// `5.0` is a whole number too.
fn integer(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    value.as_i64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9e15).map(|n| n as i64))
}
