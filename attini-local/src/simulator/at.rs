//! Where in a template a value stands.

use std::fmt;

/// A place in a template; costs nothing until it is shown: `/Resources/Queue/Properties/QueueName`.
pub(super) enum At<'a> {
    Root,
    Key(&'a At<'a>, &'a str),
    Index(&'a At<'a>, usize),
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(parent, key) => write!(f, "{parent}/{key}"),
            Self::Index(parent, index) => write!(f, "{parent}/{index}"),
        }
    }
}

/// Calls `work` with the place of a member of a section: `/Resources/Queue/Properties`, or `/Conditions/IsProd` without an
/// attribute.
pub(super) fn member<T>(section: &str, name: &str, attribute: &str, work: impl FnOnce(&At<'_>) -> T) -> T {
    let root = At::Root;
    let section = At::Key(&root, section);
    let member = At::Key(&section, name);
    if attribute.is_empty() { work(&member) } else { work(&At::Key(&member, attribute)) }
}
