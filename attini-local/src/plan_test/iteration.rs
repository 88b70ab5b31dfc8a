//! Where a call belongs: its iteration in the Map states around it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::model::Iteration;
use crate::engine::EffectId;

/// The types of all states of a definition, by name.
pub(super) type Kinds = BTreeMap<String, String>;

/// Returns the types of all states of a definition.
pub(super) fn kinds(definition: &Value) -> Kinds {
    let mut found = Kinds::new();
    collect(definition, &mut |name, state| {
        let kind = state.get("Type").and_then(Value::as_str).unwrap_or_default();
        found.insert(name.to_owned(), kind.to_owned());
    });
    found
}

/// Calls `visit` with every state of a scope and of the scopes in it.
pub(super) fn collect(scope: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    for (name, state) in scope.get("States").and_then(Value::as_object).into_iter().flatten() {
        visit(name, state);
        scopes(state).for_each(|inner| collect(inner, visit));
    }
}

/// Returns the scopes in a state: branches of a Parallel, the processor of a Map.
pub(super) fn scopes(state: &Value) -> impl Iterator<Item = &Value> {
    let branches = state.get("Branches").and_then(Value::as_array).into_iter().flatten();
    branches.chain(["Iterator", "ItemProcessor"].into_iter().filter_map(|key| state.get(key)))
}

/// Returns the iterations of the Map states around a call, from the outside: `Map.1#0[2]/Task.1#0` -> `[2]`.
pub(super) fn iterations(effect: &EffectId, kinds: &Kinds) -> Vec<usize> {
    let mut parts: Vec<&str> = effect.as_str().split("]/").collect();
    parts.pop();
    let index = |part: &str| {
        let (state, index) = part.rsplit_once('[')?;
        let name = state.rsplit_once('.').map_or(state, |(name, _)| name);
        (kinds.get(name).is_some_and(|kind| kind == "Map")).then(|| index.parse().ok()).flatten()
    };
    parts.into_iter().filter_map(index).collect()
}

impl Iteration {
    /// Says whether a call in these iterations is meant.
    pub(super) fn is(&self, iterations: &[usize]) -> bool {
        match self {
            Self::Inner(index) => iterations.last() == Some(index),
            Self::All(indices) => indices == iterations,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn branches_are_no_iterations() {
        let pass = json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}});
        let inner = json!({"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": [pass], "End": true}}});
        let kinds = kinds(&json!({"States": {"M": {"Type": "Map", "ItemProcessor": inner}}}));
        assert_eq!(kinds["P"], "Parallel");
        let found = iterations(&EffectId::new("M.1#0[2]/P.1#0[1]/A.3#0"), &kinds);
        assert_eq!(found, [2]);
        assert!(Iteration::Inner(2).is(&found) && Iteration::All(vec![2]).is(&found));
        assert!(!Iteration::Inner(1).is(&found) && !Iteration::All(vec![2, 1]).is(&found));
        assert!(iterations(&EffectId::new("A.1#0"), &kinds).is_empty());
    }
}
