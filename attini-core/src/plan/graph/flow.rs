//! Where the ways through a body meet again.

use super::{Body, LinkKind, Target};

/// Returns for each step the one that every way from it to the end of the body passes first; `None` when there is none.
///
/// Failures do not count, and neither do ways that end the whole plan: what follows a `Choice` of which one side gives up is the
/// other side's next step.
pub(super) fn joins(body: &Body) -> Vec<Option<usize>> {
    let end = body.steps.len();
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); end + 1];
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); end + 1];
    for link in body.links.iter().filter(|link| link.kind != LinkKind::Catch) {
        let to = match link.to {
            Target::Step(index) => index,
            Target::End => end,
        };
        after[link.from].push(to);
        before[to].push(link.from);
    }
    // Dominators of the graph with all links turned around (Cooper, Harvey and Kennedy), counted from the end.
    let order = postorder(end, &before);
    let mut rank = vec![usize::MAX; end + 1];
    for (index, step) in order.iter().enumerate() {
        rank[*step] = index;
    }
    let mut join: Vec<Option<usize>> = vec![None; end + 1];
    join[end] = Some(end);
    let mut is_changed = true;
    while is_changed {
        is_changed = false;
        for step in order.iter().rev().copied().filter(|step| *step != end) {
            let mut known = after[step].iter().copied().filter(|next| join[*next].is_some());
            let Some(first) = known.next() else { continue };
            let found = known.fold(first, |one, other| meet(one, other, &join, &rank));
            if join[step] != Some(found) {
                join[step] = Some(found);
                is_changed = true;
            }
        }
    }
    join.truncate(end);
    join.into_iter().map(|join| join.filter(|join| *join != end)).collect()
}

fn meet(mut one: usize, mut other: usize, join: &[Option<usize>], rank: &[usize]) -> usize {
    while one != other {
        while rank[one] < rank[other] {
            one = join[one].unwrap_or(other);
        }
        while rank[other] < rank[one] {
            other = join[other].unwrap_or(one);
        }
    }
    one
}

/// Returns what can be reached from `start`, each after everything it leads to.
fn postorder(start: usize, next: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::new();
    let mut seen = vec![false; next.len()];
    seen[start] = true;
    let mut stack = vec![(start, 0)];
    while let Some((step, done)) = stack.last_mut() {
        match next[*step].get(*done) {
            Some(to) => {
                *done += 1;
                if !std::mem::replace(&mut seen[*to], true) {
                    stack.push((*to, 0));
                }
            }
            None => {
                order.push(*step);
                stack.pop();
            }
        }
    }
    order
}
