//! What stands on the card of a step, and how large that makes it.

use super::super::text::{Font, visible};
use super::super::{Fact, Step, StepClass};
use super::Size;

/// The name of a step.
pub(super) const NAME: Font = Font { size: 13.0, bold: true };
/// Its type and facts, and labels of lines.
pub(super) const SMALL: Font = Font { size: 11.0, bold: false };
/// The widest line of text on a card.
const TEXT: f64 = 214.0;
/// Blank around everything.
const PADDING: f64 = 11.0;
/// Width of the icon with the blank behind it.
pub(super) const ICON: f64 = 34.0;
/// Facts that are shown, at most.
const FACTS: usize = 3;

/// Outline of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// With round corners.
    Box,
    /// With round ends.
    Pill,
    /// With pointed ends.
    Hexagon,
    /// With cut corners, as a stop sign.
    Octagon,
}

impl Shape {
    /// Returns the outline for a class of steps.
    pub(super) fn of(class: StepClass) -> Self {
        match class {
            StepClass::Choice => Self::Hexagon,
            StepClass::Approval => Self::Octagon,
            StepClass::Pass | StepClass::Wait | StepClass::Succeed | StepClass::Fail | StepClass::Merge => Self::Pill,
            _ => Self::Box,
        }
    }

    /// Returns the width at either end that is no good for text.
    fn inset(self) -> f64 {
        match self {
            Self::Box => 0.0,
            Self::Octagon => 4.0,
            Self::Pill => 6.0,
            Self::Hexagon => 14.0,
        }
    }
}

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub text: String,
    pub font: Font,
    /// Place of its foot, from the upper edge of the card.
    pub y: f64,
    pub role: Role,
}

/// What a line of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Name,
    Kind,
    Fact,
    Warning,
}

/// The texts of a card and the room they need.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Card {
    pub shape: Shape,
    pub size: Size,
    pub lines: Vec<Line>,
    /// Where the icon begins, from the left edge.
    pub icon_x: f64,
    /// Where the texts begin.
    pub text_x: f64,
}

impl Card {
    /// Writes the card of a step.
    pub(super) fn of(step: &Step) -> Self {
        let shape = if step.bodies.is_empty() { Shape::of(step.class) } else { Shape::Box };
        let icon_x = PADDING + shape.inset();
        let mut card = Self { shape, size: Size::default(), lines: Vec::new(), icon_x, text_x: icon_x + ICON };
        let mut y = PADDING - 2.0;
        card.write(&step.name, NAME, Role::Name, 2, &mut y);
        y += 1.0;
        card.write(&step.kind, SMALL, Role::Kind, 1, &mut y);
        for fact in step.facts.iter().take(FACTS) {
            card.write(&fact.text(), SMALL, role(fact), 2, &mut y);
        }
        let text = card.lines.iter().map(|line| line.font.width(&line.text)).fold(40.0, f64::max);
        card.size = Size {
            width: (card.text_x + text + PADDING + 2.0 + shape.inset()).ceil(),
            height: (y + PADDING - 1.0).ceil().max(46.0),
        };
        let spare = card.size.height - (y + PADDING - 1.0);
        card.lines.iter_mut().for_each(|line| line.y += spare / 2.0);
        card
    }

    fn write(&mut self, text: &str, font: Font, role: Role, most: usize, y: &mut f64) {
        for text in font.wrap(&visible(text), TEXT, most).0 {
            *y += font.size * 1.3;
            self.lines.push(Line { text, font, y: *y - font.size * 0.3, role });
        }
    }
}

fn role(fact: &Fact) -> Role {
    let is_warning = fact.label == super::super::facts::APPROVES_CHANGES || fact.label.starts_with("deletes");
    if is_warning { Role::Warning } else { Role::Fact }
}

/// The label of a line: its texts and the room they need.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Label {
    pub lines: Vec<String>,
    pub size: Size,
    /// Height of one line.
    pub step: f64,
}

impl Label {
    /// Returns the label for a text; none for an empty one.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text = visible(text);
        if text.trim().is_empty() {
            return None;
        }
        let (lines, _) = SMALL.wrap(&text, 180.0, 3);
        let width = lines.iter().map(|line| SMALL.width(line)).fold(0.0, f64::max);
        let step = (SMALL.size * 1.3).ceil();
        #[allow(clippy::cast_precision_loss, reason = "there are at most three lines")]
        let height = step * lines.len() as f64 + 5.0;
        Some(Self { lines, size: Size { width: (width + 14.0).ceil(), height }, step })
    }
}
