//! `attini init-project`: starts a project in the current directory from what is built into the program (cli.md 17).

mod templates;

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use attini_core::document::{DocPath, Document};
use attini_core::value::DistributionName;
use clap::Subcommand;
use serde_json::json;

use self::templates::{ALL, Template};
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::GREEN;

/// What every configuration file has in its name.
const CONFIG: &str = "attini-config";
/// Files that a folder may have before it becomes a project; they are left as they are.
const KEPT: [&str; 2] = ["README.md", ".gitignore"];
/// Longer names leave too little room in the names of stacks, which have at most 128 characters.
const NAME_CHARACTERS: usize = 64;

/// Start a project in the current directory
///
/// The files are built into the program, nothing is downloaded. Nothing is overwritten either: where a file is in the way, nothing is
/// written at all. A `README.md` or `.gitignore` that is there stays.
#[derive(Debug, clap::Args)]
pub(crate) struct InitProjectArgs {
    #[command(subcommand)]
    pub command: InitProjectCommand,
}

/// The projects to start with.
#[derive(Debug, Subcommand)]
pub(crate) enum InitProjectCommand {
    #[command(about = templates::HELLO_WORLD.summary)]
    HelloWorld(StartArgs),
    #[command(about = templates::SKELETON.summary)]
    Skeleton(StartArgs),
    #[command(about = templates::SIMPLE_WEBSITE.summary)]
    SimpleWebsite(StartArgs),
    #[command(about = templates::SAM_PROJECT.summary)]
    SamProject(StartArgs),
    #[command(about = templates::CDK_TYPESCRIPT.summary)]
    CdkTypescript(StartArgs),
    #[command(about = templates::CDK_PYTHON.summary)]
    CdkPython(StartArgs),
    /// List the projects to start with
    List,
}

/// How to start.
#[derive(Debug, clap::Args)]
pub(crate) struct StartArgs {
    /// Name of the distribution; on a terminal it is asked for, else it is made of the name of the directory
    #[arg(long, allow_hyphen_values = true)]
    pub name: Option<String>,
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &InitProjectArgs) -> Result<(), CommandError> {
    match &args.command {
        InitProjectCommand::HelloWorld(args) => start(ctx, &templates::HELLO_WORLD, args),
        InitProjectCommand::Skeleton(args) => start(ctx, &templates::SKELETON, args),
        InitProjectCommand::SimpleWebsite(args) => start(ctx, &templates::SIMPLE_WEBSITE, args),
        InitProjectCommand::SamProject(args) => start(ctx, &templates::SAM_PROJECT, args),
        InitProjectCommand::CdkTypescript(args) => start(ctx, &templates::CDK_TYPESCRIPT, args),
        InitProjectCommand::CdkPython(args) => start(ctx, &templates::CDK_PYTHON, args),
        InitProjectCommand::List => {
            let list: Vec<_> = ALL.iter().map(|it| json!({ "name": it.name, "description": it.summary })).collect();
            ctx.ui.data(&json!(list))
        }
    }
}

fn start(ctx: &mut Context<'_>, template: &Template, args: &StartArgs) -> Result<(), CommandError> {
    let folder = std::env::current_dir()
        .map_err(|error| CommandError::execution(error).context("cannot find the current directory"))?;
    let files = plan(&folder, template)?;
    let name = match &args.name {
        Some(name) => usable_name(name)?,
        None => ask_name(ctx, &folder, template)?,
    };
    write_all(&folder, &files, &name)?;
    for kept in KEPT.iter().filter(|kept| !files.iter().any(|file| file.path == **kept)) {
        ctx.ui.message("kept", &format!("{kept} was there already and stays as it is"))?;
    }
    let text = format!("Successfully initialized {} project", template.name);
    let painted = ctx.ui.paint(GREEN, &text);
    ctx.ui.line(&painted)?;
    let data = json!({
        "template": template.name, "distributionName": name.as_str(),
        "files": files.iter().map(|file| file.path).collect::<Vec<_>>(),
    });
    ctx.ui.event((ctx.ui.now)(), "initialized", &data)?;
    ctx.ui.line(&format!("The distribution is called {name}; README.md says how to go on"))
}

/// A file to write.
struct NewFile {
    path: &'static str,
    content: &'static str,
}

/// Returns the files to write, or refuses when one is in the way.
fn plan(folder: &Path, template: &Template) -> Result<Vec<NewFile>, CommandError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries =
        entries.map_err(|error| CommandError::execution(error).context(format!("cannot read {}", folder.display())))?;
    let mut names: Vec<_> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    if let Some(config) = names.iter().find(|name| name.contains(CONFIG)) {
        let text = format!("{} is a project already: there is {config}", folder.display());
        return Err(CommandError::execution(text).hint("start the new project in an empty directory"));
    }
    let files = template.files.iter().map(|(path, content)| NewFile { path: Template::target(path), content });
    // A link to nothing is in the way as well.
    let is_there = |path: &str| folder.join(path).symlink_metadata().is_ok();
    let files: Vec<_> = files.filter(|file| !(KEPT.contains(&file.path) && is_there(file.path))).collect();
    let in_the_way: Vec<_> = files.iter().map(|file| file.path).filter(|path| is_there(path)).collect();
    if in_the_way.is_empty() {
        return Ok(files);
    }
    let text = format!("nothing is written, because this is there already: {}", in_the_way.join(", "));
    Err(CommandError::execution(text).hint("start the new project in an empty directory"))
}

fn ask_name(ctx: &mut Context<'_>, folder: &Path, template: &Template) -> Result<DistributionName, CommandError> {
    let proposal = name_of_folder(folder).unwrap_or_else(|| template.name.to_owned());
    match ctx.ui.ask(&format!("Name of the distribution [{proposal}]:"))? {
        Some(answer) if !answer.is_empty() => usable_name(&answer),
        _ => usable_name(&proposal),
    }
}

/// Takes a name that also fits into the names of the project's stacks, which are made of it.
fn usable_name(text: &str) -> Result<DistributionName, CommandError> {
    let name = DistributionName::parse(text)?;
    let fits = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && text.len() <= NAME_CHARACTERS;
    if fits {
        return Ok(name);
    }
    Err(CommandError::illegal(format!(
        "`{text}` cannot be the name here, because the project's stacks are called after it: a name has letters, digits \
         and `-`, at most {NAME_CHARACTERS} of them"
    )))
}

/// Makes the name of a folder valid; `None` when nothing of it is.
fn name_of_folder(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_str()?;
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let name: String = parts.collect::<Vec<_>>().join("-").chars().take(NAME_CHARACTERS).collect();
    let name = name.trim_end_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

/// Writes all files, or none: what was written before a failure is removed again.
fn write_all(folder: &Path, files: &[NewFile], name: &DistributionName) -> Result<(), CommandError> {
    let mut made = Made::default();
    for file in files {
        let content = match file.path.starts_with(CONFIG) {
            true => with_name(file, name)?,
            false => file.content.to_owned(),
        };
        if let Err(error) = made.write(folder, file.path, &content) {
            made.undo();
            let text = format!("cannot write {}, nothing was left behind", folder.join(file.path).display());
            return Err(CommandError::execution(error).context(text));
        }
    }
    Ok(())
}

fn with_name(file: &NewFile, name: &DistributionName) -> Result<String, CommandError> {
    let document = Document::parse(file.path, file.content).map_err(CommandError::config)?;
    document.set(&DocPath::root().key("distributionName"), name.as_str()).map_err(CommandError::config)
}

/// What was made so far, in order.
#[derive(Default)]
struct Made {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Made {
    fn write(&mut self, folder: &Path, path: &str, content: &str) -> io::Result<()> {
        for (end, _) in path.match_indices('/') {
            let folder = folder.join(&path[..end]);
            match fs::create_dir(&folder) {
                Ok(()) => self.folders.push(folder),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                Err(error) => return Err(error),
            }
        }
        let path = folder.join(path);
        // Never through or over something that appeared meanwhile.
        let mut file = File::create_new(&path)?;
        self.files.push(path);
        file.write_all(content.as_bytes())?;
        if content.starts_with("#!") {
            file.set_permissions(Permissions::from_mode(0o755))?;
        }
        Ok(())
    }

    fn undo(self) {
        // The failure that led here is the one to report.
        self.files.iter().for_each(|file| drop(fs::remove_file(file)));
        self.folders.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_become_valid() {
        for (folder, name) in [
            ("/x/shop", Some("shop")),
            ("/x/My shop_v2.1", Some("My-shop-v2-1")),
            ("/x/--a--", Some("a")),
            ("/x/…", None),
            ("/", None),
        ] {
            assert_eq!(name_of_folder(Path::new(folder)).as_deref(), name, "{folder}");
        }
        let long = name_of_folder(Path::new(&format!("/{}-b", "a".repeat(63)))).expect("there is one");
        assert_eq!(long, "a".repeat(63));
        assert!(usable_name(&long).is_ok());
    }

    #[test]
    fn names_that_no_stack_can_have_are_refused() {
        for name in ["my_app", "v1.2", "-a", "", &"a".repeat(65)] {
            assert!(usable_name(name).is_err(), "{name}");
        }
    }
}
