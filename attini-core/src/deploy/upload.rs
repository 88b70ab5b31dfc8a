use crate::framework::Failure;
use crate::value::{Environment, ObjectIdentifier, ObjectKey, Timestamp, VersionId};

/// A zip that was put into the origin bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its key: `<environment>/<distribution>/…/<file>.zip`.
    pub key: ObjectKey,
    /// The version that was put, never a newer one.
    pub version: VersionId,
    /// Who put it.
    pub user: String,
    /// When it was put: the deployment's time.
    pub time: Timestamp,
}

impl Upload {
    /// Returns what identifies the deployment.
    #[must_use]
    pub fn object(&self) -> ObjectIdentifier {
        ObjectIdentifier::new(&self.key, &self.version)
    }

    /// Returns the environment: the first segment of the key.
    ///
    /// # Errors
    ///
    /// `InvalidUpload` for a key without `/`, or whose first segment is no environment's name.
    pub fn environment(&self) -> Result<Environment, Failure> {
        let refuse = |why: String| Failure::new("InvalidUpload", format!("the upload `{}` {why}", self.key));
        match self.key.as_str().split_once('/') {
            Some((environment, _)) => {
                Environment::parse(environment).map_err(|error| refuse(format!("names no environment: {error}")))
            }
            None => Err(refuse("needs a key of the form `<environment>/<distribution>/<file>.zip`".to_owned())),
        }
    }

    /// Returns the default name of the distribution: the second-to-last segment of the key.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.key.as_str().rsplit('/').nth(1).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(key: &str) -> Upload {
        Upload {
            key: ObjectKey::new(key),
            version: VersionId::new("v1"),
            user: "me".to_owned(),
            time: Timestamp::from_ms(1),
        }
    }

    #[test]
    fn init_deploy_case_1_and_2_parts_of_the_key() {
        let found = upload("dev/infra/infra.zip");
        assert_eq!(found.environment().expect("valid").as_str(), "dev");
        assert_eq!((found.folder(), found.object().as_str()), ("infra", "dev/infra/infra.zip#v1"));
        assert_eq!(upload("dev/infra/2024-01/app.zip").folder(), "2024-01");
        assert_eq!(upload("x.zip").environment().expect_err("refused").error, "InvalidUpload");
    }
}
