//! `attini-config` as a JSON Schema, for editors and for the reference.
//!
//! The types here say only what a file looks like; what it means, and what is wrong with it, is told by
//! [`Config::parse`](super::Config::parse). A test generates files from each side and shows them to the other.

#![allow(dead_code, reason = "the fields are read by the derive only")]

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

/// Returns the JSON Schema (draft 7, which YAML language servers know) of an `attini-config` file.
///
/// It is stricter than the framework in one point: keys without a meaning are only warned of there, and are errors here.
/// Two annotations are ours: `x-default` says in words what the absence of a key means, `x-rule` where its rule stands.
#[must_use]
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<AttiniConfig>().to_value()
}

/// A text; numbers and booleans keep the spelling that stands in the file.
struct Text;

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// Values by environment; those under `default` count in every environment that does not set its own.
type PerEnvironment<V> = BTreeMap<String, Option<BTreeMap<String, V>>>;

/// Configuration of an Attini distribution.
#[derive(JsonSchema)]
#[schemars(title = "attini-config", rename_all = "camelCase", deny_unknown_fields)]
struct AttiniConfig {
    /// Name of the distribution: letters, digits, `.`, `_` and `-`, at most 128. Variables are not replaced in it.
    #[schemars(extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", "x-rule" = "init-deploy.md 4.2"))]
    #[schemars(extend("x-default" = "required for packaging; the framework takes the name of the uploaded folder"))]
    distribution_name: Option<Text>,
    /// Id of this build, a label without order, often a git commit; becomes a part of object keys. Blank means none.
    #[schemars(extend("pattern" = r##"^[^\[\]#%\\{}`~<>|^ &;?$,+=@/"*\x00-\x1f\x7f]{0,128}$"##))]
    #[schemars(extend("x-rule" = "init-deploy.md 4.2", "x-default" = "a random UUID, made when packaging"))]
    distribution_id: Option<Text>,
    /// Version, best a semantic one: only then can other distributions depend on a range of versions.
    #[schemars(extend("x-rule" = "init-deploy.md 4.2, 9"))]
    version: Option<Text>,
    /// `app` for a distribution that runs the plan of another one; any other word means `platform`.
    #[schemars(extend("default" = "platform", "examples" = ["platform", "app"], "x-rule" = "init-deploy.md 13"))]
    distribution_type: Option<Text>,
    /// Tags of the distribution; they are also set on its init stack.
    #[schemars(extend("x-rule" = "init-deploy.md 4.2, 10"))]
    distribution_tags: Option<BTreeMap<String, Text>>,
    /// Distributions that have to be in the environment first.
    #[schemars(extend("x-rule" = "init-deploy.md 9"))]
    dependencies: Option<Vec<Dependency>>,
    /// Name of the plan that deploys an app distribution, which another distribution owns. Required for `distributionType: app`.
    #[schemars(extend("x-rule" = "init-deploy.md 13"))]
    app_deployment_plan: Option<Text>,
    /// What the plan of an app distribution gets, per environment. `default` is merged with the environment: maps key by
    /// key, lists are appended, anything else is replaced.
    #[schemars(extend("x-rule" = "init-deploy.md 4.6"))]
    app_config: Option<BTreeMap<String, Map<String, Value>>>,
    /// The init stack, which holds the deployment plan. Without it nothing is deployed but the files.
    #[schemars(extend("x-rule" = "init-deploy.md 4.4"))]
    init_deploy_config: Option<InitDeployConfig>,
    /// How the distribution is packaged.
    #[schemars(extend("x-rule" = "cli.md 7"))]
    package: Option<Package>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Dependency {
    /// Name of the other distribution.
    #[schemars(extend("x-rule" = "init-deploy.md 9"))]
    distribution_name: Text,
    /// Range of versions as npm writes them, such as `^1.2.0` or `>=1.0.0 <3.0.0`.
    #[schemars(extend("x-rule" = "init-deploy.md 9", "x-default" = "any version"))]
    version: Option<Text>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct InitDeployConfig {
    /// The init template: its path in the distribution, counted from the root. Packaging checks and translates it when the
    /// path holds no variables.
    #[schemars(extend("default" = super::DEFAULT_TEMPLATE, "x-rule" = "init-deploy.md 4.4"))]
    template: Option<Text>,
    /// Name of the init stack, required for a deployment. Best `${environment}-${distributionName}-deployment-plan`, so that
    /// each environment has its own.
    #[schemars(extend("x-rule" = "init-deploy.md 4.4"))]
    stack_name: Option<Text>,
    /// Whether the init stack is updated even when nothing about it changed.
    #[schemars(extend("default" = false, "x-rule" = "init-deploy.md 4.4"))]
    force_update: Option<Truth>,
    /// Parameters of the init stack, per environment. A list becomes its elements joined by commas, null the template's
    /// own default.
    #[schemars(extend("x-rule" = "init-deploy.md 4.5"))]
    parameters: Option<PerEnvironment<Option<Parameter>>>,
    /// Tags of the init stack, per environment; tags written without an environment count in all of them.
    #[schemars(extend("x-rule" = "init-deploy.md 4.4"))]
    tags: Option<BTreeMap<String, Option<Tags>>>,
    /// Variables for the stack configuration of the plan's steps, per environment.
    #[schemars(extend("x-rule" = "init-deploy.md 4.4, actions.md 5.2"))]
    variables: Option<PerEnvironment<Text>>,
}

struct Truth;

impl JsonSchema for Truth {
    fn schema_name() -> Cow<'static, str> {
        "Truth".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["boolean", "string"] })
    }
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Tags {
    Everywhere(Text),
    Environment(BTreeMap<String, Text>),
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Parameter {
    Text(Text),
    List(Vec<Text>),
    Import(Import),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Import {
    /// Always `Distribution`: the value comes from the output of another distribution.
    #[schemars(extend("enum" = ["Distribution"], "x-rule" = "init-deploy.md 4.5"))]
    source_type: Text,
    /// Which value of which distribution.
    #[schemars(extend("x-rule" = "init-deploy.md 4.5"))]
    source: ImportSource,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct ImportSource {
    /// Name of the distribution; it has to stand in `dependencies`, too.
    #[schemars(extend("x-rule" = "init-deploy.md 4.5"))]
    name: Text,
    /// JSONPath into its output, such as `$.output.Vpc.VpcId`.
    #[schemars(extend("x-rule" = "init-deploy.md 4.5"))]
    mapping: Text,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Package {
    /// What runs before the zip is made, in a copy of the project.
    #[schemars(extend("x-rule" = "cli.md 7.3"))]
    pre_package: Option<Phase>,
    /// What runs after the zip was made, beside it.
    #[schemars(extend("x-rule" = "cli.md 7.3"))]
    post_package: Option<Phase>,
    /// The container for `--container-build`.
    #[schemars(extend("x-rule" = "cli.md 7.4"))]
    container: Option<Container>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Phase {
    /// Shell lines. All of a phase run in one shell, and the first that fails ends it.
    #[schemars(extend("x-rule" = "cli.md 7.3"))]
    commands: Option<Vec<Option<Text>>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Container {
    /// The image; it needs bash. The shell expands variables and `$(…)` in it.
    #[schemars(extend("x-rule" = "cli.md 7.4"))]
    image: Option<Text>,
    /// Shell lines that log in to the image's registry; run with `--container-repository-login`.
    #[schemars(extend("x-rule" = "cli.md 7.4"))]
    login_commands: Option<Vec<Option<Text>>>,
    /// More options for `docker run`.
    #[schemars(extend("x-rule" = "cli.md 7.4"))]
    options: Option<Vec<Option<Text>>>,
}
