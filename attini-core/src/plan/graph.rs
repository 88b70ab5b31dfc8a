//! A plan as a graph for people: steps, what leads from one to the next, and what runs inside of steps.
//!
//! [`PlanGraph::read`] takes a plan as its author wrote it, in either syntax, also one with mistakes; what the list syntax adds
//! behind the scenes is left out. Each renderer is a function from a graph to a text: [`tree`], [`mermaid`], [`dot`], [`svg`].

mod condition;
mod dot;
mod facts;
mod flow;
mod json;
mod mermaid;
mod read;
mod svg;
mod text;
mod tree;

#[cfg(test)]
mod tests;

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::svg;
pub use tree::{TreePart, TreeStyle, tree};

/// A plan and what it is the plan of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanGraph {
    /// Name of the distribution, if it is known.
    pub distribution: Option<String>,
    /// Name of the plan's resource, if it has one.
    pub plan: Option<String>,
    /// The steps of the plan itself.
    pub body: Body,
}

/// Steps that can lead to each other: a plan, a branch of a `Parallel`, or what a `Map` does for each item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// What to call it: `branch 1`, `each of $.items`; empty for the plan itself.
    pub label: String,
    /// The steps in the author's order, then one for each name that leads nowhere.
    pub steps: Vec<Step>,
    /// What leads where, in the order of the steps and of what stands in them.
    pub links: Vec<Link>,
    /// The first step, an index into `steps`.
    pub start: Option<usize>,
}

/// A step of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Its type as written, known or not.
    pub kind: String,
    /// What sort of thing it does.
    pub class: StepClass,
    /// What else to know of it, the most important first.
    pub facts: Vec<Fact>,
    /// What its author says of it.
    pub comment: Option<String>,
    /// What runs inside of it.
    pub bodies: Vec<Body>,
}

/// What sort of thing a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepClass {
    /// Deploys stacks.
    Stack,
    /// Runs commands on a runner.
    Job,
    /// Waits for a person.
    Approval,
    /// Calls a function or another service.
    Call,
    /// Reads values of something that was deployed before.
    Import,
    /// Joins the payloads of branches.
    Merge,
    /// Decides where to go on.
    Choice,
    /// Runs branches side by side.
    Parallel,
    /// Runs the same steps for each item.
    Map,
    /// Changes the payload.
    Pass,
    /// Waits for a time.
    Wait,
    /// Ends the plan well.
    Succeed,
    /// Ends the plan as failed.
    Fail,
    /// A type that nobody knows.
    Unknown,
    /// No step at all: a name that something leads to and no step has.
    Missing,
}

/// Something to know of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is: `stack`, `runner`, `times out after`.
    pub label: &'static str,
    /// The value.
    pub value: String,
}

/// What leads from a step to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it starts, an index into the steps of the same body.
    pub from: usize,
    /// Where it leads.
    pub to: Target,
    /// When it is taken.
    pub kind: LinkKind,
    /// The conditions or error names of which any leads this way; empty when there is nothing to say.
    pub labels: Vec<String>,
}

/// Where a link leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// To a step of the same body, an index into its steps.
    Step(usize),
    /// To the end of the body.
    End,
}

/// When a link is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// When the step is done.
    Next,
    /// When a condition of a `Choice` holds.
    Condition,
    /// When no condition of a `Choice` holds.
    Otherwise,
    /// When the step fails with one of some errors.
    Catch,
}

impl Link {
    /// Returns the conditions or error names as one text; empty when there are none.
    #[must_use]
    pub fn label(&self) -> String {
        match self.kind {
            LinkKind::Next => String::new(),
            LinkKind::Otherwise => "otherwise".to_owned(),
            LinkKind::Condition => self.labels.join(" or "),
            LinkKind::Catch => format!("on {}", self.labels.join(", ")),
        }
    }
}

impl Step {
    /// Returns the type and everything else to know, as one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let facts = self.facts.iter().map(Fact::text);
        let kind = (!self.kind.is_empty()).then(|| self.kind.clone());
        kind.into_iter().chain(facts).collect::<Vec<_>>().join(", ")
    }
}

impl Fact {
    /// Returns what it is and the value as one text.
    #[must_use]
    pub fn text(&self) -> String {
        if self.value.is_empty() { self.label.to_owned() } else { format!("{} {}", self.label, self.value) }
    }
}

impl Body {
    /// Returns the number of steps at any depth; names that lead nowhere are not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        let own = self.steps.iter().filter(|step| step.class != StepClass::Missing);
        own.map(|step| 1 + step.bodies.iter().map(Self::len).sum::<usize>()).sum()
    }

    /// Says whether there are no steps.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `visit` with every step at any depth, each before those inside of it.
    pub fn each<'g>(&'g self, visit: &mut dyn FnMut(&'g Step)) {
        for step in &self.steps {
            visit(step);
            step.bodies.iter().for_each(|body| body.each(visit));
        }
    }
}

impl PlanGraph {
    /// Returns the names of distribution and plan as one title.
    #[must_use]
    pub fn title(&self) -> String {
        match (&self.distribution, &self.plan) {
            (Some(distribution), Some(plan)) => format!("{distribution}: {plan}"),
            (Some(name), None) | (None, Some(name)) => name.clone(),
            (None, None) => "Plan".to_owned(),
        }
    }

    /// Returns how many steps there are and what a person must know before starting them, as one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let (mut approvals, mut handlers) = (0, 0);
        self.body.each(&mut |step| approvals += usize::from(step.waits_for_a_person()));
        self.body.each(&mut |step| {
            handlers +=
                step.bodies.iter().flat_map(|body| &body.links).filter(|link| link.kind == LinkKind::Catch).count();
        });
        handlers += self.body.links.iter().filter(|link| link.kind == LinkKind::Catch).count();
        let counts = [(self.body.len(), "step"), (approvals, "approval"), (handlers, "caught failure")];
        let counts = counts.into_iter().enumerate().filter(|(index, (count, _))| *index == 0 || *count > 0);
        let texts = counts.map(|(_, (count, word))| format!("{count} {word}{}", if count == 1 { "" } else { "s" }));
        texts.collect::<Vec<_>>().join(", ")
    }
}

impl Step {
    /// Says whether the step, or a part of it, waits until a person answers.
    #[must_use]
    pub fn waits_for_a_person(&self) -> bool {
        self.class == StepClass::Approval || self.facts.iter().any(|fact| fact.label == facts::APPROVES_CHANGES)
    }
}

impl Body {
    /// Says whether a picture of a nested body has to show its end: when more than one way, or a conditional one, leads there.
    pub(super) fn ends_in_several_ways(&self) -> bool {
        let mut ends = self.links.iter().filter(|link| link.to == Target::End);
        let first = ends.next();
        ends.next().is_some() || first.is_some_and(|link| link.kind != LinkKind::Next)
    }
}
