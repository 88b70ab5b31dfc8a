use std::collections::BTreeMap;

use md5::{Digest, Md5};

/// Returns the fingerprint of an init stack (init-deploy.md 6): 64 hexadecimal digits.
///
/// The MD5 of parameters, tags, variables and framework version, followed by that of the template.
#[must_use]
pub fn fingerprint(
    parameters: &BTreeMap<String, String>,
    tags: &BTreeMap<String, String>,
    variables: &BTreeMap<String, String>,
    version: &str,
    template: &[u8],
) -> String {
    let mut text = String::new();
    for map in [parameters, tags, variables] {
        let mut entries: Vec<String> = map.iter().map(|(key, value)| format!("{key}{value}")).collect();
        entries.sort();
        text.extend(entries);
    }
    text.push_str(version);
    format!("{}{}", hex::encode(Md5::digest(text.as_bytes())), hex::encode(Md5::digest(template)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn init_deploy_case_17() {
        let map = |entries: &[(&str, &str)]| {
            entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let found =
            fingerprint(&map(&[("A", "1"), ("B", "2")]), &map(&[]), &map(&[("v", "x")]), "1.0.0", b"Resources: {}\n");
        assert_eq!(found, "f064c2e320ee6cd4c51c461d31257c9b340b908c5f5df1bf0ad01dabebcab210");
    }
}
