use crate::framework::Failure;
use crate::port::TemplateLocation;
use crate::value::ObjectKey;

/// Error name of whatever is wrong with a stack's configuration (actions.md 1.6).
pub(super) const CONFIG_ERROR: &str = "StackConfigError";

/// Returns the key of a configuration file (actions.md 5.3). `prefix` is that of the distribution's files.
///
/// # Errors
///
/// `StackConfigError` for a path that does not start with `/`.
pub fn config_file_key(prefix: &str, path: &str) -> Result<ObjectKey, Failure> {
    if path.starts_with('/') {
        Ok(ObjectKey::new(normalized(&format!("{prefix}{path}"))))
    } else {
        let cause = format!(
            "the config file path `{path}` is relative; write `/{path}`, counted from the root of the distribution"
        );
        Err(Failure::new(CONFIG_ERROR, cause))
    }
}

/// Returns where a template is (actions.md 5.9). `prefix` is that of the distribution's files.
///
/// A path in the distribution may start with `/`; `.` and `..` are resolved, too many `..` stop at the root.
///
/// # Errors
///
/// `StackConfigError` for an empty path, an `http://` address, or an `s3://` address without bucket or key.
pub fn template_location(prefix: &str, template: &str) -> Result<TemplateLocation, Failure> {
    let refuse = |cause: String| Err(Failure::new(CONFIG_ERROR, cause));
    if template.trim().is_empty() {
        return refuse("the template path is empty; write the path of a template in the distribution".to_owned());
    }
    if template.starts_with("https://") {
        return Ok(TemplateLocation::Url(template.to_owned()));
    }
    if template.starts_with("http://") {
        return refuse(format!("the template address `{template}` is not encrypted; use https://"));
    }
    if let Some(address) = template.strip_prefix("s3://") {
        return match address.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                Ok(TemplateLocation::S3 { bucket: bucket.to_owned(), key: ObjectKey::new(key) })
            }
            _ => refuse(format!("the template address `{template}` needs the form s3://bucket/key")),
        };
    }
    let slash = if template.starts_with('/') { "" } else { "/" };
    Ok(TemplateLocation::Artifact(ObjectKey::new(normalized(&format!("{prefix}{slash}{template}")))))
}

fn normalized(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: &str = "dev/network/42/distribution-origin";

    #[test]
    fn actions_case_12_and_13_templates() {
        let key = |key: &str| TemplateLocation::Artifact(ObjectKey::new(key));
        for text in ["my/t.yaml", "/my/t.yaml"] {
            assert_eq!(
                template_location(PREFIX, text).expect("valid"),
                key("dev/network/42/distribution-origin/my/t.yaml")
            );
        }
        assert_eq!(template_location(PREFIX, "../t.yaml").expect("valid"), key("dev/network/42/t.yaml"));
        assert_eq!(template_location(PREFIX, "/../../../../../../t.yaml").expect("valid"), key("t.yaml"));
        assert_eq!(template_location(PREFIX, "s3://bkt/a/b.yaml").expect("valid").to_string(), "s3://bkt/a/b.yaml");
        for bad in ["", "http://x/y", "s3://bucket", "s3:///key"] {
            assert_eq!(template_location(PREFIX, bad).expect_err("refused").error, CONFIG_ERROR, "{bad}");
        }
    }

    #[test]
    fn actions_case_14_config_files_start_at_the_root() {
        assert!(config_file_key(PREFIX, "config.yaml").is_err());
        let key = config_file_key(PREFIX, "/a/../config.yaml").expect("valid");
        assert_eq!(key.as_str(), "dev/network/42/distribution-origin/config.yaml");
    }
}
