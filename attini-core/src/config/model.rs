use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::document::{DocPath, Document, Node};
use crate::problem::Problem;
use crate::value::{DistributionId, DistributionName, StackName, Version};

use super::VersionRange;

/// Template of the init stack when none is named.
pub const DEFAULT_TEMPLATE: &str = "ci-cd/attini-init-deploy.yaml";

/// Values by environment name; those under `default` count in every environment that does not set its own.
pub type PerEnvironment<V> = BTreeMap<String, BTreeMap<String, V>>;

/// An `attini-config` file as written: variables are not replaced yet.
#[derive(Debug, Clone)]
pub struct Config {
    /// Key `distributionName`. The framework falls back to the folder's name, the command line asks for it.
    pub distribution_name: Option<DistributionName>,
    /// Key `distributionId`; blank and null mean none, and packaging makes one up.
    pub distribution_id: Option<DistributionId>,
    /// Key `version`.
    pub version: Option<Version>,
    /// Key `distributionType`.
    pub distribution_type: DistributionType,
    /// Key `appDeploymentPlan`: the plan that deploys an app distribution.
    pub app_deployment_plan: Option<String>,
    /// Key `appConfig`: a map per environment.
    pub app_config: Map<String, Value>,
    /// Key `distributionTags`.
    pub distribution_tags: BTreeMap<String, String>,
    /// Key `dependencies`.
    pub dependencies: Vec<Dependency>,
    /// Key `initDeployConfig`; without it there is no init stack.
    pub init_deploy: Option<InitDeployConfig>,
    /// Key `package`.
    pub package: Package,
    pub(super) document: Document,
}

/// Whether a distribution owns its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DistributionType {
    /// Owns its plan, or has none.
    #[default]
    Platform,
    /// Runs a plan that another distribution owns; written exactly `app`.
    App,
}

/// Another distribution that has to be in the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// The versions that will do; any when absent.
    pub range: Option<String>,
}

/// How the init stack is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitDeployConfig {
    /// Template file, relative to the root without leading `/`.
    pub template: String,
    /// Name of the stack.
    pub stack_name: Option<String>,
    /// Whether the stack is updated even when nothing changed.
    pub force_update: bool,
    /// Stack parameters; `None` leaves the template's own default in place.
    pub parameters: PerEnvironment<Option<ParameterValue>>,
    /// Stack tags.
    pub tags: PerEnvironment<String>,
    /// Stack tags written without an environment: they count in all of them.
    pub tags_everywhere: BTreeMap<String, String>,
    /// Variables for the stack configuration of later steps.
    pub variables: PerEnvironment<String>,
}

/// The value of a stack parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterValue {
    /// A text; the elements of a list are joined by commas.
    Text(String),
    /// A part of another distribution's output.
    Import(Import),
}

/// A value from the output of a dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The dependency's name.
    pub distribution: String,
    /// JSONPath into its output.
    pub mapping: String,
}

/// How the distribution is packaged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Package {
    /// Shell lines before the zip is made.
    pub pre_commands: Vec<String>,
    /// Shell lines afterwards.
    pub post_commands: Vec<String>,
    /// The container for `--container-build`.
    pub container: Option<Container>,
}

/// A container to package in. The shell expands its texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Container {
    /// The image.
    pub image: Option<String>,
    /// Shell lines that log in to its repository.
    pub login_commands: Vec<String>,
    /// More options for the run command.
    pub options: Vec<String>,
}

/// Who a distribution is: what can be told even from a file with other mistakes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Its name, when valid.
    pub name: Option<DistributionName>,
    /// Its id, when valid.
    pub id: Option<DistributionId>,
}

/// What a configuration means in one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedConfig {
    /// The version.
    pub version: Option<Version>,
    /// Tags of the distribution.
    pub distribution_tags: BTreeMap<String, String>,
    /// The distributions that have to be there first.
    pub dependencies: Vec<ResolvedDependency>,
    /// What is deployed.
    pub pipeline: Pipeline,
}

/// A dependency with its variables replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedDependency {
    /// Its name.
    pub name: DistributionName,
    /// The versions that will do; any when absent.
    pub range: Option<VersionRange>,
}

/// What happens after a distribution is published.
#[derive(Debug, Clone, PartialEq)]
pub enum Pipeline {
    /// Nothing.
    None,
    /// A stack is made, which holds the deployment plans.
    InitStack(InitStackConfig),
    /// A plan of another distribution runs.
    App(AppConfig),
}

/// The init stack in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitStackConfig {
    /// Template file, relative to the root without leading `/`.
    pub template: String,
    /// Name of the stack.
    pub stack_name: StackName,
    /// Whether the stack is updated even when nothing changed.
    pub force_update: bool,
    /// Stack parameters.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// Stack tags, without those of the distribution.
    pub tags: BTreeMap<String, String>,
    /// Variables for the stack configuration of later steps.
    pub variables: BTreeMap<String, String>,
}

/// An app in one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct AppConfig {
    /// Name of the plan that deploys it.
    pub plan: String,
    /// The configuration the plan gets; a map.
    pub config: Value,
}

impl Config {
    /// Returns the file.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Returns the file's text with name, id, version and tags in quotes.
    ///
    /// Frameworks that read `distributionId: 0123` as a number then see the text its author wrote (cli.md 6.2). A value
    /// that cannot be quoted without changing others, because of aliases, stays as it is.
    #[must_use]
    pub fn text_with_quotes(&self) -> String {
        let root = DocPath::root();
        let tags = root.key("distributionTags");
        let mut paths = vec![root.key("distributionName"), root.key("distributionId"), root.key("version")];
        paths.extend(self.distribution_tags.keys().map(|key| tags.key(key)));
        let mut document = self.document.clone();
        for path in paths {
            let Some(text) = document.get(&path).and_then(Node::as_text) else { continue };
            let edited = document.set(&path, text);
            if let Ok(edited) = edited.and_then(|text| Document::parse(document.file_name(), &text)) {
                document = edited;
            }
        }
        document.text()
    }

    /// Returns the name, which packaging cannot do without (cli.md 6.2).
    ///
    /// # Errors
    ///
    /// A problem when the file has none.
    pub fn require_name(&self) -> Result<&DistributionName, Problem> {
        self.distribution_name.as_ref().ok_or_else(|| {
            Problem::error("`distributionName` is missing")
                .with_help("add a line such as `distributionName: my-distribution`")
                .at(self.document.spot(&DocPath::root()))
        })
    }
}
