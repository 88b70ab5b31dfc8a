//! The layered layout of one body: cycles are broken, each card gets a layer, and lines that cross layers get places in them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::order::order;
use super::place::place;
use super::route::routes;
use super::{Point, Rect, Route, Size};

/// Blank height between two layers, at least.
const CHANNEL: f64 = 30.0;
/// How much the channel grows with the widest curve in it, and by how much at most.
const CHANNEL_SLOPE: (f64, f64) = (0.07, 46.0);
/// Height of a channel in which lines turn back.
const TURN: f64 = 40.0;
/// Width of a line's place in a layer.
const BEND: f64 = 6.0;

/// A line from one card to another, to be laid out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Arc {
    pub from: usize,
    pub to: usize,
    /// Size of its label.
    pub label: Option<Size>,
    /// What it is, for its pull on the cards.
    pub pull: Pull,
}

/// How strongly a line wants to be straight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Pull {
    /// The way on.
    Main,
    /// One of several ways on.
    Fork,
    /// The way after a failure.
    Side,
}

/// Where everything is; the upper left corner is the origin.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Laid {
    pub size: Size,
    pub boxes: Vec<Rect>,
    /// One for each arc.
    pub routes: Vec<Route>,
}

/// Something that takes a place in a layer.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub size: Size,
    pub layer: usize,
    /// Center.
    pub x: f64,
    pub is_box: bool,
}

/// Two slots of neighboring layers between which a line runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub upper: usize,
    pub lower: usize,
    pub weight: f64,
}

/// The slots of an arc between its cards, from its start on.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain {
    pub slots: Vec<usize>,
    /// The slot that holds the label.
    pub label: Option<usize>,
    /// Whether it leads upwards.
    pub is_back: bool,
    /// Whether its last slot is one that another arc draws on from.
    pub joins: bool,
}

/// The graph with a slot for everything.
#[derive(Debug, Default)]
pub(super) struct Layered {
    pub slots: Vec<Slot>,
    pub segments: Vec<Segment>,
    pub chains: Vec<Chain>,
    /// The slots of each layer from left to right.
    pub layers: Vec<Vec<usize>>,
    /// Upper and lower edge of each layer.
    pub bands: Vec<(f64, f64)>,
    /// What stands to the right of everything: slots of lines that lead upwards, from the inside to the outside. All slots of
    /// one entry stand above each other.
    lanes: Vec<Vec<usize>>,
}

/// Lays out cards of the given sizes; `root` comes first.
pub(super) fn lay_out(sizes: &[Size], arcs: &[Arc], root: Option<usize>) -> Laid {
    if sizes.is_empty() {
        return Laid::default();
    }
    let (levels, is_back) = levels(sizes.len(), arcs, root);
    let mut graph = Layered::default();
    for (size, layer) in sizes.iter().zip(&levels) {
        graph.slot(*size, *layer, true);
    }
    graph.chains = vec![Chain::default(); arcs.len()];
    graph.forward(arcs, &levels, &is_back);
    graph.layers = order(&graph.slots, &graph.segments, root);
    place(&graph.layers, &mut graph.slots, &graph.segments);
    graph.backward(arcs, &levels, &is_back);
    graph.stack(arcs);
    let routes = routes(&graph, arcs);
    finish(&graph, sizes.len(), routes)
}

/// Returns the layer of each card by the longest way to it, and for each arc whether it closes a circle.
fn levels(count: usize, arcs: &[Arc], root: Option<usize>) -> (Vec<usize>, Vec<bool>) {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (index, arc) in arcs.iter().enumerate() {
        out[arc.from].push(index);
    }
    let mut is_back = vec![false; arcs.len()];
    // 0 is new, 1 on the way that is being followed, 2 done.
    let mut state = vec![0_u8; count];
    let mut finished = Vec::with_capacity(count);
    for first in root.into_iter().chain(0..count) {
        if state[first] != 0 {
            continue;
        }
        state[first] = 1;
        let mut stack = vec![(first, 0)];
        while let Some((card, done)) = stack.last_mut() {
            let Some(arc) = out[*card].get(*done).copied() else {
                state[*card] = 2;
                finished.push(*card);
                stack.pop();
                continue;
            };
            *done += 1;
            let to = arcs[arc].to;
            match state[to] {
                0 => {
                    state[to] = 1;
                    stack.push((to, 0));
                }
                1 => is_back[arc] = true,
                _ => {}
            }
        }
    }
    let mut levels = vec![0; count];
    for card in finished.into_iter().rev() {
        for arc in out[card].iter().filter(|arc| !is_back[**arc]) {
            let Arc { to, label, .. } = arcs[*arc];
            // A label takes a layer of its own.
            levels[to] = levels[to].max(levels[card] + 1 + usize::from(label.is_some()));
        }
    }
    (levels, is_back)
}

impl Layered {
    fn slot(&mut self, size: Size, layer: usize, is_box: bool) -> usize {
        self.slots.push(Slot { size, layer, x: 0.0, is_box });
        self.slots.len() - 1
    }

    fn bend(&mut self, label: Option<Size>, layer: usize) -> usize {
        self.slot(label.unwrap_or(Size { width: BEND, height: 0.0 }), layer, false)
    }

    fn segment(&mut self, upper: usize, lower: usize, weight: f64) {
        self.segments.push(Segment { upper, lower, weight });
    }

    /// Gives places to the lines that lead down. Long ones to the same card share theirs.
    fn forward(&mut self, arcs: &[Arc], levels: &[usize], is_back: &[bool]) {
        let mut trunks: HashMap<(usize, bool), Vec<usize>> = HashMap::new();
        for (index, arc) in arcs.iter().enumerate().filter(|(index, _)| !is_back[*index]) {
            let first = levels[arc.from] + 1 + usize::from(arc.label.is_some());
            if first < levels[arc.to] {
                trunks.entry((arc.to, arc.pull == Pull::Side)).or_default().push(index);
            }
        }
        let mut ways = vec![0; levels.len()];
        for (_, arc) in arcs.iter().enumerate().filter(|(index, arc)| !is_back[*index] && arc.pull != Pull::Side) {
            ways[arc.to] += 1;
        }
        let weight = |arc: &Arc| match arc.pull {
            Pull::Side => 0.05,
            // Where several ways meet, the card stands in their middle.
            Pull::Main if ways[arc.to] == 1 => 8.0,
            Pull::Main | Pull::Fork => 2.0,
        };
        // The order of the arcs, not that of the map: pictures of the same plan are the same.
        let mut done: HashMap<(usize, bool), (usize, Vec<usize>)> = HashMap::new();
        for (index, arc) in arcs.iter().enumerate().filter(|(index, _)| !is_back[*index]) {
            let weight = weight(arc);
            let mut chain = Chain::default();
            let mut last = arc.from;
            if arc.label.is_some() {
                let slot = self.bend(arc.label, levels[arc.from] + 1);
                self.segment(last, slot, weight);
                chain.label = Some(slot);
                chain.slots.push(slot);
                last = slot;
            }
            let key = (arc.to, arc.pull == Pull::Side);
            let from = self.slots[last].layer + 1;
            if from < levels[arc.to] {
                let members = trunks.get(&key).map_or(&[][..], Vec::as_slice);
                let top = |index: &usize| levels[arcs[*index].from] + 1 + usize::from(arcs[*index].label.is_some());
                let first = members.iter().copied().min_by_key(top).unwrap_or(index);
                let (start, trunk) = done.entry(key).or_insert_with(|| {
                    let start = top(&first);
                    let trunk: Vec<usize> = (start..levels[arc.to]).map(|_| usize::MAX).collect();
                    (start, trunk)
                });
                let start = *start;
                if trunk.first() == Some(&usize::MAX) {
                    let mut made = Vec::with_capacity(trunk.len());
                    for layer in start..levels[arc.to] {
                        let slot = self.bend(None, layer);
                        if let Some(above) = made.last() {
                            self.segment(*above, slot, 3.0 * weight);
                        }
                        made.push(slot);
                    }
                    if let Some(lowest) = made.last() {
                        self.segment(*lowest, arc.to, weight);
                    }
                    done.insert(key, (start, made));
                }
                let trunk = &done[&key].1;
                let joined = trunk[from - start];
                if index == first {
                    chain.slots.extend(trunk);
                } else {
                    chain.slots.push(joined);
                    chain.joins = true;
                }
                self.segment(last, joined, weight);
            } else {
                self.segment(last, arc.to, weight);
            }
            self.chains[index] = chain;
        }
    }

    /// Gives places to the lines that lead up: to the right of everything, short ones on the inside, and those to the same
    /// card share theirs.
    fn backward(&mut self, arcs: &[Arc], levels: &[usize], is_back: &[bool]) {
        let mut groups: BTreeMap<(Reverse<usize>, usize, bool), Vec<usize>> = BTreeMap::new();
        for (index, arc) in arcs.iter().enumerate().filter(|(index, _)| is_back[*index]) {
            let key = (Reverse(levels[arc.to]), arc.to, arc.pull == Pull::Side);
            groups.entry(key).or_default().push(index);
        }
        for ((_, to, _), members) in groups {
            let top = levels[to];
            let deepest = members.iter().copied().max_by_key(|index| levels[arcs[*index].from]);
            let bottom = deepest.map_or(top, |index| levels[arcs[index].from]);
            // From the lowest to the highest.
            let trunk: Vec<usize> = (top..bottom).rev().map(|layer| self.bend(None, layer)).collect();
            for index in &members {
                let layer = levels[arcs[*index].from];
                let turn = self.bend(arcs[*index].label, layer);
                self.lanes.push(vec![turn]);
                let mut chain = Chain { slots: vec![turn], is_back: true, ..Chain::default() };
                chain.label = arcs[*index].label.map(|_| turn);
                let rest = &trunk[bottom - layer..];
                if Some(*index) == deepest || rest.is_empty() {
                    chain.slots.extend(rest);
                } else {
                    chain.slots.push(rest[0]);
                    chain.joins = true;
                }
                self.chains[*index] = chain;
            }
            if !trunk.is_empty() {
                self.lanes.push(trunk);
            }
        }
        let mut right: Vec<f64> = vec![f64::NEG_INFINITY; self.layers.len()];
        for slot in self.layers.iter().filter_map(|layer| layer.last()) {
            let slot = &self.slots[*slot];
            right[slot.layer] = slot.x + slot.size.width / 2.0;
        }
        for lane in std::mem::take(&mut self.lanes) {
            let left = lane.iter().map(|slot| right[self.slots[*slot].layer]).fold(f64::NEG_INFINITY, f64::max);
            let width = lane.iter().map(|slot| self.slots[*slot].size.width).fold(0.0, f64::max);
            for slot in lane {
                let found = &mut self.slots[slot];
                found.x = left + super::place::BESIDE + width / 2.0;
                right[found.layer] = found.x + width / 2.0;
                self.layers[found.layer].push(slot);
            }
        }
    }

    /// Finds out how high the layers are and where they lie.
    fn stack(&mut self, arcs: &[Arc]) {
        let count = self.layers.len();
        let mut widest = vec![0.0_f64; count + 1];
        for segment in &self.segments {
            let (upper, lower) = (&self.slots[segment.upper], &self.slots[segment.lower]);
            let below = &mut widest[lower.layer];
            *below = below.max((upper.x - lower.x).abs());
        }
        let mut has_turn = vec![false; count + 1];
        for (arc, chain) in arcs.iter().zip(&self.chains).filter(|(_, chain)| chain.is_back) {
            has_turn[self.slots[arc.from].layer + 1] = true;
            if !chain.joins {
                has_turn[self.slots[arc.to].layer] = true;
            }
        }
        let channel = |index: usize| {
            let is_outside = index == 0 || index == count;
            let least = match (has_turn[index], is_outside) {
                (true, _) => TURN,
                (false, true) => return 0.0,
                (false, false) => CHANNEL,
            };
            least + (widest[index] * CHANNEL_SLOPE.0).min(CHANNEL_SLOPE.1)
        };
        let mut y = 0.0;
        for (index, layer) in self.layers.iter().enumerate() {
            y += channel(index);
            let height = layer.iter().map(|slot| self.slots[*slot].size.height).fold(0.0, f64::max);
            self.bands.push((y, y + height));
            y += height;
        }
        self.bands.push((y + channel(count), y + channel(count)));
    }

    /// Returns the height of the channel above a layer.
    pub(super) fn channel(&self, layer: usize) -> f64 {
        let above = layer.checked_sub(1).map_or(0.0, |above| self.bands[above].1);
        self.bands[layer].0 - above
    }

    /// Returns where a slot is.
    pub(super) fn rect(&self, slot: usize) -> Rect {
        let found = &self.slots[slot];
        let (top, bottom) = self.bands[found.layer];
        Rect::around(Point { x: found.x, y: f64::midpoint(top, bottom) }, found.size)
    }
}

/// Moves everything so that nothing lies left of 0.
fn finish(graph: &Layered, boxes: usize, mut routes: Vec<Route>) -> Laid {
    let rects = (0..graph.slots.len()).map(|slot| graph.rect(slot));
    let left = rects.clone().map(|rect| rect.x).fold(f64::INFINITY, f64::min);
    let right = rects.map(Rect::right).fold(f64::NEG_INFINITY, f64::max);
    let by = Point { x: -left, y: 0.0 };
    for route in &mut routes {
        route.shift(by);
    }
    let height = graph.bands.last().map_or(0.0, |band| band.1);
    let boxes = (0..boxes).map(|slot| graph.rect(slot).shifted(by)).collect();
    Laid { size: Size { width: right - left, height }, boxes, routes }
}
