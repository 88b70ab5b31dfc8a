//! What holds for the picture of every plan.

use proptest::prelude::*;
use serde_json::Value;

use super::card::Card;
use super::scene::FrameKind;
use super::*;
use crate::plan::graph::tests::{EXAMPLES, any_plan, graph_of};
use crate::plan::graph::{Body, PlanGraph};

/// Pixels by which sums of many numbers may be off.
const SLACK: f64 = 0.01;

fn overlap(one: Rect, other: Rect) -> bool {
    one.x + SLACK < other.right()
        && other.x + SLACK < one.right()
        && one.y + SLACK < other.bottom()
        && other.y + SLACK < one.bottom()
}

fn holds(outer: Rect, inner: Rect) -> bool {
    outer.x <= inner.x + SLACK
        && outer.y <= inner.y + SLACK
        && inner.right() <= outer.right() + SLACK
        && inner.bottom() <= outer.bottom() + SLACK
}

fn is_inside(rect: Rect, point: Point) -> bool {
    rect.x + SLACK < point.x
        && point.x + SLACK < rect.right()
        && rect.y + SLACK < point.y
        && point.y + SLACK < rect.bottom()
}

/// Returns points along a line, close enough to each other that none of its bends is missed.
fn points(route: &Route) -> Vec<Point> {
    let mut points = vec![route.start];
    let mut at = route.start;
    for piece in &route.pieces {
        let (one, two, to) = match *piece {
            Piece::Line(to) => (at, to, to),
            Piece::Curve(one, two, to) => (one, two, to),
        };
        for step in 1..=24 {
            let t = f64::from(step) / 24.0;
            let of = |a: f64, b: f64, c: f64, d: f64| {
                let u = 1.0 - t;
                u * u * u * a + 3.0 * u * u * t * b + 3.0 * u * t * t * c + t * t * t * d
            };
            points.push(Point { x: of(at.x, one.x, two.x, to.x), y: of(at.y, one.y, two.y, to.y) });
        }
        at = to;
    }
    points
}

/// Finds everything that is wrong with the picture of a body.
fn faults(body: &Body) -> Vec<String> {
    let picture = Picture::of(body);
    let mut faults = Vec::new();
    let page = Rect { x: 0.0, y: 0.0, width: picture.size.width, height: picture.size.height };
    let outer = |parent: Option<usize>| parent.map_or(page, |index| picture.frames[index].rect);
    // Things in the same frame must not touch; those in different frames are apart because the frames are.
    let mut things: Vec<(Option<usize>, Rect, String)> = Vec::new();
    things.extend(picture.cards.iter().map(|card| (card.parent, card.rect, card.step.name.clone())));
    things.extend(picture.dots.iter().map(|dot| (dot.parent, dot.rect, format!("dot, end {}", dot.is_end))));
    for frame in &picture.frames {
        let name = match &frame.kind {
            FrameKind::Step(step, _) => step.name.clone(),
            FrameKind::Body(body) => body.label.clone(),
        };
        things.push((frame.parent, frame.rect, name));
    }
    let labels = picture.labels.iter().map(|label| (label.parent, label.rect, format!("label {}", label.full)));
    let all: Vec<_> = things.iter().cloned().chain(labels).collect();
    for (index, (parent, rect, name)) in all.iter().enumerate() {
        if !holds(outer(*parent), *rect) {
            faults.push(format!("{name} leaves its frame: {rect:?} in {:?}", outer(*parent)));
        }
        let others = all[..index].iter().filter(|(other, _, _)| other == parent);
        faults.extend(
            others
                .filter(|(_, other, _)| overlap(*rect, *other))
                .map(|(_, _, other)| format!("{name} overlaps {other}")),
        );
    }
    for (index, line) in picture.lines.iter().enumerate() {
        let points = points(&line.route);
        let (from, to) = line.joins;
        let (first, last) = (points[0], points[points.len() - 1]);
        let touches = |point: Point, y: f64, rect: Rect| {
            (point.y - y).abs() < SLACK && rect.x - SLACK <= point.x && point.x <= rect.right() + SLACK
        };
        if !touches(first, from.bottom(), from) {
            faults.push(format!("line {index} starts at {first:?}, not below {from:?}"));
        }
        if line.route.has_head && !touches(last, to.y, to) {
            faults.push(format!("line {index} ends at {last:?}, not above {to:?}"));
        }
        if !line.route.has_head {
            // On a straight piece, or where two pieces meet, which is all that is left of a line in a layer without height.
            let near = |other: &Route| {
                let mut at = other.start;
                other.pieces.iter().any(|piece| {
                    let (from, to) = (std::mem::replace(&mut at, piece.end()), piece.end());
                    let is_beside = |point: Point| (point.x - last.x).abs() < 0.5;
                    let is_between = last.y >= from.y.min(to.y) - SLACK && last.y <= from.y.max(to.y) + SLACK;
                    let meets = is_beside(to) && (to.y - last.y).abs() < SLACK;
                    meets || (is_beside(from) && is_beside(to) && is_between)
                })
            };
            let others = picture
                .lines
                .iter()
                .enumerate()
                .filter(|(other, found)| *other != index && found.parent == line.parent);
            if !others.map(|(_, found)| &found.route).any(near) {
                faults.push(format!("line {index} ends in the middle of nowhere: {last:?}"));
            }
        }
        for point in &points {
            if !holds(outer(line.parent), Rect { x: point.x, y: point.y, ..Rect::default() }) {
                faults.push(format!("line {index} leaves its frame at {point:?}"));
                break;
            }
            let hit = things.iter().find(|(parent, rect, _)| *parent == line.parent && is_inside(*rect, *point));
            if let Some((_, _, name)) = hit {
                faults.push(format!("line {index} runs through {name} at {point:?}"));
                break;
            }
        }
        // A line may cross no label but its own.
        for label in
            picture.labels.iter().filter(|label| label.parent == line.parent && Some(label.rect) != line.route.label)
        {
            if points.iter().any(|point| is_inside(label.rect, *point)) {
                faults.push(format!("line {index} runs through the label {}", label.full));
            }
        }
    }
    let headers = picture.frames.iter().filter_map(|frame| match &frame.kind {
        FrameKind::Step(_, card) => Some(card),
        FrameKind::Body(_) => None,
    });
    for card in picture.cards.iter().map(|card| &card.card).chain(headers) {
        faults.extend(text_faults(card));
    }
    for label in &picture.labels {
        let widest = label.label.lines.iter().map(|line| super::card::SMALL.width(line)).fold(0.0, f64::max);
        if widest > label.rect.width {
            faults.push(format!("the label {} is wider than its place", label.full));
        }
    }
    faults
}

fn text_faults(card: &Card) -> Vec<String> {
    let is_out = |line: &&super::card::Line| {
        card.text_x + line.font.width(&line.text) > card.size.width
            || line.y > card.size.height - 3.0
            || line.y < line.font.size
    };
    card.lines.iter().filter(is_out).map(|line| format!("{} leaves its card {:?}", line.text, card.size)).collect()
}

#[test]
fn pictures_of_the_examples_are_sound() {
    for (name, text) in EXAMPLES {
        let graph = graph_of(name, text);
        assert_eq!(faults(&graph.body), Vec::<String>::new(), "{name}");
        let picture = svg(&graph);
        let document = roxmltree::Document::parse(&picture).unwrap_or_else(|error| panic!("{name}: {error}"));
        let ids: Vec<_> =
            document.root_element().attribute("aria-labelledby").expect("it has one").split(' ').collect();
        for id in ids {
            let found = document.descendants().find(|node| node.attribute("id") == Some(id));
            assert!(found.and_then(|node| node.text()).is_some_and(|text| !text.is_empty()), "{id}");
        }
    }
}

#[test]
fn the_picture_names_nothing_outside_of_itself() {
    for (name, text) in EXAMPLES {
        let picture = svg(&graph_of(name, text)).replace("http://www.w3.org/2000/svg", "");
        for text in ["http", "href", "url(", "@import", "<script", "font-face"] {
            assert!(!picture.contains(text), "{name} has {text}");
        }
    }
}

#[test]
fn a_chain_of_steps_stands_in_one_line() {
    let steps: Vec<Value> = (0..60)
        .map(|index| serde_json::json!({"Name": format!("Step{}", "x".repeat(index)), "Type": "Pass"}))
        .collect();
    let graph = PlanGraph::read(&Value::Array(steps), None);
    let picture = Picture::of(&graph.body);
    let middle = picture.cards[0].rect.middle();
    assert!(picture.cards.iter().all(|card| (card.rect.middle() - middle).abs() < SLACK));
    assert_eq!(faults(&graph.body), Vec::<String>::new());
}

#[test]
fn failures_do_not_push_the_way_on_aside() {
    let graph = graph_of("release-gate", EXAMPLES[2].1);
    let picture = Picture::of(&graph.body);
    let middle = |name: &str| {
        let card = picture.cards.iter().find(|card| card.step.name == name).unwrap_or_else(|| panic!("no {name}"));
        card.rect.middle()
    };
    for name in ["SmokeTest", "Approve", "Release"] {
        assert!((middle(name) - middle("Merge")).abs() < SLACK, "{name}");
    }
}

/// Each with a handler for failures and all to the same end: lines share their places, else there would be a million of them.
#[test]
fn a_plan_of_a_thousand_steps_stays_small() {
    let mut states = serde_json::Map::new();
    for index in 0..1000 {
        let state = serde_json::json!({"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Next": format!("S{}", index + 1),
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Oops"}]});
        states.insert(format!("S{index}"), state);
    }
    states.insert("S1000".to_owned(), serde_json::json!({"Type": "Succeed"}));
    states.insert("Oops".to_owned(), serde_json::json!({"Type": "Fail"}));
    let graph = PlanGraph::read(&serde_json::json!({"StartAt": "S0", "States": states}), None);
    let picture = svg(&graph);
    assert!(picture.len() < 2_000 * graph.body.len(), "{} bytes", picture.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_overlaps_in_any_picture(plan in any_plan()) {
        let graph = PlanGraph::read(&plan, Some("Runner"));
        prop_assert_eq!(faults(&graph.body), Vec::<String>::new());
    }

    #[test]
    fn every_picture_is_well_formed(plan in any_plan(), title in ".*") {
        let graph = PlanGraph { distribution: Some(title), ..PlanGraph::read(&plan, None) };
        let picture = svg(&graph);
        let document = roxmltree::Document::parse(&picture).map_err(|error| TestCaseError::fail(format!("{error}\n{picture}")))?;
        for attribute in document.descendants().flat_map(|node| node.attributes()).filter(|it| it.name() != "class") {
            prop_assert!(!attribute.value().contains("NaN") && !attribute.value().contains("inf"), "{attribute:?}");
        }
    }
}
