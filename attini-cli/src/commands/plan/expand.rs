use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use attini_core::document::{DocPath, Document, NodeKind};
use attini_core::plan::{self, MacroRequest, MacroSettings};
use attini_core::problem::Problem;
use serde_json::{Map, Value, json};

use super::{ACCOUNT, REGION, Refused, expanded};
use crate::context::Context;
use crate::error::CommandError;

/// The id that the response to a template has; requests bring their own.
const REQUEST_ID: &str = "expand";
/// What a settings file can hold.
const SETTINGS: [&str; 3] = ["defaultRole", "defaultRunnerImage", "defaultVpcSubnets"];

/// Run the macro that turns plans and runners into CloudFormation resources
///
/// FILE is a macro request as CloudFormation sends it (JSON with the key `fragment`), or a template (YAML with short tags, or
/// JSON), which is expanded for the account 000000000000 and the region of `--region` or `AWS_REGION`, by default eu-west-1.
/// The response is printed as one JSON document. A refused template exits with 1: the response is then the failure, and what
/// is wrong is explained on stderr.
///
/// A settings file (YAML or JSON) says what the macro finds in the account, all of it optional: `defaultRole`, the ARN of the
/// role of plans that name none (null: there is none; absent: the one of the framework), `defaultRunnerImage`, the image of
/// EC2 runners that name none (null or absent: the one of the framework), and `defaultVpcSubnets`, the list of subnet ids in
/// the default VPC (null: there is no default VPC; absent: `subnet-00000000000000000`).
#[derive(Debug, clap::Args)]
pub(crate) struct ExpandArgs {
    /// A macro request or a template; `-` reads it from stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What the macro finds in the account
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &ExpandArgs) -> Result<(), CommandError> {
    let (name, text) = read(ctx, &args.file)?;
    let given = args.settings.as_deref().map(|file| settings(ctx, file)).transpose()?.unwrap_or_default();
    let uuid = uuid::Uuid::new_v4().to_string();
    let id = json!(REQUEST_ID);
    let failed = |refused: Refused| (plan::failure(&id, &refused.found), refused.problems);
    let (response, problems) = match Document::parse(&name, &text) {
        Err(problems) => failed(Refused::unreadable(problems.0)),
        Ok(document) => {
            let value = document.to_json();
            if value.get("fragment").is_some() {
                let place = MacroRequest::read(&value);
                let settings = given.over(MacroSettings::of_place(&place.region, &place.account_id));
                (plan::macro_response(&value, &settings, &uuid), Vec::new())
            } else {
                let region = ctx.region()?.map_or_else(|| REGION.to_owned(), |region| region.as_str().to_owned());
                let settings = given.over(MacroSettings::of_place(&region, ACCOUNT));
                let outcome = expanded(&document, &request(value, region), &settings, &uuid);
                outcome.map_or_else(failed, |fragment| (plan::success(&id, fragment), Vec::new()))
            }
        }
    };
    writeln!(ctx.ui.out, "{response:#}")?;
    ctx.ui.out.flush()?;
    match response["status"] == "success" {
        true => Ok(()),
        false if problems.is_empty() => Err(CommandError::execution("the request is refused").told()),
        false => {
            for problem in &problems {
                ctx.ui.problem(problem)?;
            }
            Err(CommandError::execution("the template is refused").told())
        }
    }
}

/// Returns the request that CloudFormation would send for a template.
fn request(mut fragment: Value, region: String) -> MacroRequest {
    // CloudFormation takes it out of what it sends.
    if let Some(fragment) = fragment.as_object_mut() {
        fragment.shift_remove("Transform");
    }
    let (account_id, request_id) = (ACCOUNT.to_owned(), json!(REQUEST_ID));
    MacroRequest { region, account_id, request_id, parameter_values: Map::new(), fragment }
}

/// Returns a file's text and the name under which it is parsed.
fn read(ctx: &mut Context<'_>, file: &Path) -> Result<(String, String), CommandError> {
    if file == Path::new("-") {
        let mut text = String::new();
        ctx.ui
            .input
            .read_to_string(&mut text)
            .map_err(|error| CommandError::illegal(error).context("cannot read stdin"))?;
        let is_json = text.trim_start_matches('\u{feff}').trim_start().starts_with('{');
        // YAML in brackets starts alike, but is not valid as JSON.
        let is_json = is_json && Document::parse("stdin.json", &text).is_ok();
        return Ok((if is_json { "stdin.json" } else { "stdin" }.to_owned(), text));
    }
    let text = fs::read_to_string(file)
        .map_err(|error| CommandError::illegal(error).context(format!("cannot read {}", file.display())))?;
    Ok((file.display().to_string(), text))
}

/// What a settings file says; `None` where it says nothing.
#[derive(Debug, Default)]
struct Given {
    role: Option<Option<String>>,
    image: Option<String>,
    subnets: Option<Option<Vec<String>>>,
}

impl Given {
    fn over(self, mut settings: MacroSettings) -> MacroSettings {
        if let Some(role) = self.role {
            settings.default_role = role;
        }
        if let Some(image) = self.image {
            settings.default_runner_image = image;
        }
        if let Some(subnets) = self.subnets {
            settings.default_vpc_subnets = subnets;
        }
        settings
    }
}

fn settings(ctx: &mut Context<'_>, file: &Path) -> Result<Given, CommandError> {
    let (name, text) = read(ctx, file)?;
    let refused = |problems| {
        CommandError::of_problems(crate::error::ErrorKind::IllegalArgument, "the settings cannot be used", problems)
    };
    let document = Document::parse(&name, &text).map_err(refused)?;
    let mut problems = document.duplicate_keys();
    let mut given = Given::default();
    let NodeKind::Map(entries) = &document.root().kind else {
        if matches!(document.root().kind, NodeKind::Null) {
            return Ok(given);
        }
        return Err(refused(attini_core::problem::Problems::one("settings are a map of keys and values")));
    };
    for (key, node) in entries {
        let at = DocPath::root().key(&key.text);
        let mut wrong = |expected: &str| {
            problems.push(Problem::error(format!("`{}` must be {expected}", key.text)).at(document.spot(&at)));
        };
        match (key.text.as_str(), node.to_json()) {
            ("defaultRole", Value::Null) => given.role = Some(None),
            ("defaultRole", Value::String(role)) => given.role = Some(Some(role)),
            ("defaultRole", _) => wrong("an ARN or null"),
            ("defaultRunnerImage", Value::Null) => {}
            ("defaultRunnerImage", Value::String(image)) => given.image = Some(image),
            ("defaultRunnerImage", _) => wrong("the name of an image"),
            ("defaultVpcSubnets", Value::Null) => given.subnets = Some(None),
            ("defaultVpcSubnets", Value::Array(subnets)) => {
                let texts: Option<Vec<String>> = subnets.iter().map(|id| id.as_str().map(ToOwned::to_owned)).collect();
                match texts {
                    Some(texts) => given.subnets = Some(Some(texts)),
                    None => wrong("a list of subnet ids"),
                }
            }
            ("defaultVpcSubnets", _) => wrong("a list of subnet ids or null"),
            // Whoever has more to say to another tool may say it in the same file.
            (other, _) => {
                ctx.ui.warn(&format!("{name}: `{other}` is no setting; there are {}", SETTINGS.join(", ")))?;
            }
        }
    }
    match problems.is_empty() {
        true => Ok(given),
        false => Err(refused(attini_core::problem::Problems(problems))),
    }
}
