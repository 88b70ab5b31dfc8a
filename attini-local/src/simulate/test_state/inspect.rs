use serde_json::{Map, Value, json};

use super::TestStateError;
use super::bench::{Bench, Failure, Ran};
use crate::engine::TaskEnd;

/// The variable that holds what an `ItemReader` reads.
const READ: &str = "attiniItems";

type Data = Map<String, Value>;

impl Bench<'_> {
    /// Returns how the work of the state ends, or how the state fails before it starts to work.
    pub(super) fn work(&self) -> Result<Result<TaskEnd, Failure>, TestStateError> {
        let Some(mock) = &self.request.mock else {
            return match self.subject.field("Resource").and_then(Value::as_str) {
                Some(resource) if self.subject.kind() == "Task" => Err(TestStateError::NoMock(resource.to_owned())),
                _ => Ok(Ok(TaskEnd::Silent)),
            };
        };
        let mut items = None;
        if self.subject.kind() == "Map" {
            match self.items()? {
                Ok(found) => items = found,
                Err(failure) => return Ok(Err(failure)),
            }
        }
        Ok(Ok(match (&mock.error, &mock.result) {
            (Some((error, cause)), _) => TaskEnd::Failed { error: error.clone(), cause: cause.clone() },
            (None, result) => {
                let result = result.clone().unwrap_or_default();
                let count = items.as_ref().or(result.as_array()).map_or(0, Vec::len);
                if self.is_over(count)? {
                    TaskEnd::Failed {
                        error: Some("States.ExceedToleratedFailureThreshold".to_owned()),
                        cause: Some("The specified tolerated failure threshold was exceeded".to_owned()),
                    }
                } else {
                    TaskEnd::Succeeded(result)
                }
            }
        }))
    }

    /// Whether more iterations failed than the Map tolerates. One that says nothing about failures takes the mocked
    /// result, as recorded from the service.
    fn is_over(&self, items: usize) -> Result<bool, TestStateError> {
        let Some(failed) = self.request.failed_iterations else { return Ok(false) };
        let count = self.number("ToleratedFailureCount")?.and_then(|count| count.as_u64());
        let percentage = self.number("ToleratedFailurePercentage")?.and_then(|percentage| percentage.as_f64());
        #[expect(clippy::cast_precision_loss, reason = "numbers of items are small")]
        let share = failed as f64 * 100.0 / items.max(1) as f64;
        Ok(count.is_some_and(|count| failed > count) || percentage.is_some_and(|most| share > most))
    }

    /// Returns the inputs of the iterations of a Map; `None` when they come from an `ItemReader` whose data is not given.
    fn items(&self) -> Result<Result<Option<Vec<Value>>, Failure>, TestStateError> {
        const FIELDS: [&str; 11] = [
            "InputPath",
            "Items",
            "ItemsPath",
            "ItemSelector",
            "Parameters",
            "MaxConcurrency",
            "MaxConcurrencyPath",
            "ToleratedFailureCount",
            "ToleratedFailureCountPath",
            "ToleratedFailurePercentage",
            "ToleratedFailurePercentagePath",
        ];
        let mut map = self.subject.part("Map", &FIELDS);
        let inner = json!({"StartAt": "Item", "States": {"Item": {"Type": "Pass", "End": true}}});
        map.insert("ItemProcessor".to_owned(), inner);
        let mut request = self.request.clone();
        if self.subject.field("ItemReader").is_some() {
            let data = self.request.item_reader_data.as_deref();
            let Some(data) = data.and_then(|data| serde_json::from_str::<Value>(data).ok()) else {
                return Ok(Ok(None));
            };
            request.variables.insert(READ.to_owned(), data);
            let (field, value) = if self.subject.is_jsonata {
                ("Items", format!("{{% ${READ} %}}"))
            } else {
                ("ItemsPath", format!("${READ}"))
            };
            map.insert(field.to_owned(), json!(value));
        }
        let bench = self.with_request(&request);
        let ran = bench.run(&map, &self.request.input, &TaskEnd::Silent)?;
        Ok(ran.outcome.map(|left| match left.output {
            Value::Array(items) => Some(items),
            _ => None,
        }))
    }

    /// Returns the number in a field, in an expression, or where `<field>Path` points.
    fn number(&self, field: &str) -> Result<Option<Value>, TestStateError> {
        let path = format!("{field}Path");
        if let Some(path) = self.subject.field(&path).filter(|_| !self.subject.is_jsonata) {
            let Some(input) = self.output(&self.subject.part("Pass", &["InputPath"]), &self.request.input)? else {
                return Ok(None);
            };
            return self.at(path, &input);
        }
        match self.subject.field(field) {
            Some(Value::String(_)) if self.subject.is_jsonata => {
                let mut pass = self.subject.part("Pass", &[]);
                pass.insert("Output".to_owned(), self.subject.field(field).cloned().unwrap_or_default());
                self.output(&pass, &self.request.input)
            }
            other => Ok(other.cloned()),
        }
    }

    /// Returns what a path finds.
    fn at(&self, path: &Value, input: &Value) -> Result<Option<Value>, TestStateError> {
        let mut pass = self.subject.part("Pass", &[]);
        pass.insert("InputPath".to_owned(), path.clone());
        self.output(&pass, input)
    }

    /// Returns the data after each field of the state, as far as it came.
    pub(super) fn inspect(&self, ran: &Ran, end: &TaskEnd) -> Result<Data, TestStateError> {
        let mut data = Data::from_iter([("input".to_owned(), self.request.input.clone())]);
        match (self.subject.kind(), self.subject.is_jsonata) {
            ("Fail", _) => {}
            ("Task", true) => {
                data.extend(ran.parameters.clone().map(|value| ("afterArguments".to_owned(), value)));
                self.result(ran, end, &mut data);
            }
            ("Task", false) => {
                self.after_input_path(&mut data)?;
                data.extend(ran.parameters.clone().map(|value| ("afterParameters".to_owned(), value)));
                self.result(ran, end, &mut data);
                self.after_result(end, &mut data)?;
            }
            ("Pass", false) => match self.subject.field("Result") {
                Some(result) => {
                    data.insert("result".to_owned(), result.clone());
                    self.after_result(end, &mut data)?;
                }
                None => {
                    self.after_input_path(&mut data)?;
                    let pass = self.subject.part("Pass", &["InputPath", "Parameters"]);
                    let parameters = self.output(&pass, &self.request.input)?;
                    data.extend(parameters.map(|value| ("afterParameters".to_owned(), value)));
                    self.after_result(end, &mut data)?;
                }
            },
            ("Parallel", false) => self.after_result(end, &mut data)?,
            ("Map", is_jsonata) => self.map(end, is_jsonata, &mut data)?,
            ("Succeed" | "Wait" | "Choice", false) => self.after_input_path(&mut data)?,
            _ => {}
        }
        Ok(data)
    }

    fn result(&self, ran: &Ran, end: &TaskEnd, data: &mut Data) {
        if let (TaskEnd::Succeeded(result), Some(_)) = (end, &ran.parameters) {
            data.insert("result".to_owned(), result.clone());
        }
    }

    fn after_input_path(&self, data: &mut Data) -> Result<(), TestStateError> {
        let input = self.output(&self.subject.part("Pass", &["InputPath"]), &self.request.input)?;
        data.extend(input.map(|value| ("afterInputPath".to_owned(), value)));
        Ok(())
    }

    /// What `ResultSelector` and `ResultPath` make of the result.
    fn after_result(&self, end: &TaskEnd, data: &mut Data) -> Result<(), TestStateError> {
        if matches!(end, TaskEnd::Failed { .. }) {
            return Ok(());
        }
        let names = [("afterResultSelector", &["ResultPath", "OutputPath"][..]), ("afterResultPath", &["OutputPath"])];
        for (name, later) in names {
            let state = self.subject.without(&[&["Retry", "Catch", "Assign"], later].concat());
            let found = self.run(&state, &self.request.input, end)?.outcome.ok().map(|left| left.output);
            data.extend(found.map(|value| (name.to_owned(), value)));
        }
        Ok(())
    }

    fn map(&self, end: &TaskEnd, is_jsonata: bool, data: &mut Data) -> Result<(), TestStateError> {
        if !is_jsonata {
            self.after_input_path(data)?;
            if self.subject.field("ItemReader").is_none()
                && let Some(input) = data.get("afterInputPath").cloned()
            {
                let path = self.subject.field("ItemsPath").cloned().unwrap_or_else(|| json!("$"));
                data.extend(self.at(&path, &input)?.map(|value| ("afterItemsPath".to_owned(), value)));
            }
        }
        let has_selector =
            self.subject.field("ItemSelector").is_some() || (!is_jsonata && self.subject.field("Parameters").is_some());
        if has_selector && let Ok(Some(items)) = self.items()? {
            data.insert("afterItemSelector".to_owned(), Value::Array(items));
        }
        if !is_jsonata {
            self.after_result(end, data)?;
        }
        let concurrency = self.number("MaxConcurrency")?.unwrap_or_else(|| json!(0));
        data.insert("maxConcurrency".to_owned(), concurrency);
        data.extend(self.number("ToleratedFailureCount")?.map(|count| ("toleratedFailureCount".to_owned(), count)));
        let percentage = self.number("ToleratedFailurePercentage")?.and_then(|percentage| percentage.as_f64());
        data.extend(percentage.map(|percentage| ("toleratedFailurePercentage".to_owned(), json!(percentage))));
        Ok(())
    }
}
