//! The table of types, one file per field.

mod application;
mod compute;
mod data;
mod identity;
mod network;

/// What is known about one type.
pub(super) struct ResourceType {
    pub(super) kind: &'static str,
    /// Pattern of the physical id, which `Ref` gives.
    ///
    /// Places in patterns: `id`, `name`, `account`, `region`, `partition`, `suffix`, `stack`, `logical`, `uuid`, `octet` (1 to 254), `prop:P` (a
    /// property), and texts of a length: `hex:N`, `low:N` (lower case and digits), `up:N` (upper case and digits).
    pub(super) id: &'static str,
    /// Property with which the author chooses the name; a change of it replaces the resource.
    pub(super) name: Option<&'static str>,
    /// Longest name that is made up, in characters.
    pub(super) max_name: usize,
    /// Whether a name that is made up is in lower case.
    pub(super) lower_name: bool,
    /// Attributes and their patterns; `[a,b]` is a list.
    pub(super) attributes: &'static [(&'static str, &'static str)],
    /// Properties whose change replaces the resource, beside the name: `createOnlyProperties` of the public schemas (as in
    /// cfn-lint 1.x), and what the pages of older types say.
    pub(super) replace: &'static [&'static str],
    /// Properties whose change replaces the resource in some cases (`conditionalCreateOnlyProperties`, and create-only parts of a
    /// property); it is taken as a change in place.
    pub(super) may_replace: &'static [&'static str],
}

/// A type whose id is a name that nobody chose, without attributes; also every type that is not in the table.
pub(super) const PLAIN: ResourceType = ResourceType {
    kind: "",
    id: "{name}",
    name: None,
    max_name: 255,
    lower_name: false,
    attributes: &[],
    replace: &[],
    may_replace: &[],
};

/// Returns what is known about a type.
pub(super) fn find(kind: &str) -> &'static ResourceType {
    static UNKNOWN: ResourceType = PLAIN;
    all().find(|known| known.kind == kind).unwrap_or(&UNKNOWN)
}

/// Returns all types of the table.
pub(super) fn all() -> impl Iterator<Item = &'static ResourceType> {
    [application::TYPES, compute::TYPES, data::TYPES, identity::TYPES, network::TYPES].into_iter().flatten()
}
