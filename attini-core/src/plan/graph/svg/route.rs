//! The lines: straight through layers, curved between them.

use super::layers::{Arc, Layered, Pull};
use super::{Piece, Point, Rect, Route};

/// Distance of two lines that leave the same card.
const APART: f64 = 18.0;
/// Blank at the corners of a card where no line starts or ends.
const CORNER: f64 = 24.0;
/// How far above its goal a line has become straight, so that its head points down.
const STRAIGHT: f64 = 9.0;

impl Route {
    pub(super) fn shift(&mut self, by: Point) {
        self.start = self.start.shifted(by);
        for piece in &mut self.pieces {
            *piece = match *piece {
                Piece::Line(to) => Piece::Line(to.shifted(by)),
                Piece::Curve(one, two, to) => Piece::Curve(one.shifted(by), two.shifted(by), to.shifted(by)),
            };
        }
        self.label = self.label.map(|label| label.shifted(by));
    }

    fn at(&self) -> Point {
        self.pieces.last().map_or(self.start, |piece| piece.end())
    }

    fn line(&mut self, y: f64) {
        let from = self.at();
        if (from.y - y).abs() > 0.01 {
            self.straight(Point { x: from.x, y });
        }
    }

    /// Adds a straight piece, or makes the last one longer: lines through hundreds of layers have few pieces.
    fn straight(&mut self, to: Point) {
        match self.pieces.last_mut() {
            Some(Piece::Line(end)) if (end.x - to.x).abs() < 0.01 => *end = to,
            _ => self.pieces.push(Piece::Line(to)),
        }
    }

    /// Goes on to a point on the other side of a channel.
    fn curve(&mut self, to: Point) {
        let from = self.at();
        if (from.x - to.x).abs() < 0.5 {
            self.straight(to);
            return;
        }
        let y = f64::midpoint(from.y, to.y);
        self.pieces.push(Piece::Curve(Point { x: from.x, y }, Point { x: to.x, y }, to));
    }

    /// Goes into a channel and back out on the same side; `depth` is negative above.
    fn turn(&mut self, to: Point, depth: f64) {
        let from = self.at();
        let y = from.y + depth;
        self.pieces.push(Piece::Curve(Point { x: from.x, y }, Point { x: to.x, y }, to));
    }
}

/// Returns the lines of all arcs.
pub(super) fn routes(graph: &Layered, arcs: &[Arc]) -> Vec<Route> {
    let (starts, ends) = ports(graph, arcs);
    arcs.iter().enumerate().map(|(index, arc)| route(graph, index, arc, starts[index], ends[index])).collect()
}

fn route(graph: &Layered, index: usize, arc: &Arc, start: f64, end: f64) -> Route {
    let chain = &graph.chains[index];
    let (from, to) = (graph.rect(arc.from), graph.rect(arc.to));
    let layer = graph.slots[arc.from].layer;
    let goal_layer = graph.slots[arc.to].layer;
    let mut route = Route { start: Point { x: from.middle() + start, y: from.bottom() }, ..Route::default() };
    route.label = chain.label.map(|slot| graph.rect(slot));
    route.has_head = !chain.joins;
    route.line(graph.bands[layer].1);
    let goal = Point { x: to.middle() + end, y: graph.bands[goal_layer].0 - STRAIGHT };
    if chain.is_back {
        for (index, slot) in chain.slots.iter().enumerate() {
            let slot = &graph.slots[*slot];
            let (top, bottom) = graph.bands[slot.layer];
            let next = Point { x: slot.x, y: bottom };
            if index == 0 {
                route.turn(next, graph.channel(layer + 1) * 0.8);
            } else {
                route.curve(next);
            }
            if index == 0 || !chain.joins {
                route.line(top);
            }
        }
        if !chain.joins {
            route.turn(goal, -graph.channel(goal_layer) * 0.8);
        }
    } else {
        for (index, slot) in chain.slots.iter().enumerate() {
            let slot = &graph.slots[*slot];
            let (top, bottom) = graph.bands[slot.layer];
            route.curve(Point { x: slot.x, y: top });
            if !chain.joins || index + 1 < chain.slots.len() {
                route.line(bottom);
            }
        }
        if !chain.joins {
            route.curve(goal);
        }
    }
    if !chain.joins {
        route.line(to.y);
    }
    route
}

/// Returns how far from the middle of its cards each line starts and ends.
fn ports(graph: &Layered, arcs: &[Arc]) -> (Vec<f64>, Vec<f64>) {
    let (mut starts, mut ends) = (vec![0.0; arcs.len()], vec![0.0; arcs.len()]);
    let mut out: Vec<Vec<(f64, usize)>> = vec![Vec::new(); graph.slots.len()];
    let mut has_main_goal = vec![false; graph.slots.len()];
    for (index, arc) in arcs.iter().enumerate() {
        let chain = &graph.chains[index];
        let next = chain.slots.first().copied().unwrap_or(arc.to);
        out[arc.from].push((graph.slots[next].x, index));
        has_main_goal[arc.to] |= !chain.is_back && arc.pull != Pull::Side;
    }
    for (card, lines) in out.iter_mut().enumerate().filter(|(_, lines)| lines.len() > 1) {
        lines.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let room = room(graph.rect(card));
        let is_way_on = |index: &usize| !graph.chains[*index].is_back && arcs[*index].pull != Pull::Side;
        let ways_on = lines.iter().filter(|(_, index)| is_way_on(index)).count();
        let main = lines.iter().position(|(_, index)| ways_on == 1 && is_way_on(index));
        #[allow(clippy::cast_precision_loss, reason = "a card has few lines")]
        let (middle, most) = match main {
            Some(main) => (main as f64, main.max(lines.len() - 1 - main) as f64),
            None => ((lines.len() - 1) as f64 / 2.0, (lines.len() - 1) as f64 / 2.0),
        };
        let step = APART.min(room / most.max(1.0));
        for (position, (_, index)) in lines.iter().enumerate() {
            #[allow(clippy::cast_precision_loss, reason = "a card has few lines")]
            let offset = (position as f64 - middle) * step;
            starts[*index] = offset;
        }
    }
    for (index, arc) in arcs.iter().enumerate() {
        let chain = &graph.chains[index];
        let goal = graph.rect(arc.to);
        let room = room(goal);
        ends[index] = match (chain.is_back, arc.pull, chain.slots.last()) {
            (true, Pull::Side, _) => room.min(APART * 3.0),
            (true, _, _) => room.min(APART * 2.0),
            (false, Pull::Side, last) if has_main_goal[arc.to] => {
                let x = graph.slots[last.copied().unwrap_or(arc.from)].x;
                let side = if x < goal.middle() { -1.0 } else { 1.0 };
                side * room.min(APART)
            }
            _ => 0.0,
        };
    }
    (starts, ends)
}

fn room(card: Rect) -> f64 {
    (card.width / 2.0 - CORNER).max(0.0)
}
