use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use attini_core::config::{Config, Origin, Pipeline};
use attini_core::deploy::{explain_parameters, framework_parameters};
use attini_core::distribution::{Archive, Limits};
use attini_core::document::{Document, MAX_BYTES, Segment};
use attini_core::framework::Settings;
use attini_core::plan::{self, MacroRequest, MacroSettings};
use attini_core::problem::Problem;
use attini_core::value::{DistributionId, Environment};
use attini_local::project::find_config;
use serde_json::Value;

use super::{ACCOUNT, REGION, expanded};
use crate::commands::config::{NO_ID, project};
use crate::context::Context;
use crate::error::{CommandError, ErrorKind};

/// Stands in for the random text that makes every deployment register its plan anew, so that equal templates render alike.
const NO_UUID: &str = "00000000-0000-0000-0000-000000000000";

/// Show what the template of a distribution becomes in an environment
///
/// Plans and runners are expanded as the framework does it, and parameters of the configuration, of the framework and of the
/// template are replaced by the values they have in the environment; the account is 000000000000, the region that of
/// `--region` or `AWS_REGION`, by default eu-west-1. What is only known in an account stays a function, secrets (`NoEcho`)
/// stay references. Conditions are not evaluated. With a template, the parameters have the template's own defaults.
#[derive(Debug, clap::Args)]
pub(crate) struct RenderArgs {
    /// Directory, zip or `attini-config` file of a distribution, or a template
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// The environment; it need not exist
    #[arg(short, long, value_name = "NAME", default_value = "dev", allow_hyphen_values = true)]
    pub environment: String,
    /// Print only the state machine of the plan, as one JSON document in the States Language
    #[arg(long)]
    pub asl: bool,
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &RenderArgs) -> Result<(), CommandError> {
    let environment = Environment::parse(&args.environment)?;
    let region = ctx.region()?.map_or_else(|| REGION.to_owned(), |region| region.as_str().to_owned());
    let found = Found::read(&args.path, &environment)?;
    for missing in &found.missing {
        ctx.ui.problem(missing)?;
    }
    let template = found.template.to_json();
    let mut known = plan::known_place(&region, ACCOUNT, found.stack_name.as_deref());
    known.extend(plan::known_parameters(&template, &found.values));
    let mut fragment = template.clone();
    leave_other_transforms(&mut fragment);
    let request = MacroRequest {
        region: region.clone(),
        account_id: ACCOUNT.to_owned(),
        request_id: Value::Null,
        parameter_values: found.values.into_iter().map(|(name, value)| (name, Value::String(value))).collect(),
        fragment,
    };
    let expanded = expanded(&found.template, &request, &MacroSettings::of_place(&region, ACCOUNT), NO_UUID);
    let mut result = expanded.map_err(|refused| {
        let problems = attini_core::problem::Problems(refused.problems);
        CommandError::of_problems(ErrorKind::Execution, "the template is refused", problems)
    })?;
    plan::resolve_template(&mut result, &known);
    if !args.asl {
        return ctx.ui.data(&result);
    }
    let machine = plan::plan_machine(&template, &result).ok_or_else(|| {
        CommandError::execution(format!("{} holds no plan", found.template.file_name()))
            .hint("a plan is a resource of type Attini::Deploy::DeploymentPlan")
    })?;
    writeln!(ctx.ui.out, "{machine:#}")?;
    ctx.ui.out.flush()?;
    Ok(())
}

/// The macro's own name goes, as in CloudFormation; the SAM transform comes after it.
fn leave_other_transforms(fragment: &mut Value) {
    let Some(root) = fragment.as_object_mut() else { return };
    let ours =
        |name: &Value| name == "AttiniDeploymentPlan" || name.get("Name").is_some_and(|n| n == "AttiniDeploymentPlan");
    match root.get_mut("Transform") {
        Some(Value::Array(names)) => names.retain(|name| !ours(name)),
        Some(name) if ours(name) => {}
        _ => return,
    }
    if root.get("Transform").is_some_and(|left| ours(left) || left.as_array().is_some_and(Vec::is_empty)) {
        root.shift_remove("Transform");
    }
}

/// A template and what its parameters are.
struct Found {
    template: Document,
    stack_name: Option<String>,
    values: BTreeMap<String, String>,
    /// Parameters without a value.
    missing: Vec<Problem>,
}

impl Found {
    fn read(path: &Path, environment: &Environment) -> Result<Self, CommandError> {
        let is_zip = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
        if path.is_file() && is_zip {
            let broken = |error| CommandError::illegal(error).context(format!("cannot read {}", path.display()));
            let file = File::open(path)
                .map_err(|error| CommandError::illegal(error).context(format!("cannot read {}", path.display())))?;
            let mut archive = Archive::open(file, &Limits::default()).map_err(broken)?;
            let config = archive.find_config().map_err(broken)?;
            let mut read = |entry: &str| {
                let bytes = archive.read(entry, MAX_BYTES as u64).map_err(broken)?;
                String::from_utf8(bytes).map_err(|_| not_text(entry))
            };
            let text = read(config)?;
            return Self::of_distribution(config, &text, environment, &mut read);
        }
        match project(path) {
            Ok(root) => {
                let config = find_config(&root)?;
                let text = text_of(&config)?;
                let name = config.file_name().unwrap_or_default().to_string_lossy();
                Self::of_distribution(&name, &text, environment, &mut |entry| text_of(&root.join(entry)))
            }
            Err(_) if path.is_file() => {
                let name = path.display().to_string();
                let template = parse(&name, &text_of(path)?)?;
                let mut own = framework_parameters(&Settings::default(), environment.as_str(), "", "");
                own.retain(|_, value| !value.is_empty());
                Ok(Self::of_template(template, None, &own, Vec::new()))
            }
            Err(_) => {
                let text = format!("{} is neither a directory nor a zip nor a template", path.display());
                Err(CommandError::illegal(text).hint("name the directory of a distribution"))
            }
        }
    }

    fn of_distribution(
        file: &str,
        text: &str,
        environment: &Environment,
        read: &mut dyn FnMut(&str) -> Result<String, CommandError>,
    ) -> Result<Self, CommandError> {
        let (config, _) = Config::parse(file, text).map_err(CommandError::config)?;
        let name = config.require_name().map_err(|problem| CommandError::config(problem.into()))?;
        let no_id = DistributionId::parse(NO_ID)?;
        let id = config.distribution_id.as_ref().unwrap_or(&no_id);
        let (resolved, explained) = config.explain(environment, name, id).map_err(CommandError::config)?;
        let Pipeline::InitStack(stack) = resolved.pipeline else {
            return Err(CommandError::execution(format!("{name} has no init template, so there is nothing to show"))
                .hint("only distributions with `initDeployConfig` have plans"));
        };
        let template = parse(&stack.template, &read(&stack.template)?)?;
        let own = framework_parameters(&Settings::default(), environment.as_str(), name.as_str(), id.as_str());
        Ok(Self::of_template(template, Some(stack.stack_name.to_string()), &own, explained))
    }

    fn of_template(
        template: Document,
        stack_name: Option<String>,
        own: &BTreeMap<String, String>,
        mut explained: Vec<attini_core::config::Explained>,
    ) -> Self {
        explain_parameters(&template, own, &mut explained);
        let (mut values, mut missing) = (BTreeMap::new(), Vec::new());
        for value in explained {
            let [Segment::Key(group), Segment::Key(section), Segment::Key(name)] = value.path.segments() else {
                continue;
            };
            if group != "initDeployConfig" || section != "parameters" {
                continue;
            }
            match (&value.value, value.origin) {
                (_, Origin::Missing(at)) => {
                    let text = format!("the parameter {name} has neither a value nor a default");
                    missing.push(Problem::warning(text).at(Some(at)));
                }
                (Value::Null, _) => {}
                (Value::String(text), _) => {
                    values.insert(name.clone(), text.clone());
                }
                (other, _) => {
                    values.insert(name.clone(), other.to_string());
                }
            }
        }
        Self { template, stack_name, values, missing }
    }
}

fn parse(name: &str, text: &str) -> Result<Document, CommandError> {
    Document::parse(name, text)
        .map_err(|problems| CommandError::of_problems(ErrorKind::Execution, "the template cannot be read", problems))
}

fn text_of(path: &Path) -> Result<String, CommandError> {
    fs::read_to_string(path)
        .map_err(|error| CommandError::illegal(error).context(format!("cannot read {}", path.display())))
}

fn not_text(entry: &str) -> CommandError {
    CommandError::illegal(format!("{entry} is not a text file in UTF-8"))
}
