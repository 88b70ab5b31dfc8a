//! From places to the text of an SVG document.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::text::{Font, visible};
use super::super::{Body, LinkKind, PlanGraph, Step, StepClass};
use super::card::{Card, Role, Shape};
use super::scene::{BEHIND, CardAt, Frame, FrameKind, LabelAt, LineAt, Picture};
use super::style::{icon, meaning, sheet};
use super::{Piece, Point, Rect, Route};

/// Blank around the picture.
const MARGIN: f64 = 28.0;
const TITLE: Font = Font { size: 19.0, bold: true };
const ABOUT: Font = Font { size: 12.0, bold: false };
/// Narrower pages leave no room for title and legend.
const LEAST: f64 = 420.0;
/// Length of an arrow's head and half of its width.
const HEAD: (f64, f64) = (8.0, 4.2);
/// Characters of the description, at most.
const DESCRIPTION: usize = 4_000;

/// Returns the whole document.
pub(super) fn page(graph: &PlanGraph, picture: &Picture<'_>) -> String {
    let inner = picture.size.width.max(LEAST);
    let legend = Legend::of(graph, inner);
    let (titles, _) = TITLE.wrap(&visible(&graph.title()), inner, 2);
    #[allow(clippy::cast_precision_loss, reason = "there are at most two lines")]
    let top = MARGIN + TITLE.size * 1.25 * titles.len() as f64 + 42.0;
    let foot = top + picture.size.height + 30.0;
    let (width, height) = (inner + 2.0 * MARGIN, foot + legend.height + MARGIN * 0.6);
    let mut out = Writer::default();
    out.raw(&format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" \
         aria-labelledby=\"plan-title plan-description\">\n",
        number(width),
        number(height)
    ));
    out.raw(&format!("<title id=\"plan-title\">{}</title>\n", escaped(&graph.title())));
    out.raw(&format!("<desc id=\"plan-description\">{}</desc>\n", escaped(&description(graph))));
    out.raw(&format!("<style>\n{}</style>\n", sheet()));
    out.raw("<rect class=\"page\" width=\"100%\" height=\"100%\" rx=\"10\"/>\n");
    let mut y = MARGIN;
    for title in &titles {
        y += TITLE.size * 1.25;
        out.text("title", MARGIN, y - 6.0, title);
    }
    out.text("about soft", MARGIN, y + 14.0, &ABOUT.wrap(&graph.summary(), inner, 1).0.join(""));
    let left = MARGIN + (inner - picture.size.width) / 2.0;
    out.raw(&format!("<g transform=\"translate({} {})\">\n", number(left), number(top)));
    picture.frames.iter().for_each(|frame| out.frame(frame));
    picture.lines.iter().for_each(|line| out.line(line));
    picture.cards.iter().for_each(|card| out.card(card));
    for dot in &picture.dots {
        let (x, y, radius) = (dot.rect.middle(), dot.rect.y + dot.rect.height / 2.0, dot.rect.width / 2.0);
        let what = if dot.is_end { "end" } else { "start" };
        out.raw(&format!("<g><title>{what}</title>"));
        if dot.is_end {
            let ring = number(radius - 0.8);
            out.raw(&format!(
                "<circle class=\"dot\" cx=\"{}\" cy=\"{}\" r=\"{ring}\" style=\"fill: none; stroke-width: 1.6\"/>",
                number(x),
                number(y)
            ));
        }
        let radius = if dot.is_end { radius - 3.4 } else { radius };
        out.raw(&format!(
            "<circle class=\"dot\" cx=\"{}\" cy=\"{}\" r=\"{}\"/></g>\n",
            number(x),
            number(y),
            number(radius)
        ));
    }
    picture.labels.iter().for_each(|label| out.label(label));
    out.raw("</g>\n");
    out.legend(&legend, foot);
    out.raw("</svg>\n");
    out.0
}

#[derive(Default)]
struct Writer(String);

impl Writer {
    fn raw(&mut self, text: &str) {
        self.0.push_str(text);
    }

    fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        self.raw(&format!(
            "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>\n",
            number(x),
            number(y),
            escaped(text)
        ));
    }

    fn rect(&mut self, class: &str, rect: Rect, radius: f64) {
        let [x, y, width, height, radius] = [rect.x, rect.y, rect.width, rect.height, radius].map(number);
        self.raw(&format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"/>\n"
        ));
    }

    fn frame(&mut self, frame: &Frame<'_>) {
        let rect = frame.rect;
        match &frame.kind {
            FrameKind::Step(step, card) => {
                self.open(step);
                if step.class == StepClass::Map {
                    self.rect("frame", rect.shifted(Point { x: BEHIND, y: BEHIND }), 12.0);
                }
                self.rect("frame", rect, 12.0);
                self.content(step, card, rect);
                self.raw("</g>\n");
            }
            FrameKind::Body(body) => {
                self.raw("<g>");
                self.rect("part", rect, 8.0);
                self.text("small soft", rect.x + 10.0, rect.y + 15.0, &visible(&body.label));
                self.raw("</g>\n");
            }
        }
    }

    fn card(&mut self, it: &CardAt<'_>) {
        self.open(it.step);
        self.outline(it.card.shape, it.rect);
        self.content(it.step, &it.card, it.rect);
        self.raw("</g>\n");
    }

    fn open(&mut self, step: &Step) {
        let full = [Some(step.name.clone()), Some(step.summary()), step.comment.clone()];
        let full = full.into_iter().flatten().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
        let title = full.lines().map(escaped).collect::<Vec<_>>().join("\n");
        self.raw(&format!("<g class=\"{}\"><title>{title}</title>\n", step.class.word()));
    }

    fn outline(&mut self, shape: Shape, rect: Rect) {
        let Rect { x, y, width, height } = rect;
        let (right, bottom) = (rect.right(), rect.bottom());
        let points = match shape {
            Shape::Box => return self.rect("card", rect, 8.0),
            Shape::Pill => return self.rect("card", rect, (height / 2.0).min(24.0)),
            Shape::Hexagon => {
                let (tip, middle) = (16.0_f64.min(width / 4.0), y + height / 2.0);
                vec![
                    (x, middle),
                    (x + tip, y),
                    (right - tip, y),
                    (right, middle),
                    (right - tip, bottom),
                    (x + tip, bottom),
                ]
            }
            Shape::Octagon => {
                let c = 11.0;
                vec![
                    (x + c, y),
                    (right - c, y),
                    (right, y + c),
                    (right, bottom - c),
                    (right - c, bottom),
                    (x + c, bottom),
                    (x, bottom - c),
                    (x, y + c),
                ]
            }
        };
        let points: Vec<String> = points.into_iter().map(|(x, y)| format!("{},{}", number(x), number(y))).collect();
        self.raw(&format!("<polygon class=\"card\" points=\"{}\" stroke-linejoin=\"round\"/>\n", points.join(" ")));
    }

    /// Writes icon and texts of a card with its upper left corner at that of `rect`.
    fn content(&mut self, step: &Step, card: &Card, rect: Rect) {
        let height = if step.bodies.is_empty() { rect.height } else { card.size.height };
        self.icon(step.class, rect.x + card.icon_x, rect.y + height / 2.0, 1.25);
        for line in &card.lines {
            let class = match line.role {
                Role::Name => "name",
                Role::Kind | Role::Fact => "small soft",
                Role::Warning => "small warning",
            };
            self.text(class, rect.x + card.text_x, rect.y + line.y, &line.text);
        }
    }

    /// Draws an icon with its left edge at `x`, its middle at `y`.
    fn icon(&mut self, class: StepClass, x: f64, y: f64, scale: f64) {
        let (x, y, scale) = (number(x), number(y - 8.0 * scale), number(scale));
        self.raw(&format!(
            "<path class=\"icon\" transform=\"translate({x} {y}) scale({scale})\" d=\"{}\"/>\n",
            icon(class)
        ));
    }

    fn line(&mut self, line: &LineAt) {
        let class = if line.kind == LinkKind::Catch { " catch" } else { "" };
        self.raw(&format!("<path class=\"line{class}\" d=\"{}\"/>\n", path(&line.route)));
        if line.route.has_head {
            // Every line ends going down.
            let tip = line.route.pieces.last().map_or(line.route.start, |piece| piece.end());
            let [x, y, up, half] = [tip.x, tip.y, HEAD.0, HEAD.1].map(number);
            self.raw(&format!(
                "<path class=\"head{class}\" d=\"M{x} {y}l-{half} -{up}h{}z\"/>\n",
                number(2.0 * HEAD.1)
            ));
        }
    }

    fn label(&mut self, it: &LabelAt) {
        let class = if it.kind == LinkKind::Catch { " catch" } else { "" };
        self.raw(&format!("<g><title>{}</title>\n", escaped(&it.full)));
        self.rect("chip", it.rect, 6.0);
        let mut y = it.rect.y + 2.5;
        for text in &it.label.lines {
            y += it.label.step;
            let (x, y) = (number(it.rect.middle()), number(y - 3.5));
            let text = escaped(text);
            self.raw(&format!(
                "<text class=\"small soft said{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{text}</text>\n"
            ));
        }
        self.raw("</g>\n");
    }

    fn legend(&mut self, legend: &Legend, top: f64) {
        for (sign, x, y) in &legend.signs {
            let (x, y) = (MARGIN + x, top + y);
            let text = match sign {
                Sign::Step(class) => {
                    self.raw(&format!("<g class=\"{}\">\n", class.word()));
                    let rect = Rect { x, y, width: 26.0, height: 20.0 };
                    let shape = Shape::of(*class);
                    match shape {
                        Shape::Octagon => {
                            let points = [(5, 0), (21, 0), (26, 5), (26, 15), (21, 20), (5, 20), (0, 15), (0, 5)];
                            let points = points
                                .map(|(dx, dy)| format!("{},{}", number(x + f64::from(dx)), number(y + f64::from(dy))));
                            self.raw(&format!("<polygon class=\"card\" points=\"{}\"/>\n", points.join(" ")));
                        }
                        Shape::Box => self.rect("card", rect, 5.0),
                        other => self.outline(other, rect),
                    }
                    self.icon(*class, x + 7.0, y + 10.0, 0.75);
                    self.raw("</g>\n");
                    meaning(*class)
                }
                Sign::Line(kind) => {
                    let class = if *kind == LinkKind::Catch { " catch" } else { "" };
                    let [left, middle, right] = [x, y + 10.0, x + 26.0].map(number);
                    self.raw(&format!("<path class=\"line{class}\" d=\"M{left} {middle}H{right}\"/>\n"));
                    line_meaning(*kind)
                }
            };
            self.text("key soft", x + 33.0, y + 14.0, text);
        }
    }
}

/// What an entry of the legend explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Step(StepClass),
    Line(LinkKind),
}

fn line_meaning(kind: LinkKind) -> &'static str {
    if kind == LinkKind::Catch { "after a failure" } else { "way on" }
}

/// The kinds of steps and lines in a plan with their places.
struct Legend {
    signs: Vec<(Sign, f64, f64)>,
    height: f64,
}

impl Legend {
    fn of(graph: &PlanGraph, width: f64) -> Self {
        let mut classes = BTreeSet::new();
        graph.body.each(&mut |step| {
            classes.insert(step.class);
        });
        let mut signs: Vec<Sign> = classes.into_iter().map(Sign::Step).collect();
        if has_catch(&graph.body) {
            signs.extend([Sign::Line(LinkKind::Next), Sign::Line(LinkKind::Catch)]);
        }
        let (mut x, mut y, mut placed) = (0.0, 0.0, Vec::new());
        for sign in signs {
            let text = match sign {
                Sign::Step(class) => meaning(class),
                Sign::Line(kind) => line_meaning(kind),
            };
            let needed = 33.0 + ABOUT.width(text);
            if x > 0.0 && x + needed > width {
                (x, y) = (0.0, y + 27.0);
            }
            placed.push((sign, x, y));
            x += needed + 20.0;
        }
        Self { signs: placed, height: y + 20.0 }
    }
}

fn has_catch(body: &Body) -> bool {
    let own = body.links.iter().any(|link| link.kind == LinkKind::Catch);
    own || body.steps.iter().flat_map(|step| &step.bodies).any(has_catch)
}

fn path(route: &Route) -> String {
    let point = |point: Point| format!("{} {}", number(point.x), number(point.y));
    let mut path = format!("M{}", point(route.start));
    for (index, piece) in route.pieces.iter().enumerate() {
        // The line ends inside of the arrow's head, so that its end does not show beside the tip.
        let is_last = index + 1 == route.pieces.len() && route.has_head;
        let result = match *piece {
            Piece::Line(to) if is_last => write!(path, "L{}", point(Point { y: to.y - HEAD.0 / 2.0, ..to })),
            Piece::Line(to) => write!(path, "L{}", point(to)),
            Piece::Curve(one, two, to) => write!(path, "C{} {} {}", point(one), point(two), point(to)),
        };
        debug_assert!(result.is_ok(), "writing to a text cannot fail");
    }
    path
}

/// Says in words what is to be seen.
fn description(graph: &PlanGraph) -> String {
    let mut text = format!("A plan of {}.", graph.summary());
    describe(&graph.body, &mut text);
    visible(&super::super::text::cut_columns(&text, DESCRIPTION, "…"))
}

fn describe(body: &Body, text: &mut String) {
    let name = |index: usize| body.steps.get(index).map_or("", |step| step.name.as_str());
    if let Some(start) = body.start {
        text.push_str(&format!(" It begins with {}.", name(start)));
    }
    let mut links: Vec<Vec<String>> = vec![Vec::new(); body.steps.len()];
    for link in &body.links {
        let to = match link.to {
            super::super::Target::Step(index) => name(index).to_owned(),
            super::super::Target::End => "the end".to_owned(),
        };
        let label = link.label();
        let when = if label.is_empty() { String::new() } else { format!(" ({label})") };
        links[link.from].push(format!("{to}{when}"));
    }
    for (step, links) in body.steps.iter().zip(links) {
        // Nobody reads further, and nothing longer is kept.
        if text.len() > 4 * DESCRIPTION {
            return;
        }
        let on = if links.is_empty() { String::new() } else { format!(", then {}", links.join(", or ")) };
        text.push_str(&format!(" {}: {}{on}.", step.name, step.summary()));
        for inner in &step.bodies {
            text.push_str(&format!(" In {} of {}:", inner.label, step.name));
            describe(inner, text);
        }
    }
}

/// Returns a number with at most one digit after the point.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Escapes a text for elements and attributes; what XML cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            c => result.push(c),
        }
    }
    result
}
