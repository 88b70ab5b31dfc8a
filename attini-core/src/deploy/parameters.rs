use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::config::{Explained, Origin};
use crate::document::{DocPath, Document};
use crate::framework::Settings;

/// Parameter that gets a new value in every deployment.
pub(super) const RANDOM_STRING: &str = "AttiniRandomString";

/// Returns the parameters that the framework sets when the template of an init stack declares them, whatever the
/// configuration says (init-deploy.md 10); without `AttiniRandomString`, which differs each time.
#[must_use]
pub fn framework_parameters(
    settings: &Settings,
    environment: &str,
    distribution_name: &str,
    distribution_id: &str,
) -> BTreeMap<String, String> {
    let environment_parameter = settings.environment_parameter.as_str();
    let values = [
        ("AttiniDistributionName", distribution_name),
        ("AttiniDistributionId", distribution_id),
        (environment_parameter, environment),
    ];
    values.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Adds to an explained configuration what the parameters that the init template declares get from elsewhere: from the
/// framework (`own`, see [`framework_parameters`]) or from the template's own defaults.
pub fn explain_parameters(template: &Document, own: &BTreeMap<String, String>, explained: &mut Vec<Explained>) {
    let declared_at = DocPath::root().key("Parameters");
    let to = DocPath::root().key("initDeployConfig").key("parameters");
    let declared = template.get(&declared_at).and_then(|node| node.as_map()).unwrap_or_default();
    let mut seen = BTreeSet::new();
    for (key, node) in declared.iter().filter(|(key, _)| seen.insert(&key.text)) {
        let path = to.key(&key.text);
        let default = declared_at.key(&key.text).key("Default");
        let (value, origin) = match own.get(&key.text) {
            Some(value) => (json!(value), Origin::Framework),
            None if key.text == RANDOM_STRING => (Value::Null, Origin::Framework),
            None if explained.iter().any(|known| known.path == path && !known.value.is_null()) => continue,
            None => match (node.get("Default"), template.spot(&default)) {
                (Some(value), Some(at)) => (value.to_json(), Origin::Template(at)),
                (None, Some(at)) => (Value::Null, Origin::Missing(at)),
                (_, None) => continue,
            },
        };
        explained.retain(|known| known.path != path);
        explained.push(Explained { path, value, origin });
    }
    explained.sort_by(|one, other| one.path.cmp(&other.path));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_from_configuration_framework_and_template() {
        let text = "Parameters:\n  A: {Type: String, Default: a}\n  B: {Type: String}\n  AttiniEnvironmentName: {Type: String}\n  \
                    AttiniRandomString: {Type: String}\n  C: {Type: String, Default: c}\n";
        let template = Document::parse("t.yaml", text).expect("valid");
        let own = framework_parameters(&Settings::default(), "dev", "shop", "7");
        let path = |name: &str| DocPath::root().key("initDeployConfig").key("parameters").key(name);
        let configured = |name: &str| Explained { path: path(name), value: json!("x"), origin: Origin::BuiltIn };
        let mut explained = vec![configured("C"), configured("AttiniEnvironmentName")];
        explain_parameters(&template, &own, &mut explained);
        let found = |name: &str| explained.iter().find(|value| value.path == path(name)).expect("explained");
        assert!(matches!(&found("A").origin, Origin::Template(at) if at.line == 2) && found("A").value == "a");
        assert!(matches!(&found("B").origin, Origin::Missing(at) if at.line == 3));
        assert_eq!((&found("AttiniEnvironmentName").value, &found("C").value), (&json!("dev"), &json!("x")));
        assert_eq!(found("AttiniRandomString").origin, Origin::Framework);
        assert_eq!(explained.len(), 5);
    }
}
