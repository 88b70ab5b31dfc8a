//! Who stands beside whom in a layer, so that few lines cross.

use super::layers::{Segment, Slot};

/// How often the layers are gone through, and how many slots make that less often.
const ROUNDS: usize = 12;
pub(super) const MANY: usize = 20_000;

/// Returns the slots of each layer from left to right.
///
/// It begins with the order in which the ways are met from `root` on, then each slot moves to the middle of its neighbors in the
/// layer above and below by turns. The order with the fewest crossings is taken.
pub(super) fn order(slots: &[Slot], segments: &[Segment], root: Option<usize>) -> Vec<Vec<usize>> {
    let (mut up, mut down) = (vec![Vec::new(); slots.len()], vec![Vec::new(); slots.len()]);
    for segment in segments {
        up[segment.lower].push(segment.upper);
        down[segment.upper].push(segment.lower);
    }
    let mut layers = first_order(slots, &down, root);
    let mut position = vec![0; slots.len()];
    number(&layers, &mut position);
    let mut best = layers.clone();
    let mut fewest = crossings(&layers, &down, &position);
    let rounds = if slots.len() > MANY { 2 } else { ROUNDS };
    for round in 0..rounds {
        if fewest == 0 {
            break;
        }
        let downwards = round % 2 == 0;
        let indices: Vec<usize> =
            if downwards { (1..layers.len()).collect() } else { (0..layers.len() - 1).rev().collect() };
        for index in indices {
            let neighbors = if downwards { &up } else { &down };
            sort(&mut layers[index], neighbors, &mut position);
        }
        let found = crossings(&layers, &down, &position);
        if found < fewest {
            (fewest, best) = (found, layers.clone());
        }
    }
    best
}

/// Puts the slots into the order in which a walk from the root meets them.
fn first_order(slots: &[Slot], down: &[Vec<usize>], root: Option<usize>) -> Vec<Vec<usize>> {
    let count = slots.iter().map(|slot| slot.layer + 1).max().unwrap_or(0);
    let mut layers = vec![Vec::new(); count];
    let mut is_seen = vec![false; slots.len()];
    for first in root.into_iter().chain(0..slots.len()) {
        let mut stack = vec![first];
        while let Some(slot) = stack.pop() {
            if std::mem::replace(&mut is_seen[slot], true) {
                continue;
            }
            layers[slots[slot].layer].push(slot);
            stack.extend(down[slot].iter().rev());
        }
    }
    layers
}

fn number(layers: &[Vec<usize>], position: &mut [usize]) {
    for layer in layers {
        for (index, slot) in layer.iter().enumerate() {
            position[*slot] = index;
        }
    }
}

/// Sorts a layer by the middle of each slot's neighbors; those without neighbors stay where they are.
#[allow(clippy::cast_precision_loss, reason = "positions are far below 2^52")]
fn sort(layer: &mut [usize], neighbors: &[Vec<usize>], position: &mut [usize]) {
    let middle = |slot: &usize| {
        let near = &neighbors[*slot];
        let sum: usize = near.iter().map(|near| position[*near]).sum();
        (!near.is_empty()).then(|| sum as f64 / near.len() as f64)
    };
    let mut movable: Vec<(f64, usize)> = layer.iter().filter_map(|slot| Some((middle(slot)?, *slot))).collect();
    movable.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut movable = movable.into_iter();
    for place in layer.iter_mut() {
        if !neighbors[*place].is_empty()
            && let Some((_, slot)) = movable.next()
        {
            *place = slot;
        }
    }
    for (index, slot) in layer.iter().enumerate() {
        position[*slot] = index;
    }
}

/// Counts the crossings between all neighboring layers.
fn crossings(layers: &[Vec<usize>], down: &[Vec<usize>], position: &[usize]) -> usize {
    let mut count = 0;
    for (index, layer) in layers.iter().enumerate() {
        let Some(below) = layers.get(index + 1) else { continue };
        // How many lines so far lead to each place below, as a tree of sums (Fenwick).
        let mut sums = vec![0_usize; below.len() + 1];
        let mut seen = 0;
        for slot in layer {
            let mut goals: Vec<usize> = down[*slot].iter().map(|goal| position[*goal]).collect();
            goals.sort_unstable();
            for goal in &goals {
                let (mut at, mut left) = (goal + 1, 0);
                while at > 0 {
                    left += sums[at];
                    at &= at - 1;
                }
                count += seen - left;
            }
            for goal in goals {
                seen += 1;
                let mut at = goal + 1;
                while at < sums.len() {
                    sums[at] += 1;
                    at += at & at.wrapping_neg();
                }
            }
        }
    }
    count
}
