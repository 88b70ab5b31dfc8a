//! `attini configure`: edits of configuration files, used mainly inside package commands (cli.md 15).

use std::path::{Path, PathBuf};

use attini_core::value::{DistributionId, Environment, Version};
use clap::Subcommand;
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::{CommandError, ErrorKind};
use crate::ui::BLUE;
use crate::world::{Edit, EditTarget};

/// Set values in configuration files
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigureArgs {
    #[command(subcommand)]
    pub command: ConfigureCommand,
}

/// The sub-commands of `configure`.
#[derive(Debug, Subcommand)]
#[allow(clippy::enum_variant_names, reason = "the names are those of the commands")]
pub(crate) enum ConfigureCommand {
    SetDistId(SetDistIdArgs),
    SetVersion(SetVersionArgs),
    /// Set a tag of the distribution in the `attini-config` file
    SetDistTag(SetDistTagArgs),
    /// Set a parameter of the init stack in the `attini-config` file
    SetInitDeployParameter(SetInitDeployArgs),
    /// Set a tag of the init stack in the `attini-config` file
    SetInitDeployTag(SetInitDeployArgs),
    /// Set a parameter in the configuration file of a stack
    SetParameter(SetInFileArgs),
    /// Set a tag in the configuration file of a stack
    SetTag(SetInFileArgs),
}

/// Set the distribution id in the `attini-config` file
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["id", "random"])))]
pub(crate) struct SetDistIdArgs {
    /// Directory of the distribution
    #[arg(long, value_name = "DIR", default_value = ".", allow_hyphen_values = true)]
    pub path: PathBuf,
    /// The id
    #[arg(long, allow_hyphen_values = true)]
    pub id: Option<String>,
    /// Take a random UUID
    #[arg(long)]
    pub random: bool,
    /// Replace an id that is set already
    #[arg(long = "override")]
    pub replace: bool,
}

/// Set the version of the distribution in the `attini-config` file
#[derive(Debug, clap::Args)]
pub(crate) struct SetVersionArgs {
    /// Directory of the distribution
    #[arg(long, value_name = "DIR", default_value = ".", allow_hyphen_values = true)]
    pub path: PathBuf,
    /// The version, a semantic one such as `1.4.0`
    #[arg(long, value_name = "VERSION", allow_hyphen_values = true)]
    pub version: String,
    /// Replace a version that is set already
    #[arg(long = "override")]
    pub replace: bool,
}

/// Set a tag of the distribution.
#[derive(Debug, clap::Args)]
pub(crate) struct SetDistTagArgs {
    /// Directory of the distribution
    #[arg(long, value_name = "DIR", default_value = ".", allow_hyphen_values = true)]
    pub path: PathBuf,
    #[command(flatten)]
    pub pair: PairArgs,
}

/// Set a value of the init stack.
#[derive(Debug, clap::Args)]
pub(crate) struct SetInitDeployArgs {
    /// Directory of the distribution
    #[arg(long, value_name = "DIR", default_value = ".", allow_hyphen_values = true)]
    pub path: PathBuf,
    /// Environment that the value is for; `default` is for all
    #[arg(short, long, value_name = "NAME", default_value = "default", allow_hyphen_values = true)]
    pub environment: String,
    #[command(flatten)]
    pub pair: PairArgs,
}

/// Set a value in a file.
#[derive(Debug, clap::Args)]
pub(crate) struct SetInFileArgs {
    /// The file: `.yaml`, `.yml` or `.json`
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub pair: PairArgs,
}

/// Key and value.
#[derive(Debug, clap::Args)]
pub(crate) struct PairArgs {
    /// Key of the value
    #[arg(long, allow_hyphen_values = true)]
    pub key: String,
    /// The value
    #[arg(long, allow_hyphen_values = true)]
    pub value: String,
    /// Replace a value that is set already
    #[arg(long = "override")]
    pub replace: bool,
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &ConfigureArgs) -> Result<(), CommandError> {
    match &args.command {
        ConfigureCommand::SetDistId(args) => set_dist_id(ctx, args),
        ConfigureCommand::SetVersion(args) => set_version(ctx, args),
        ConfigureCommand::SetDistTag(args) => set_dist_tag(ctx, args),
        ConfigureCommand::SetInitDeployParameter(args) => set_init_deploy(ctx, args, "parameters", "parameter"),
        ConfigureCommand::SetInitDeployTag(args) => set_init_deploy(ctx, args, "tags", "tag"),
        ConfigureCommand::SetParameter(args) => set_in_file(ctx, args, "parameters", "parameter"),
        ConfigureCommand::SetTag(args) => set_in_file(ctx, args, "tags", "tag"),
    }
}

fn set_dist_id(ctx: &mut Context<'_>, args: &SetDistIdArgs) -> Result<(), CommandError> {
    let value = args.id.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    DistributionId::parse(&value)?;
    if let Some(id) = fixed_id(ctx, &args.path) {
        let text = format!("DistributionId stays {id}, which `--distribution-id` asks for");
        return tell(ctx, &text, &json!({ "key": "distributionId", "value": id, "changed": false }));
    }
    let text = format!("DistributionId set to: {value}");
    set(ctx, EditTarget::ConfigIn(args.path.clone()), &["distributionId"], &value, args.replace, &text)
}

/// Returns the id that packaging gives this project whatever its commands set (cli.md 7.2).
fn fixed_id(ctx: &Context<'_>, directory: &Path) -> Option<String> {
    let (project, id) = ctx.settings.fixed_id.as_ref()?;
    let is_it = project.canonicalize().ok()? == directory.canonicalize().ok()?;
    is_it.then(|| id.clone())
}

fn set_version(ctx: &mut Context<'_>, args: &SetVersionArgs) -> Result<(), CommandError> {
    let version = &args.version;
    if !Version::new(version).is_some_and(|version| version.is_semantic()) {
        let text = format!("Invalid format for version `{version}`, it is no semantic version such as 1.4.0");
        return Err(CommandError::illegal(text));
    }
    let text = format!("Version set to: {version}");
    set(ctx, EditTarget::ConfigIn(args.path.clone()), &["version"], version, args.replace, &text)
}

fn set_dist_tag(ctx: &mut Context<'_>, args: &SetDistTagArgs) -> Result<(), CommandError> {
    let PairArgs { key, value, replace } = &args.pair;
    let text = format!("Set distribution tag {key}={value} in attini-config");
    set(ctx, EditTarget::ConfigIn(args.path.clone()), &["distributionTags", key], value, *replace, &text)
}

fn set_init_deploy(ctx: &mut Context<'_>, args: &SetInitDeployArgs, map: &str, word: &str) -> Result<(), CommandError> {
    let PairArgs { key, value, replace } = &args.pair;
    let environment = &args.environment;
    // Names with variables are known when the file is deployed.
    if !environment.contains("${") {
        Environment::parse(environment)?;
    }
    let text = format!("Set {word} {key}={value} for environment = {environment} in attini-config");
    let path = ["initDeployConfig", map, environment, key];
    set(ctx, EditTarget::ConfigIn(args.path.clone()), &path, value, *replace, &text)
}

fn set_in_file(ctx: &mut Context<'_>, args: &SetInFileArgs, map: &str, word: &str) -> Result<(), CommandError> {
    let PairArgs { key, value, replace } = &args.pair;
    let known =
        args.file.extension().is_some_and(|extension| ["yml", "yaml", "json"].iter().any(|it| extension == *it));
    if !known {
        let text = format!("{} is neither `.yaml`, `.yml` nor `.json`", args.file.display());
        return Err(CommandError::new(ErrorKind::Config, text));
    }
    let text = format!("Set {word} {key}={value} in {}", args.file.display());
    set(ctx, EditTarget::File(args.file.clone()), &[map, key], value, *replace, &text)
}

fn set(
    ctx: &mut Context<'_>,
    target: EditTarget,
    path: &[&str],
    value: &str,
    replace: bool,
    text: &str,
) -> Result<(), CommandError> {
    let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
    let key = path.join(".");
    let edited = ctx.backends.packager().edit(&Edit { target, path, value: value.to_owned(), replace })?;
    let file = edited.file.display().to_string();
    tell(ctx, text, &json!({ "file": file, "key": key, "value": value, "changed": edited.changed }))
}

fn tell(ctx: &mut Context<'_>, text: &str, result: &Value) -> Result<(), CommandError> {
    let painted = ctx.ui.paint(BLUE, text);
    ctx.ui.line(&painted)?;
    ctx.ui.event((ctx.ui.now)(), "configured", result)
}
