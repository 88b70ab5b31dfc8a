mod source;

use std::path::{Path, PathBuf};

use attini_core::plan::graph::{PlanGraph, TreePart, TreeStyle, dot, mermaid, svg, tree};
use clap::ValueEnum;
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{BLUE, DIM, GREEN, RED, YELLOW};

/// Columns of the tree where the terminal is narrower or wider, or there is none.
const COLUMNS: (usize, usize) = (40, 110);

/// Draw a plan: as a tree, as a picture, or for another program
///
/// The plan is drawn as it is written, in either syntax, also when something is wrong with it. The picture is an SVG file that
/// needs nothing from outside and has light and dark colors. `--json` prints the graph as data.
#[derive(Debug, clap::Args)]
pub(crate) struct GraphArgs {
    /// Directory or zip of a distribution, a template, or a state machine
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// How to draw it; by default what the name of the output file says, else a tree
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// File to write instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Name of the plan's resource; needed when a template has several
    #[arg(long, value_name = "NAME")]
    pub plan: Option<String>,
    /// Draw without colors
    #[arg(long)]
    pub no_color: bool,
}

/// How a plan is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines for a terminal
    Tree,
    /// A flowchart for Mermaid, which many Markdown pages show
    Mermaid,
    /// A graph for Graphviz
    Dot,
    /// A picture
    Svg,
}

impl Format {
    /// Tells the format from the name of a file.
    fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "svg" => Some(Self::Svg),
            "dot" | "gv" => Some(Self::Dot),
            "mmd" | "mermaid" => Some(Self::Mermaid),
            _ => None,
        }
    }
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &GraphArgs) -> Result<(), CommandError> {
    let graph = source::read(&args.path, args.plan.as_deref())?;
    let of_file = args.output.as_deref().and_then(Format::of_file);
    let format = args.format.or(of_file);
    if let (true, None, None) = (ctx.ui.is_json(), format, &args.output) {
        return ctx.ui.data(&graph.to_json());
    }
    let text = match format.unwrap_or(Format::Tree) {
        Format::Svg => svg(&graph),
        Format::Dot => dot(&graph),
        Format::Mermaid => mermaid(&graph),
        Format::Tree => as_tree(ctx, args, &graph),
    };
    let Some(file) = &args.output else {
        if ctx.ui.is_json() {
            return ctx.ui.data(&json!({ "content": text }));
        }
        ctx.ui.out.write_all(text.as_bytes())?;
        ctx.ui.out.flush()?;
        return Ok(());
    };
    std::fs::write(file, text)
        .map_err(|error| CommandError::execution(error).context(format!("cannot write {}", file.display())))?;
    ctx.ui.message("graphWritten", &format!("Wrote {}", file.display()))
}

fn as_tree(ctx: &Context<'_>, args: &GraphArgs, graph: &PlanGraph) -> String {
    let width = (ctx.ui.width)().clamp(COLUMNS.0, COLUMNS.1);
    let is_plain = args.no_color || args.output.is_some();
    let bold = anstyle::Style::new().bold();
    let paint = |part: TreePart, text: &str| {
        let style = match part {
            _ if is_plain => return text.to_owned(),
            TreePart::Title | TreePart::Name => bold,
            TreePart::Line | TreePart::About => DIM,
            TreePart::Approval => YELLOW,
            TreePart::Condition => BLUE,
            TreePart::Failure => RED,
            TreePart::Reference => GREEN,
        };
        ctx.ui.paint(style, text)
    };
    tree(graph, TreeStyle { width, ascii: ctx.settings.ascii }, &paint)
}
