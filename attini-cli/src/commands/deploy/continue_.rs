use super::TargetArgs;
use crate::context::Context;
use crate::error::CommandError;
use crate::world::ApprovalAnswer;
use crate::{records, resolve};

/// Approve or reject a step that waits for a person
#[derive(Debug, clap::Args)]
pub(crate) struct ContinueArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// Name of the step; can be left out when exactly one waits
    #[arg(long, value_name = "STEP", allow_hyphen_values = true)]
    pub step_name: Option<String>,
    /// Text that goes into the output of the step, or into its error
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub message: Option<String>,
    /// Reject the step, which then fails
    #[arg(long)]
    pub abort: bool,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &ContinueArgs) -> Result<(), CommandError> {
    let world = ctx.world()?;
    let ports = world.ports();
    let inventory = ports.inventory.as_ref();
    let environment = resolve::environment(ctx, inventory, args.target.environment.environment.as_deref()).await?;
    let distribution = &args.target.distribution_name;
    let waiting = records::waiting_steps(inventory, &environment.name, distribution).await?;
    let step = choose(args.step_name.as_deref(), &waiting, distribution, &environment.name)?;
    let answer = ApprovalAnswer {
        environment: environment.name,
        distribution: distribution.clone(),
        step,
        abort: args.abort,
        message: args.message.clone(),
    };
    world.answer(&answer).await?;
    let done = if args.abort { "Rejected" } else { "Approved" };
    let (step, environment) = (&answer.step, &answer.environment);
    ctx.ui.message("answered", &format!("{done} step {step} of {distribution} in {environment}"))
}

fn choose(
    wanted: Option<&str>,
    waiting: &[String],
    distribution: &str,
    environment: &str,
) -> Result<String, CommandError> {
    let place = format!("of {distribution} in {environment}");
    match (wanted, waiting) {
        (Some(step), all) if all.iter().any(|found| found == step) => Ok(step.to_owned()),
        (None, [only]) => Ok(only.clone()),
        (_, []) => Err(CommandError::illegal(format!("no step {place} waits for an answer"))),
        (wanted, all) => {
            let text = match wanted {
                Some(step) => format!("step `{step}` {place} does not wait for an answer"),
                None => format!("several steps {place} wait for an answer"),
            };
            Err(CommandError::illegal(text).hint(format!("waiting: `{}`", all.join("`, `"))))
        }
    }
}
