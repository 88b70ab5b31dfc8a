//! Everything in a picture with its place.

use super::super::{Body, LinkKind, Step, Target};
use super::card::{Card, Label, SMALL};
use super::layers::{Arc, Laid, Pull, lay_out};
use super::{Point, Rect, Route, Size};

/// Blank inside of a frame.
const PADDING: f64 = 16.0;
/// Blank between two frames.
const BETWEEN: f64 = 14.0;
/// Height of the name of a branch.
const CAPTION: f64 = 20.0;
/// How wide branches side by side get before the next row begins.
const ROW: f64 = 1_700.0;
/// Size of the dots for start and end.
const DOT: f64 = 14.0;
/// Frames of a `Map` show a second one behind them, this far off.
pub(super) const BEHIND: f64 = 5.0;

/// A picture without its title. Indices of frames are those into `frames`.
#[derive(Debug, Default)]
pub(super) struct Picture<'g> {
    pub size: Size,
    pub frames: Vec<Frame<'g>>,
    pub cards: Vec<CardAt<'g>>,
    pub dots: Vec<DotAt>,
    pub lines: Vec<LineAt>,
    pub labels: Vec<LabelAt>,
}

/// A box around other things: a step with bodies in it, or one of several bodies.
#[derive(Debug)]
pub(super) struct Frame<'g> {
    pub rect: Rect,
    /// The frame around it.
    #[cfg_attr(not(test), allow(dead_code, reason = "tests check that everything stays in its frame"))]
    pub parent: Option<usize>,
    pub kind: FrameKind<'g>,
}

/// What a frame stands for.
#[derive(Debug)]
pub(super) enum FrameKind<'g> {
    Step(&'g Step, Card),
    Body(&'g Body),
}

/// A step without bodies.
#[derive(Debug)]
pub(super) struct CardAt<'g> {
    pub rect: Rect,
    #[cfg_attr(not(test), allow(dead_code, reason = "tests check that everything stays in its frame"))]
    pub parent: Option<usize>,
    pub step: &'g Step,
    pub card: Card,
}

/// A start or an end.
#[derive(Debug)]
pub(super) struct DotAt {
    pub rect: Rect,
    #[cfg_attr(not(test), allow(dead_code, reason = "tests check that everything stays in its frame"))]
    pub parent: Option<usize>,
    pub is_end: bool,
}

/// A line.
#[derive(Debug)]
pub(super) struct LineAt {
    pub route: Route,
    pub kind: LinkKind,
    /// Where the things are that it joins.
    #[cfg_attr(not(test), allow(dead_code, reason = "tests check the ends"))]
    pub joins: (Rect, Rect),
    #[cfg_attr(not(test), allow(dead_code, reason = "tests check that everything stays in its frame"))]
    pub parent: Option<usize>,
}

/// The label of a line.
#[derive(Debug)]
pub(super) struct LabelAt {
    pub rect: Rect,
    pub label: Label,
    pub full: String,
    pub kind: LinkKind,
    #[cfg_attr(not(test), allow(dead_code, reason = "tests check that everything stays in its frame"))]
    pub parent: Option<usize>,
}

impl<'g> Picture<'g> {
    /// Lays out a plan.
    pub(super) fn of(body: &'g Body) -> Self {
        let sketch = Sketch::of(body, true);
        let mut picture = Self { size: sketch.laid.size, ..Self::default() };
        picture.add(&sketch, Point::default(), None);
        picture
    }

    fn add(&mut self, sketch: &Sketch<'g>, at: Point, parent: Option<usize>) {
        let rects: Vec<Rect> = sketch.laid.boxes.iter().map(|rect| rect.shifted(at)).collect();
        for (thing, rect) in sketch.things.iter().zip(&rects) {
            match thing {
                Thing::Card(step, card) => {
                    self.cards.push(CardAt { rect: *rect, parent, step, card: card.clone() });
                }
                Thing::Dot(is_end) => self.dots.push(DotAt { rect: *rect, parent, is_end: *is_end }),
                Thing::Group(step, card, parts) => {
                    // The box of a map is smaller than its place by what shows behind it.
                    let behind = if step.class == super::super::StepClass::Map { BEHIND } else { 0.0 };
                    let own = Rect { width: rect.width - behind, height: rect.height - behind, ..*rect };
                    self.frames.push(Frame { rect: own, parent, kind: FrameKind::Step(step, card.clone()) });
                    let frame = self.frames.len() - 1;
                    let corner = Point { x: rect.x, y: rect.y };
                    for part in parts {
                        self.part(part, corner, frame);
                    }
                }
            }
        }
        for ((link, route), arc) in sketch.links.iter().zip(&sketch.laid.routes).zip(&sketch.arcs) {
            let mut route = route.clone();
            route.shift(at);
            if let (Some(label), Some(rect)) = (&link.label, route.label) {
                let (label, full) = (label.clone(), link.full.clone());
                self.labels.push(LabelAt { rect, label, full, kind: link.kind, parent });
            }
            self.lines.push(LineAt { route, kind: link.kind, joins: (rects[arc.from], rects[arc.to]), parent });
        }
    }

    fn part(&mut self, part: &Part<'g>, corner: Point, frame: usize) {
        let rect = part.rect.shifted(corner);
        let mut inside = frame;
        if part.is_framed {
            self.frames.push(Frame { rect, parent: Some(frame), kind: FrameKind::Body(part.body) });
            inside = self.frames.len() - 1;
        }
        let at = part.inner.shifted(corner);
        self.add(&part.sketch, at, Some(inside));
    }
}

/// A body that was laid out by itself.
struct Sketch<'g> {
    things: Vec<Thing<'g>>,
    arcs: Vec<Arc>,
    links: Vec<Drawn>,
    laid: Laid,
}

enum Thing<'g> {
    Card(&'g Step, Card),
    Group(&'g Step, Card, Vec<Part<'g>>),
    Dot(bool),
}

/// A body inside of a step.
struct Part<'g> {
    body: &'g Body,
    sketch: Sketch<'g>,
    /// Its frame, from the corner of the step.
    rect: Rect,
    /// Where its things begin, from the same corner.
    inner: Point,
    is_framed: bool,
}

struct Drawn {
    kind: LinkKind,
    label: Option<Label>,
    full: String,
}

impl<'g> Sketch<'g> {
    fn of(body: &'g Body, is_outermost: bool) -> Self {
        let mut things = Vec::new();
        let mut sizes = Vec::new();
        for step in &body.steps {
            let (thing, size) = thing(step);
            things.push(thing);
            sizes.push(size);
        }
        let (mut arcs, mut links) = (Vec::new(), Vec::new());
        let dot = Size { width: DOT, height: DOT };
        let mut root = body.start;
        let is_entered_again = || body.links.iter().any(|link| link.to == body.start.map_or(Target::End, Target::Step));
        if let Some(start) = body.start.filter(|_| is_outermost || is_entered_again()) {
            root = Some(things.len());
            arcs.push(Arc { from: things.len(), to: start, label: None, pull: Pull::Main });
            links.push(Drawn { kind: LinkKind::Next, label: None, full: String::new() });
            things.push(Thing::Dot(false));
            sizes.push(dot);
        }
        let has_end = body.links.iter().any(|link| link.to == Target::End);
        let mut end = None;
        if has_end && (is_outermost || body.ends_in_several_ways()) {
            end = Some(things.len());
            things.push(Thing::Dot(true));
            sizes.push(dot);
        }
        for link in &body.links {
            let to = match link.to {
                Target::Step(index) => Some(index),
                Target::End => end,
            };
            let Some(to) = to else { continue };
            let full = link.label();
            let label = Label::of(&full);
            let pull = match link.kind {
                LinkKind::Next => Pull::Main,
                LinkKind::Condition | LinkKind::Otherwise => Pull::Fork,
                LinkKind::Catch => Pull::Side,
            };
            arcs.push(Arc { from: link.from, to, label: label.as_ref().map(|label| label.size), pull });
            links.push(Drawn { kind: link.kind, label, full });
        }
        let laid = lay_out(&sizes, &arcs, root);
        Self { things, arcs, links, laid }
    }
}

fn thing(step: &Step) -> (Thing<'_>, Size) {
    let card = Card::of(step);
    if step.bodies.iter().all(|body| body.steps.is_empty()) {
        let size = card.size;
        return (Thing::Card(step, card), size);
    }
    let is_framed = step.bodies.len() > 1;
    let filled = step.bodies.iter().filter(|body| !body.steps.is_empty());
    let mut parts: Vec<Part<'_>> = filled.map(|body| part(body, is_framed)).collect();
    // Rows of about the same length, as few as fit.
    let all: f64 = parts.iter().map(|part| part.rect.width + BETWEEN).sum();
    let widest = parts.iter().map(|part| part.rect.width).fold(0.0, f64::max);
    let limit = all / (all / ROW).ceil().max(1.0) + widest / 2.0;
    let (mut x, mut y, mut row, mut width) = (PADDING, card.size.height, 0.0_f64, card.size.width);
    for part in &mut parts {
        let size = part.rect;
        if x > PADDING && x + size.width > limit + PADDING {
            (x, y, row) = (PADDING, y + row + BETWEEN, 0.0);
        }
        part.rect = size.shifted(Point { x, y });
        part.inner = part.inner.shifted(Point { x, y });
        x += size.width + BETWEEN;
        row = row.max(size.height);
        width = width.max(x - BETWEEN + PADDING);
    }
    let behind = if step.class == super::super::StepClass::Map { BEHIND } else { 0.0 };
    // A lone body, or a short last row, stands in the middle.
    let mut rows: Vec<f64> = parts.iter().map(|part| part.rect.y).collect();
    rows.dedup();
    for row in rows {
        let ends = parts.iter().filter(|part| part.rect.y.total_cmp(&row).is_eq()).map(|part| part.rect.right());
        let by = (width - PADDING - ends.fold(0.0, f64::max)) / 2.0;
        let by = Point { x: by.max(0.0), y: 0.0 };
        let height = parts.iter().filter(|part| part.rect.y.total_cmp(&row).is_eq()).map(|part| part.rect.height);
        let height = height.fold(0.0, f64::max);
        for part in parts.iter_mut().filter(|part| part.rect.y.total_cmp(&row).is_eq()) {
            part.rect.height = height;
            part.rect = part.rect.shifted(by);
            part.inner = part.inner.shifted(by);
        }
    }
    let size = Size { width: width + behind, height: y + row + PADDING + behind };
    (Thing::Group(step, card, parts), size)
}

/// Lays out a body inside of a step; its place is found later.
fn part(body: &Body, is_framed: bool) -> Part<'_> {
    let sketch = Sketch::of(body, false);
    let inner = sketch.laid.size;
    let (pad, caption) = if is_framed { (PADDING, CAPTION) } else { (0.0, 4.0) };
    let least = if is_framed { SMALL.width(&body.label) + 2.0 * PADDING } else { 0.0 };
    let width = (inner.width + 2.0 * pad).max(least);
    let rect = Rect { x: 0.0, y: 0.0, width, height: inner.height + caption + pad };
    let inner = Point { x: (width - inner.width) / 2.0, y: caption };
    Part { body, sketch, rect, inner, is_framed }
}
