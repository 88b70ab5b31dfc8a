//! The order in which resources can be worked on.

use std::collections::BTreeSet;

/// Groups nodes so that each depends only on earlier groups; inside a group the given order is kept.
///
/// # Errors
///
/// The nodes that are on a cycle or between two, in the given order.
pub(super) fn waves(nodes: &[(String, BTreeSet<String>)]) -> Result<Vec<Vec<String>>, Vec<String>> {
    let names: BTreeSet<&str> = nodes.iter().map(|(name, _)| name.as_str()).collect();
    let mut open: Vec<(&str, BTreeSet<&str>)> = nodes
        .iter()
        .map(|(name, needs)| {
            let present = |need: &&str| names.contains(need);
            (name.as_str(), needs.iter().map(String::as_str).filter(present).collect())
        })
        .collect();
    let mut waves = Vec::new();
    while !open.is_empty() {
        let ready: BTreeSet<&str> = open.iter().filter(|(_, needs)| needs.is_empty()).map(|(name, _)| *name).collect();
        if ready.is_empty() {
            return Err(without_dependents(open));
        }
        waves.push(open.iter().filter(|(name, _)| ready.contains(name)).map(|(name, _)| (*name).to_owned()).collect());
        open.retain(|(name, _)| !ready.contains(name));
        for (_, needs) in &mut open {
            needs.retain(|need| !ready.contains(need));
        }
    }
    Ok(waves)
}

/// Removes what merely depends on a cycle.
fn without_dependents(mut open: Vec<(&str, BTreeSet<&str>)>) -> Vec<String> {
    loop {
        let needed: BTreeSet<&str> = open.iter().flat_map(|(_, needs)| needs.iter().copied()).collect();
        let before = open.len();
        open.retain(|(name, _)| needed.contains(name));
        if open.len() == before {
            return open.into_iter().map(|(name, _)| name.to_owned()).collect();
        }
    }
}
