//! A plan as an indented list for a terminal.

use unicode_width::UnicodeWidthStr;

use super::flow::joins;
use super::text::{cut_columns, visible};
use super::{Body, Link, LinkKind, PlanGraph, Step, StepClass, Target};

/// How deep conditions may lie in each other before their steps move to a list of their own.
const MAX_NESTED: usize = 12;
/// Columns that are left for text, however deep a step lies.
const MIN_TEXT: usize = 24;

/// How the tree is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeStyle {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether only characters of ASCII may be used for lines and marks.
    pub ascii: bool,
}

/// What a piece of a line is, for colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreePart {
    /// Lines and blanks.
    Line,
    /// The title.
    Title,
    /// The name of a step.
    Name,
    /// Type and facts of a step.
    About,
    /// A step that waits for a person.
    Approval,
    /// A condition, or the name of a branch.
    Condition,
    /// What happens on failures.
    Failure,
    /// Where it goes on.
    Reference,
}

/// Returns the plan as lines of at most `style.width` columns, each ending with a line feed. `paint` gives pieces their color.
#[must_use]
pub fn tree(graph: &PlanGraph, style: TreeStyle, paint: &dyn Fn(TreePart, &str) -> String) -> String {
    let items = Walk::new(&graph.body).items();
    let marks = if style.ascii { &ASCII } else { &UNICODE };
    let mut printer = Printer { style, marks, paint, text: String::new() };
    let title = printer.cut(&visible(&graph.title()), style.width);
    let summary = printer.cut(&graph.summary(), style.width);
    printer.text.push_str(&format!("{}\n{}\n", paint(TreePart::Title, &title), paint(TreePart::About, &summary)));
    printer.items(&items, "");
    printer.text
}

/// The characters of which the tree is made.
struct Marks {
    branch: &'static str,
    last: &'static str,
    down: &'static str,
    leads: &'static str,
    back: &'static str,
    ellipsis: &'static str,
    approval: &'static str,
}

const UNICODE: Marks =
    Marks {
        branch: "├─ ", last: "└─ ", down: "│  ", leads: "→", back: "↩", ellipsis: "…", approval: "✋ "
    };
const ASCII: Marks =
    Marks { branch: "|- ", last: "`- ", down: "|  ", leads: "->", back: "->", ellipsis: "...", approval: "[?] " };

/// A line of the tree and what stands below it.
enum Item<'g> {
    Step(&'g Step, Vec<Item<'g>>),
    /// A condition, a branch, a list of its own.
    Group(TreePart, String, Vec<Item<'g>>),
    /// Where it goes on: what leads there, and whether it leads back.
    Leads {
        part: TreePart,
        when: String,
        to: Option<&'g str>,
        is_back: bool,
    },
}

/// Puts the steps of one body into the order of reading.
struct Walk<'g> {
    body: &'g Body,
    joins: Vec<Option<usize>>,
    /// The links of each step.
    links: Vec<Vec<&'g Link>>,
    is_told: Vec<bool>,
    /// Whether the walk comes from this step.
    is_before: Vec<bool>,
    /// Steps for lists of their own: what leads to them and which they are.
    later: Vec<(String, usize)>,
}

impl<'g> Walk<'g> {
    fn new(body: &'g Body) -> Self {
        let mut links = vec![Vec::new(); body.steps.len()];
        for link in &body.links {
            links[link.from].push(link);
        }
        let (is_told, is_before) = (vec![false; body.steps.len()], vec![false; body.steps.len()]);
        Self { body, joins: joins(body), links, is_told, is_before, later: Vec::new() }
    }

    /// Returns the whole body: the way without failures, then what only failures lead to, then what nothing leads to.
    fn items(mut self) -> Vec<Item<'g>> {
        let mut items = match self.body.start {
            Some(start) => self.sequence(start, &[], 0),
            None => Vec::new(),
        };
        let mut next = 0;
        while let Some((why, step)) = self.later.get(next).cloned() {
            next += 1;
            if !self.is_told[step] {
                let (part, why) = match why.as_str() {
                    "" => (TreePart::Condition, format!("go on with {}", visible(&self.body.steps[step].name))),
                    why => (TreePart::Failure, format!("after a failure of {why}")),
                };
                let below = self.sequence(step, &[], 0);
                items.push(Item::Group(part, why, below));
            }
        }
        for step in 0..self.body.steps.len() {
            if !self.is_told[step] && self.body.steps[step].class != StepClass::Missing {
                let below = self.sequence(step, &[], 0);
                items.push(Item::Group(TreePart::Failure, "never reached".to_owned(), below));
            }
        }
        items
    }

    /// Returns the steps from one on, up to the end or one of `stops`.
    fn sequence(&mut self, from: usize, stops: &[usize], nested: usize) -> Vec<Item<'g>> {
        let mut items = Vec::new();
        let mut passed = Vec::new();
        let mut next = Some(from);
        while let Some(step) = next.take() {
            if stops.last() == Some(&step) {
                break;
            }
            if self.is_told[step] || stops.contains(&step) {
                items.push(self.leads(TreePart::Reference, String::new(), Target::Step(step)));
                break;
            }
            self.is_told[step] = true;
            self.is_before[step] = true;
            passed.push(step);
            let below = self.below(step, stops, nested, &mut next);
            items.push(Item::Step(&self.body.steps[step], below));
        }
        for step in passed {
            self.is_before[step] = false;
        }
        items
    }

    /// Returns what stands below a step, and in `next` the step after it.
    fn below(&mut self, step: usize, stops: &[usize], nested: usize, next: &mut Option<usize>) -> Vec<Item<'g>> {
        let body: &'g Body = self.body;
        let found = &body.steps[step];
        let mut below = Vec::new();
        match found.bodies.as_slice() {
            [only] => below.extend(Walk::new(only).items()),
            many => {
                for inner in many {
                    let items = Walk::new(inner).items();
                    below.push(Item::Group(TreePart::Condition, inner.label.clone(), items));
                }
            }
        }
        let links = self.links[step].clone();
        let is_choice = found.class == StepClass::Choice;
        for link in &links {
            match (link.kind, link.to) {
                (LinkKind::Catch, to) => {
                    below.push(self.leads(TreePart::Failure, link.label(), to));
                    if let Target::Step(to) = to {
                        self.note_later(visible(&found.name), to);
                    }
                }
                (_, Target::Step(to)) if !is_choice => *next = Some(to),
                // The end of the list says it, unless the list goes on elsewhere.
                (_, Target::End) if !is_choice && !stops.is_empty() => {
                    below.push(self.leads(TreePart::Reference, String::new(), Target::End));
                }
                _ => {}
            }
        }
        if is_choice {
            let join = self.joins[step].filter(|join| !self.is_told[*join] && !stops.contains(join));
            let goal = self.joins[step];
            for link in links.iter().filter(|link| link.kind != LinkKind::Catch) {
                below.push(self.way(link, goal, stops, nested));
            }
            // A join that a way told already, or that comes later in a list around this one, is not told again here.
            *next = join.filter(|join| !self.is_told[*join]);
            if let (None, Some(goal)) = (*next, goal)
                && stops.last() == Some(&goal)
            {
                *next = Some(goal);
            }
        }
        below
    }

    /// Returns one way out of a choice.
    fn way(&mut self, link: &Link, join: Option<usize>, stops: &[usize], nested: usize) -> Item<'g> {
        let label = visible(&link.label());
        let to = match link.to {
            Target::Step(to) if Some(to) != join && !self.is_told[to] && !stops.contains(&to) => to,
            to => return self.leads(TreePart::Condition, label, to),
        };
        if nested >= MAX_NESTED {
            self.later.push((String::new(), to));
            return self.leads(TreePart::Condition, label, link.to);
        }
        let inner: Vec<usize> = stops.iter().copied().chain(join).collect();
        Item::Group(TreePart::Condition, label, self.sequence(to, &inner, nested + 1))
    }

    fn leads(&self, part: TreePart, when: String, to: Target) -> Item<'g> {
        match to {
            Target::Step(index) => {
                let name = Some(self.body.steps[index].name.as_str());
                Item::Leads { part, when, to: name, is_back: self.is_before[index] }
            }
            Target::End => Item::Leads { part, when, to: None, is_back: false },
        }
    }

    fn note_later(&mut self, why: String, step: usize) {
        match self.later.iter_mut().find(|(reason, known)| *known == step && !reason.is_empty()) {
            Some((reasons, _)) => reasons.push_str(&format!(", {why}")),
            None => self.later.push((why, step)),
        }
    }
}

struct Printer<'p> {
    style: TreeStyle,
    marks: &'p Marks,
    paint: &'p dyn Fn(TreePart, &str) -> String,
    text: String,
}

impl Printer<'_> {
    fn items(&mut self, items: &[Item<'_>], before: &str) {
        for (index, item) in items.iter().enumerate() {
            let is_last = index + 1 == items.len();
            let lead = format!("{before}{}", if is_last { self.marks.last } else { self.marks.branch });
            let below = format!("{before}{}", if is_last { "   " } else { self.marks.down });
            match item {
                Item::Step(step, inner) => {
                    self.step(&lead, step);
                    self.items(inner, &below);
                }
                Item::Group(part, text, inner) => {
                    self.line(&lead, &[(*part, text.as_str())]);
                    self.items(inner, &below);
                }
                Item::Leads { part, when, to, is_back } => {
                    let to = to.map_or_else(|| "end".to_owned(), visible);
                    let (sign, back) = match is_back {
                        true => (self.marks.back, "back to "),
                        false => (self.marks.leads, ""),
                    };
                    let place = format!("{}{sign} {back}{to}", if when.is_empty() { "" } else { " " });
                    let room = self.room(&lead).saturating_sub(place.width());
                    let when = self.cut(&visible(when), room.max(8));
                    self.line(&lead, &[(*part, &when), (TreePart::Reference, &place)]);
                }
            }
        }
    }

    fn step(&mut self, lead: &str, step: &Step) {
        let room = self.room(lead);
        let mark = if step.waits_for_a_person() { self.marks.approval } else { "" };
        let name = self.cut(&visible(&step.name), (room * 2 / 3).max(MIN_TEXT).saturating_sub(mark.width()));
        let about = if step.summary().is_empty() { String::new() } else { format!("  {}", visible(&step.summary())) };
        let part = match step.class {
            StepClass::Missing | StepClass::Unknown | StepClass::Fail => TreePart::Failure,
            _ if step.waits_for_a_person() => TreePart::Approval,
            _ => TreePart::About,
        };
        self.line(lead, &[(TreePart::Approval, mark), (TreePart::Name, &name), (part, &about)]);
    }

    /// Returns the columns behind the lines on the left.
    fn room(&self, lead: &str) -> usize {
        self.style.width.saturating_sub(lead.width()).max(MIN_TEXT.min(self.style.width))
    }

    /// Writes a line and cuts it where the terminal ends; what lies deeper than the terminal is wide moves to the left.
    fn line(&mut self, lead: &str, pieces: &[(TreePart, &str)]) {
        let mut room = self.room(lead);
        let columns = self.style.width - room;
        let lead = match lead.width().checked_sub(columns) {
            None | Some(0) => lead.to_owned(),
            Some(_) => {
                let kept: Vec<char> = lead.chars().collect();
                let kept = &kept[kept.len() - columns.saturating_sub(self.marks.ellipsis.width()).min(kept.len())..];
                format!("{}{}", self.marks.ellipsis, kept.iter().collect::<String>())
            }
        };
        self.text.push_str(&(self.paint)(TreePart::Line, &lead));
        for (part, text) in pieces {
            let text = self.cut(text, room);
            room -= text.width().min(room);
            if !text.trim().is_empty() {
                self.text.push_str(&(self.paint)(*part, &text));
            }
        }
        while self.text.ends_with(' ') {
            self.text.pop();
        }
        self.text.push('\n');
    }

    fn cut(&self, text: &str, columns: usize) -> String {
        cut_columns(text, columns, self.marks.ellipsis)
    }
}
