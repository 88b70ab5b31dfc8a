//! A plan as a picture: SVG with its own layout, without scripts, fonts or anything else from outside.
//!
//! Sizes are pixels. Bodies are laid out from the inside to the outside: each is a layered graph ([`layers`]) of cards, and a step
//! with bodies inside is a card that is as large as these. Curves run only between layers, where there are no cards.

mod card;
mod draw;
mod layers;
mod order;
mod place;
mod route;
mod scene;
mod style;

#[cfg(test)]
mod tests;

use scene::Picture;

use super::PlanGraph;

/// Returns the plan as an SVG document.
///
/// It follows the reader's choice of light or dark colors and tells kinds of steps apart by shape and icon as well as by color.
/// Texts that are cut stand in full in the `title` of their group.
#[must_use]
pub fn svg(graph: &PlanGraph) -> String {
    draw::page(graph, &Picture::of(&graph.body))
}

/// A place.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Point {
    pub x: f64,
    pub y: f64,
}

/// How large something is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Size {
    pub width: f64,
    pub height: f64,
}

/// A place and a size.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Rect {
    fn around(center: Point, size: Size) -> Self {
        let (x, y) = (center.x - size.width / 2.0, center.y - size.height / 2.0);
        Self { x, y, width: size.width, height: size.height }
    }

    fn shifted(self, by: Point) -> Self {
        Self { x: self.x + by.x, y: self.y + by.y, ..self }
    }

    fn right(self) -> f64 {
        self.x + self.width
    }

    fn bottom(self) -> f64 {
        self.y + self.height
    }

    fn middle(self) -> f64 {
        self.x + self.width / 2.0
    }
}

impl Point {
    fn shifted(self, by: Point) -> Self {
        Self { x: self.x + by.x, y: self.y + by.y }
    }
}

/// A part of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Piece {
    /// Straight to a point.
    Line(Point),
    /// A cubic curve over two control points to the third.
    Curve(Point, Point, Point),
}

/// A line from one card to another.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Route {
    pub start: Point,
    pub pieces: Vec<Piece>,
    /// Whether it ends at its goal; else it joins another line that leads there.
    pub has_head: bool,
    /// Where its label is.
    pub label: Option<Rect>,
}

impl Piece {
    fn end(self) -> Point {
        match self {
            Self::Line(to) | Self::Curve(_, _, to) => to,
        }
    }
}
