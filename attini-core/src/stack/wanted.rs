use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::location::CONFIG_ERROR;
use super::{StackFile, ValueSource, ValueSpec, template_location};
use crate::config::substitute;
use crate::framework::Failure;
use crate::port::{OnFailure, StackTarget, TemplateLocation};
use crate::value::coerce::{IllegalFormat, PropertyReader};
use crate::value::{Region, StackName};

/// What a step does to its stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Create or update it.
    Deploy,
    /// Delete it.
    Delete,
}

/// `Properties` of a step that deploys a stack (actions.md 5.1), before substitution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackProperties {
    /// Path of the configuration file.
    pub config_file: Option<String>,
    /// Texts by their key in a configuration file.
    texts: BTreeMap<&'static str, String>,
    parameters: Vec<(String, String)>,
    tags: Vec<(String, String)>,
    variables: Vec<(String, String)>,
}

impl StackProperties {
    /// Reads the properties of a step; unknown ones were refused when the plan was made.
    ///
    /// # Errors
    ///
    /// `IllegalFormatException` with everything that has a wrong kind.
    pub fn read(step: &str, properties: &Value) -> Result<Self, Failure> {
        let empty = Map::new();
        let properties = properties.as_object().unwrap_or(&empty);
        let mut reader = PropertyReader::new(properties);
        let mut read = Self { config_file: reader.string("ConfigFile"), ..Self::default() };
        let texts = [
            ("stackName", "StackName"),
            ("template", "Template"),
            ("region", "Region"),
            ("executionRoleArn", "ExecutionRoleArn"),
            ("stackRoleArn", "RoleArn"),
            ("stackRoleArn", "StackRoleArn"),
            ("outputPath", "OutputPath"),
            ("action", "Action"),
            ("onFailure", "OnFailure"),
        ];
        for (key, property) in texts {
            if let Some(text) = reader.string(property) {
                read.texts.insert(key, text);
            }
        }
        if let Some(text) = reader.boolean_text("EnableTerminationProtection") {
            read.texts.insert("enableTerminationProtection", text);
        }
        read.parameters = reader.string_map("Parameters").unwrap_or_default();
        read.tags = reader.string_map("Tags").unwrap_or_default();
        read.variables = reader.string_map("Variables").unwrap_or_default();
        reader.finish(step).map_err(|error| Failure::new(IllegalFormat::ERROR_NAME, error.to_string()))?;
        Ok(read)
    }

    /// Returns the variables in effect: the init stack's, overlaid by the step's.
    #[must_use]
    pub fn variables(&self, of_init_stack: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut variables = of_init_stack.clone();
        variables.extend(self.variables.iter().cloned());
        variables
    }
}

/// What a stack shall be: step over file, variables filled in. Values of other places are still to be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedStack {
    /// Which stack.
    pub target: StackTarget,
    /// Its template; may be absent for a deletion.
    pub template: Option<TemplateLocation>,
    /// What to do.
    pub action: Action,
    /// Service role.
    pub service_role: Option<String>,
    /// Extra level in the step's output.
    pub output_path: Option<String>,
    /// For creation.
    pub on_failure: Option<OnFailure>,
    /// `None` leaves the protection as it is.
    pub termination_protection: Option<bool>,
    /// Parameters by name.
    pub parameters: BTreeMap<String, ValueSpec>,
    /// Tags by key.
    pub tags: BTreeMap<String, ValueSpec>,
}

impl WantedStack {
    /// Joins a step's properties with its configuration file (already laid over those it extends).
    ///
    /// `prefix` is that of the distribution's files.
    ///
    /// # Errors
    ///
    /// `StackConfigError` with everything that is missing or has a value it cannot have.
    pub fn decide(
        properties: &StackProperties,
        file: &StackFile,
        variables: &BTreeMap<String, String>,
        prefix: &str,
    ) -> Result<Self, Failure> {
        let mut problems = Vec::new();
        let mut text = |key: &str| -> Option<String> {
            let found = properties.texts.get(key).map(String::as_str).or_else(|| file.text(key))?;
            match fill(found, variables) {
                Ok(filled) => Some(filled),
                Err(problem) => {
                    problems.push(format!("{key}: {problem}"));
                    None
                }
            }
        };
        let (stack_name, template, region) = (text("stackName"), text("template"), text("region"));
        let (role, service_role, output_path) = (text("executionRoleArn"), text("stackRoleArn"), text("outputPath"));
        let (action, on_failure, protection) = (text("action"), text("onFailure"), text("enableTerminationProtection"));

        let action = match action.as_deref().map(str::trim) {
            None | Some("Deploy" | "0") => Action::Deploy,
            Some("Delete" | "1") => Action::Delete,
            Some(other) => {
                problems.push(format!("Action is `{other}`; it is `Deploy` or `Delete`"));
                Action::Deploy
            }
        };
        let name = match stack_name.filter(|name| !name.trim().is_empty()) {
            None => {
                problems.push("no stack name is specified; set StackName, or stackName in the config file".to_owned());
                None
            }
            Some(name) => StackName::parse(&name).map_err(|error| problems.push(error.to_string())).ok(),
        };
        let region = match region.map(|region| Region::parse(&region)) {
            None => None,
            Some(Ok(region)) => Some(region),
            Some(Err(error)) => {
                problems.push(error.to_string());
                None
            }
        };
        let template = match template.filter(|path| !path.trim().is_empty()) {
            Some(template) => template_location(prefix, &template).map_err(|error| problems.push(error.cause)).ok(),
            None if action == Action::Delete => None,
            None => {
                problems.push("no template path is specified; set Template, or template in the config file".to_owned());
                None
            }
        };
        let on_failure = match on_failure.as_deref().map(str::trim) {
            None => None,
            Some("DELETE") => Some(OnFailure::Delete),
            Some("DO_NOTHING") => Some(OnFailure::DoNothing),
            Some("ROLLBACK") => Some(OnFailure::Rollback),
            Some(other) => {
                problems.push(format!("OnFailure is `{other}`; it is `DELETE`, `DO_NOTHING` or `ROLLBACK`"));
                None
            }
        };
        let termination_protection = match protection.map(|text| text.to_ascii_lowercase()).as_deref() {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(other) => {
                problems.push(format!("EnableTerminationProtection is `{other}`; it is `true` or `false`"));
                None
            }
        };
        let parameters = overlay(&file.parameters, &properties.parameters, variables, &mut problems);
        let tags = overlay(&file.tags, &properties.tags, variables, &mut problems);
        match name {
            Some(name) if problems.is_empty() => Ok(Self {
                target: StackTarget { name, region, role },
                template,
                action,
                service_role,
                output_path,
                on_failure,
                termination_protection,
                parameters,
                tags,
            }),
            _ => Err(Failure::new(CONFIG_ERROR, problems.join("; "))),
        }
    }
}

/// Fills `${name}` in a text (actions.md 5.2).
pub(crate) fn fill(text: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    substitute(text, &|name: &str| variables.get(name).cloned()).map_err(|error| error.to_string())
}

fn overlay(
    file: &BTreeMap<String, Option<ValueSpec>>,
    inline: &[(String, String)],
    variables: &BTreeMap<String, String>,
    problems: &mut Vec<String>,
) -> BTreeMap<String, ValueSpec> {
    let mut found: BTreeMap<String, ValueSpec> =
        file.iter().filter_map(|(key, spec)| Some((key.clone(), spec.clone()?))).collect();
    found.extend(inline.iter().map(|(key, text)| (key.clone(), ValueSpec::text(text.clone()))));
    for (key, spec) in &mut found {
        let mut filled = |text: &str| match fill(text, variables) {
            Ok(filled) => filled,
            Err(problem) => {
                problems.push(format!("{key}: {problem}"));
                String::new()
            }
        };
        spec.source = match &spec.source {
            ValueSource::Text(text) => ValueSource::Text(filled(text)),
            ValueSource::Parameter { name, default } => {
                ValueSource::Parameter { name: filled(name), default: default.as_deref().map(&mut filled) }
            }
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PREFIX: &str = "dev/network/42/distribution-origin";

    fn decide(properties: &Value, file: &str, variables: &[(&str, &str)]) -> Result<WantedStack, Failure> {
        let properties = StackProperties::read("Db", properties)?;
        let file = StackFile::parse("c.yaml", file).expect("a valid file").0;
        let of_init = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        WantedStack::decide(&properties, &file, &properties.variables(&of_init), PREFIX)
    }

    #[test]
    fn actions_case_2_and_3_properties_are_coerced() {
        let refused = decide(&json!({"StackName": "s", "Template": "t", "Parameters": "x"}), "{}", &[]);
        let refused = refused.expect_err("refused");
        assert_eq!(refused.error, "IllegalFormatException");
        assert!(refused.cause.contains("Db") && refused.cause.contains("Parameters"), "{refused}");
        let wanted = decide(&json!({"StackName": "s", "Template": "t", "Parameters": {"P": 5, "Q": true}}), "{}", &[]);
        assert_eq!(wanted.expect("valid").parameters["Q"], ValueSpec::text("true"));
    }

    #[test]
    fn actions_case_21_and_22_variables() {
        let properties = json!({"StackName": "${p}-db", "Template": "t", "Variables": {"p": "b"},
            "Parameters": {"A": "${missing:-dflt}", "B": "$${p}", "C": "${missing}"}});
        let wanted = decide(&properties, "{}", &[("p", "a")]).expect("valid");
        assert_eq!(wanted.target.name.as_str(), "b-db");
        assert_eq!(wanted.parameters["A"], ValueSpec::text("dflt"));
        assert_eq!(wanted.parameters["B"], ValueSpec::text("${p}"));
        assert_eq!(wanted.parameters["C"], ValueSpec::text("${missing}"));
    }

    #[test]
    fn actions_case_27_action_is_deploy_or_delete() {
        let with = |action: Value| decide(&json!({"StackName": "s", "Template": "t", "Action": action}), "{}", &[]);
        let refused = with(json!("delete")).expect_err("refused");
        assert!(refused.cause.contains("`Deploy`") && refused.cause.contains("`Delete`"), "{refused}");
        assert_eq!(with(json!(0)).expect("valid").action, Action::Deploy);
        assert_eq!(with(json!(1)).expect("valid").action, Action::Delete);
    }

    #[test]
    fn projects_case_11_an_empty_template_is_a_configuration_error() {
        let refused = decide(&json!({"StackName": "s", "Template": null}), "{}", &[]).expect_err("refused");
        assert_eq!(refused.error, "StackConfigError");
        assert!(refused.cause.contains("template"), "{refused}");
    }

    #[test]
    fn inline_beats_the_file_and_the_documented_spellings_work() {
        let wanted = decide(
            &json!({"StackName": "inline", "Tags": {"a": "b"}}),
            "stackName: file\ntemplatePath: /t.yaml\nexecutionRole: arn:x\ntags: {a: c, d: e}\nenableTerminationProtection: TRUE\n",
            &[],
        )
        .expect("valid");
        assert_eq!(wanted.target.name.as_str(), "inline");
        assert_eq!(wanted.target.role.as_deref(), Some("arn:x"));
        assert!(wanted.template.is_some());
        assert_eq!(wanted.tags["a"], ValueSpec::text("b"));
        assert_eq!(wanted.termination_protection, Some(true));
    }
}
