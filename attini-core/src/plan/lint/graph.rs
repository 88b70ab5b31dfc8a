//! The states of one scope as a graph: what is reached, what ends, and what must have run before what.
//!
//! Each state is two nodes, its entry and its completion: a `Catch` leads away from the entry, so whoever comes from there
//! cannot rely on the state's result. Each catcher is a node of its own, because it may write to the payload as well.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::asl::{Scope, State};

/// Graph of a scope. States are numbered in the author's order.
#[derive(Debug)]
pub(super) struct Graph {
    next: Vec<Vec<usize>>,
    start: Option<usize>,
    states: usize,
    /// State and position of each catcher.
    pub(super) catchers: Vec<(usize, usize)>,
    reached: Vec<bool>,
    finishing: Vec<bool>,
    /// Positions in the dominator tree: when a node is entered and left. `None` for what is never reached.
    interval: Vec<Option<(usize, usize)>>,
}

/// Says whether a state of that type ends the scope without success.
pub(super) fn is_fail(state: &State) -> bool {
    state.kind == "Fail"
}

/// Returns the names that follow a state when it went well.
pub(super) fn successors(state: &State) -> Vec<&str> {
    let text = |key: &str| state.fields.get(key).and_then(Value::as_str);
    match state.kind.as_str() {
        "Succeed" | "Fail" => Vec::new(),
        "Choice" => {
            let rules = state.fields.get("Choices").and_then(Value::as_array).into_iter().flatten();
            rules.filter_map(|rule| rule.get("Next")?.as_str()).chain(text("Default")).collect()
        }
        _ => text("Next").into_iter().collect(),
    }
}

/// Returns the catchers of a state.
pub(super) fn catchers(state: &State) -> impl Iterator<Item = (usize, &Value)> {
    state.fields.get("Catch").and_then(Value::as_array).into_iter().flatten().enumerate()
}

impl Graph {
    pub(super) fn of(scope: &Scope) -> Self {
        let states = scope.states.len();
        let mut numbers: HashMap<&str, usize> = HashMap::with_capacity(states);
        for (number, state) in scope.states.iter().enumerate() {
            numbers.entry(state.name.as_str()).or_insert(number);
        }
        let end = 2 * states;
        let mut next: Vec<Vec<usize>> = vec![Vec::new(); end + 1];
        let mut all_catchers = Vec::new();
        let mut failing = Vec::new();
        for (number, state) in scope.states.iter().enumerate() {
            let (enter, done) = (2 * number, 2 * number + 1);
            if is_fail(state) {
                failing.push(enter);
                continue;
            }
            next[enter].push(done);
            let follow = successors(state);
            // A link to a state that does not exist is reported elsewhere, and leads nowhere.
            next[done].extend(follow.iter().filter_map(|name| Some(2 * numbers.get(name)?)));
            if follow.is_empty() && state.kind != "Choice" {
                next[done].push(end);
            }
            for (position, catcher) in catchers(state) {
                let target = catcher.get("Next").and_then(Value::as_str).and_then(|name| numbers.get(name));
                let node = next.len();
                next.push(target.map(|number| 2 * number).into_iter().collect());
                next[enter].push(node);
                all_catchers.push((number, position));
            }
        }
        let start = numbers.get(scope.start.as_str()).map(|number| 2 * number);
        let nodes = next.len();
        let mut graph = Self {
            next,
            start,
            states,
            catchers: all_catchers,
            reached: vec![false; nodes],
            finishing: vec![false; nodes],
            interval: vec![None; nodes],
        };
        graph.reached = graph.flood(graph.start, &HashSet::new());
        failing.push(end);
        graph.finishing = graph.leading_to(failing);
        graph.find_dominators();
        graph
    }

    /// The node where a state begins.
    pub(super) fn enter(&self, state: usize) -> usize {
        2 * state
    }

    /// The node where a state has succeeded.
    pub(super) fn done(&self, state: usize) -> usize {
        2 * state + 1
    }

    /// The node where the scope has succeeded.
    pub(super) fn end(&self) -> usize {
        2 * self.states
    }

    /// The node of a catcher, by its position in `catchers`.
    pub(super) fn catcher(&self, position: usize) -> usize {
        2 * self.states + 1 + position
    }

    pub(super) fn next(&self, node: usize) -> &[usize] {
        &self.next[node]
    }

    pub(super) fn nodes(&self) -> usize {
        self.next.len()
    }

    pub(super) fn start(&self) -> Option<usize> {
        self.start
    }

    /// Returns the state of a node and whether the node is its entry; `None` for catchers and the end.
    pub(super) fn state_of(&self, node: usize) -> Option<(usize, bool)> {
        (node < self.end()).then_some((node / 2, node.is_multiple_of(2)))
    }

    /// Says whether a state can be entered.
    pub(super) fn is_reached(&self, state: usize) -> bool {
        self.reached[self.enter(state)]
    }

    /// Says whether every way to the second node leads through the first. False when the second is never reached.
    pub(super) fn dominates(&self, first: usize, second: usize) -> bool {
        match (self.interval[first], self.interval[second]) {
            (Some(first), Some(second)) => first.0 <= second.0 && second.1 <= first.1,
            _ => false,
        }
    }

    /// Says whether a node can come after another.
    pub(super) fn leads_to(&self, from: usize, to: usize) -> bool {
        self.dominates(from, to) || self.next[from].iter().any(|next| self.flood(Some(*next), &HashSet::new())[to])
    }

    /// Says whether a node can be reached without passing any of the others.
    pub(super) fn avoids(&self, passed: &HashSet<usize>, to: usize) -> bool {
        self.flood(self.start, passed)[to]
    }

    /// Returns all nodes that can be reached from one without passing some others.
    pub(super) fn flood(&self, from: Option<usize>, without: &HashSet<usize>) -> Vec<bool> {
        let mut seen = vec![false; self.next.len()];
        let mut open: Vec<usize> = from.into_iter().filter(|node| !without.contains(node)).collect();
        for node in &open {
            seen[*node] = true;
        }
        while let Some(node) = open.pop() {
            for next in &self.next[node] {
                if !seen[*next] && !without.contains(next) {
                    seen[*next] = true;
                    open.push(*next);
                }
            }
        }
        seen
    }

    /// Returns all nodes from which one of some others can be reached.
    pub(super) fn leading_to(&self, targets: Vec<usize>) -> Vec<bool> {
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.next.len()];
        for (node, next) in self.next.iter().enumerate() {
            for next in next {
                before[*next].push(node);
            }
        }
        let mut found = vec![false; self.next.len()];
        let mut open = targets;
        while let Some(node) = open.pop() {
            if !found[node] {
                found[node] = true;
                open.extend(&before[node]);
            }
        }
        found
    }

    /// Returns the first state of a loop that is entered and never left, if there is one.
    pub(super) fn trap(&self) -> Option<usize> {
        let stuck = (0..self.states).find(|state| self.is_reached(*state) && !self.finishing[self.enter(*state)])?;
        let mut open = vec![(self.enter(stuck), 0)];
        let mut on_way = vec![false; self.next.len()];
        let mut seen = vec![false; self.next.len()];
        on_way[self.enter(stuck)] = true;
        while let Some((node, position)) = open.pop() {
            seen[node] = true;
            match self.next[node].get(position) {
                None => on_way[node] = false,
                Some(next) => {
                    open.push((node, position + 1));
                    if on_way[*next] {
                        return Some(self.state_of(*next).map_or(stuck, |(state, _)| state));
                    }
                    if !seen[*next] {
                        on_way[*next] = true;
                        open.push((*next, 0));
                    }
                }
            }
        }
        None
    }

    /// Builds the dominator tree (Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm).
    fn find_dominators(&mut self) {
        let Some(start) = self.start else { return };
        let order = self.reverse_postorder(start);
        let mut position = vec![usize::MAX; self.next.len()];
        for (at, node) in order.iter().enumerate() {
            position[*node] = at;
        }
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); order.len()];
        for (at, node) in order.iter().enumerate() {
            for next in &self.next[*node] {
                before[position[*next]].push(at);
            }
        }
        // By position in the order; the start is its own parent.
        let mut parent: Vec<Option<usize>> = vec![None; order.len()];
        parent[0] = Some(0);
        let mut changed = true;
        while changed {
            changed = false;
            for at in 1..order.len() {
                let mut found: Option<usize> = None;
                for other in &before[at] {
                    if parent[*other].is_some() {
                        found = Some(found.map_or(*other, |found| meet(&parent, found, *other)));
                    }
                }
                if parent[at] != found {
                    parent[at] = found;
                    changed = true;
                }
            }
        }
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); order.len()];
        for (at, parent) in parent.iter().enumerate().skip(1) {
            if let Some(parent) = parent {
                children[*parent].push(at);
            }
        }
        let mut clock = 0;
        let mut entered = vec![0; order.len()];
        let mut open = vec![(0, 0)];
        while let Some((at, child)) = open.pop() {
            if child == 0 {
                entered[at] = clock;
                clock += 1;
            }
            match children[at].get(child) {
                Some(next) => {
                    open.push((at, child + 1));
                    open.push((*next, 0));
                }
                None => {
                    self.interval[order[at]] = Some((entered[at], clock));
                    clock += 1;
                }
            }
        }
    }

    fn reverse_postorder(&self, start: usize) -> Vec<usize> {
        let mut seen = vec![false; self.next.len()];
        seen[start] = true;
        let mut order = Vec::new();
        let mut open = vec![(start, 0)];
        while let Some((node, position)) = open.pop() {
            match self.next[node].get(position) {
                None => order.push(node),
                Some(next) => {
                    open.push((node, position + 1));
                    if !seen[*next] {
                        seen[*next] = true;
                        open.push((*next, 0));
                    }
                }
            }
        }
        order.reverse();
        order
    }
}

/// Returns the nearest common ancestor of two nodes in the tree so far.
fn meet(parent: &[Option<usize>], mut one: usize, mut other: usize) -> usize {
    while one != other {
        // Smaller positions are nearer to the start, and every node here has a parent.
        if one > other {
            one = parent[one].unwrap_or(0);
        } else {
            other = parent[other].unwrap_or(0);
        }
    }
    one
}
