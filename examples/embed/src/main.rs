//! Packages a project, deploys it on this machine with a stack service of our own, and says what came of it.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use attini_core::port::{
    DeclaredParameter, Page, StackDescription, StackError, StackEvent, StackRequest, StackService, StackTarget,
    TemplateLocation,
};
use attini_core::value::Environment;
use attini_local::project::{PackageOptions, package};
use attini_local::world::{LocalWorld, Options};

/// Stacks as they would be, but only under names that begin with `team-`.
#[derive(Debug)]
struct TeamStacks(Arc<dyn StackService>);

#[async_trait]
impl StackService for TeamStacks {
    async fn create(&self, request: &StackRequest) -> Result<String, StackError> {
        let name = &request.target.name;
        if !name.as_str().starts_with("team-") {
            let message = format!("stack {name} is refused: names of stacks begin with `team-`");
            return Err(StackError::Refused { code: "NamingRule".to_owned(), message });
        }
        self.0.create(request).await
    }
    async fn update(&self, request: &StackRequest) -> Result<String, StackError> {
        self.0.update(request).await
    }
    async fn delete(&self, target: &StackTarget, role: Option<&str>, token: &str) -> Result<(), StackError> {
        self.0.delete(target, role, token).await
    }
    async fn find(&self, target: &StackTarget) -> Result<Option<StackDescription>, StackError> {
        self.0.find(target).await
    }
    async fn events(&self, of: &StackTarget, id: Option<&str>, after: Option<&str>) -> EventPage {
        self.0.events(of, id, after).await
    }
    async fn declared_parameters(&self, of: &StackTarget, template: &TemplateLocation) -> Declared {
        self.0.declared_parameters(of, template).await
    }
}
type EventPage = Result<Page<StackEvent>, StackError>;
type Declared = Result<Vec<DeclaredParameter>, StackError>;

#[tokio::main]
#[allow(clippy::print_stdout, reason = "this program talks to a person")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [project, environment, home] = args.as_slice() else { return Err("give PROJECT ENVIRONMENT HOME".into()) };
    let environment = Environment::parse(environment)?;

    let packaged = package(&PackageOptions::new(project.as_ref()), &mut |_| {})?;
    println!("packaged {} {}", packaged.name, packaged.zip.display());

    let world = LocalWorld::open(Options::new(home))?;
    let simulated = world.framework(environment.as_str()).stacks;
    let world = world.with_stacks(Arc::new(TeamStacks(simulated)));
    let deployed = world.deploy(&environment, &packaged.zip).await?;

    if let Some(failure) = deployed.failure() {
        println!("{}: {}", deployed.outcome().as_str(), failure.error);
        println!("{}", failure.cause);
        return Ok(ExitCode::FAILURE);
    }
    for step in &deployed.record.attini_steps {
        let output = deployed.step(&step.name).map(ToString::to_string).unwrap_or_default();
        println!("{} ({}): {output}", step.name, step.kind);
    }
    Ok(ExitCode::SUCCESS)
}
