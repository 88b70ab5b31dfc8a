//! Where in its layer each slot stands: as straight below its neighbors as the order and the distances allow.

use super::layers::{Segment, Slot};

/// Blank width between two cards.
const BETWEEN: f64 = 40.0;
/// Blank width between a line or its label and anything else.
pub(super) const BESIDE: f64 = 18.0;
/// How often the layers are gone through downwards and upwards, and with very many slots.
const ROUNDS: usize = 10;
const FEW_ROUNDS: usize = 2;

/// Sets the centers of all slots.
///
/// Each layer in turn is moved to where its neighbors pull it: every slot wants to stand at the weighted median of its neighbors,
/// and the places nearest to the wishes that keep order and distance are found by joining those that would collide (isotonic
/// regression).
pub(super) fn place(layers: &[Vec<usize>], slots: &mut [Slot], segments: &[Segment]) {
    let (mut up, mut down) = (vec![Vec::new(); slots.len()], vec![Vec::new(); slots.len()]);
    for segment in segments {
        up[segment.lower].push((segment.upper, segment.weight));
        down[segment.upper].push((segment.lower, segment.weight));
    }
    for layer in layers {
        let mut x = 0.0;
        for (index, slot) in layer.iter().enumerate() {
            x += index.checked_sub(1).map_or(0.0, |before| distance(slots, layer[before], *slot));
            slots[*slot].x = x;
        }
        layer.iter().for_each(|slot| slots[*slot].x -= x / 2.0);
    }
    let rounds = if slots.len() > super::order::MANY { FEW_ROUNDS } else { ROUNDS };
    for _ in 0..rounds {
        for layer in layers.iter().skip(1) {
            settle(layer, slots, &[&up]);
        }
        for layer in layers.iter().rev().skip(1) {
            settle(layer, slots, &[&down]);
        }
    }
    let columns = columns(slots.len(), &up, &down);
    for _ in 0..rounds {
        straighten(&columns, layers, slots, &[&up, &down]);
    }
}

/// Returns the chains of slots that belong straight below each other: each is what the next one's lines mostly come from, and
/// the next one is where its lines mostly go.
fn columns(count: usize, up: &Pulls, down: &Pulls) -> Vec<Vec<usize>> {
    let strongest = |pulls: &[(usize, f64)]| {
        let total: f64 = pulls.iter().map(|(_, weight)| weight).sum();
        pulls.iter().find(|(_, weight)| *weight > total - *weight).map(|(near, _)| *near)
    };
    let below = |slot: usize| strongest(&down[slot]).filter(|lower| strongest(&up[*lower]) == Some(slot));
    let is_first = |slot: &usize| strongest(&up[*slot]).is_none_or(|upper| below(upper) != Some(*slot));
    let column = |first: usize| std::iter::successors(Some(first), |slot| below(*slot)).collect();
    (0..count).filter(is_first).map(column).collect()
}

/// Moves each column to one place for all of its slots, if there is one between their neighbors.
fn straighten(columns: &[Vec<usize>], layers: &[Vec<usize>], slots: &mut [Slot], neighbors: &[&Pulls]) {
    let mut position = vec![0; slots.len()];
    for layer in layers {
        layer.iter().enumerate().for_each(|(index, slot)| position[*slot] = index);
    }
    let mut column_of = vec![0; slots.len()];
    for (index, column) in columns.iter().enumerate() {
        column.iter().for_each(|slot| column_of[*slot] = index);
    }
    for (index, column) in columns.iter().enumerate() {
        let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
        for slot in column {
            let layer = &layers[slots[*slot].layer];
            let at = position[*slot];
            if let Some(left) = at.checked_sub(1).map(|at| layer[at]) {
                least = least.max(slots[left].x + distance(slots, left, *slot));
            }
            if let Some(right) = layer.get(at + 1) {
                most = most.min(slots[*right].x - distance(slots, *slot, *right));
            }
        }
        if least > most {
            continue;
        }
        let pulls = column.iter().flat_map(|slot| neighbors.iter().flat_map(|all| &all[*slot]));
        let outside: Vec<(f64, f64)> = pulls
            .filter(|(near, _)| column_of[*near] != index)
            .map(|(near, weight)| (slots[*near].x, *weight))
            .collect();
        let x = median(outside).unwrap_or_else(|| {
            #[allow(clippy::cast_precision_loss, reason = "there are far fewer than 2^52 slots")]
            let count = column.len() as f64;
            column.iter().map(|slot| slots[*slot].x).sum::<f64>() / count
        });
        column.iter().for_each(|slot| slots[*slot].x = x.clamp(least, most));
    }
}

/// Returns how far apart the centers of two neighbors are at least.
fn distance(slots: &[Slot], left: usize, right: usize) -> f64 {
    let gap = if slots[left].is_box && slots[right].is_box { BETWEEN } else { BESIDE };
    f64::midpoint(slots[left].size.width, slots[right].size.width) + gap
}

type Pulls = [Vec<(usize, f64)>];

/// Slots that stand side by side without more than the blank between them.
struct Block {
    /// Sum of wishes times weights, as wishes for the first slot.
    wish: f64,
    weight: f64,
    slots: usize,
}

fn settle(layer: &[usize], slots: &mut [Slot], neighbors: &[&Pulls]) {
    let mut blocks: Vec<Block> = Vec::new();
    // Distance of each slot from the first of the layer if all stood as close as they may.
    let mut offsets = Vec::with_capacity(layer.len());
    let mut offset = 0.0;
    for (index, slot) in layer.iter().enumerate() {
        offset += index.checked_sub(1).map_or(0.0, |before| distance(slots, layer[before], *slot));
        offsets.push(offset);
        let (wish, weight) = wish(*slot, slots, neighbors);
        let mut block = Block { wish: (wish - offset) * weight, weight, slots: 1 };
        while let Some(before) = blocks.pop_if(|before| before.wish / before.weight >= block.wish / block.weight) {
            block.wish += before.wish;
            block.weight += before.weight;
            block.slots += before.slots;
        }
        blocks.push(block);
    }
    let mut index = 0;
    for block in blocks {
        for _ in 0..block.slots {
            slots[layer[index]].x = block.wish / block.weight + offsets[index];
            index += 1;
        }
    }
}

/// Returns where a slot wants to be and how much.
fn wish(slot: usize, slots: &[Slot], neighbors: &[&Pulls]) -> (f64, f64) {
    let pulls: Vec<(f64, f64)> =
        neighbors.iter().flat_map(|all| &all[slot]).map(|(near, weight)| (slots[*near].x, *weight)).collect();
    let total: f64 = pulls.iter().map(|(_, weight)| weight).sum();
    median(pulls).map_or((slots[slot].x, 0.05), |x| (x, total))
}

/// Returns the weighted median of places, the middle of two if both are.
fn median(mut pulls: Vec<(f64, f64)>) -> Option<f64> {
    pulls.sort_by(|one, other| one.0.total_cmp(&other.0));
    let total: f64 = pulls.iter().map(|(_, weight)| weight).sum();
    let mut sum = 0.0;
    for (index, (x, weight)) in pulls.iter().enumerate() {
        sum += weight;
        let rest = sum - total / 2.0;
        if rest.abs() < 1e-9 {
            let next = pulls.get(index + 1).map_or(*x, |next| next.0);
            return Some(f64::midpoint(*x, next));
        }
        if rest > 0.0 {
            return Some(*x);
        }
    }
    None
}
