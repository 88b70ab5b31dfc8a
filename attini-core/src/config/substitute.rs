use thiserror::Error;

/// Longest text that replacing variables may make, in bytes. Values that hold each other twice double at each level.
const MAX_BYTES: usize = 1024 * 1024;

/// Variables that cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubstitutionError {
    /// The value of a variable leads back to the variable.
    #[error("the variable `{}` contains itself: {}", chain[0], chain.join(" -> "))]
    Cycle {
        /// The variables on the way; the first one is the last one too.
        chain: Vec<String>,
    },
    /// The values make a text nobody can have meant.
    #[error("replacing the variables makes a text of more than {MAX_BYTES} bytes")]
    TooLong,
}

/// Replaces `${name}` by the variable's value (init-deploy.md 4.3, actions.md 5.2).
///
/// - Values are replaced in turn. `${name:-text}` is `text` when the variable is unknown.
/// - An unknown variable without such a default stays as written. `$${name}` is the literal text `${name}`.
/// - Names are case-sensitive and end at the first `}`; they cannot be put together from other variables.
///
/// # Errors
///
/// [`SubstitutionError`] when a variable contains itself, or the text grows beyond 1 MiB.
///
/// # Examples
///
/// ```
/// use attini_core::config::substitute;
///
/// let lookup = |name: &str| (name == "environment").then(|| "dev".to_owned());
/// assert_eq!(substitute("${environment}-${x:-y}-${z}-$${environment}", &lookup)?, "dev-y-${z}-${environment}");
/// # Ok::<(), attini_core::config::SubstitutionError>(())
/// ```
pub fn substitute(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, SubstitutionError> {
    let mut substitution = Substitution { lookup, result: String::with_capacity(text.len()), open: Vec::new() };
    substitution.append(text)?;
    Ok(substitution.result)
}

struct Substitution<'l> {
    lookup: &'l dyn Fn(&str) -> Option<String>,
    result: String,
    /// The variables whose values are being replaced.
    open: Vec<String>,
}

impl Substitution<'_> {
    fn append(&mut self, text: &str) -> Result<(), SubstitutionError> {
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, from) = rest.split_at(start);
            if let Some(before) = before.strip_suffix('$') {
                self.literal(before)?;
                self.literal("${")?;
                rest = &from[2..];
                continue;
            }
            let Some(end) = from.find('}') else { break };
            self.literal(before)?;
            self.variable(&from[2..end], &from[..=end])?;
            rest = &from[end + 1..];
        }
        self.literal(rest)
    }

    fn variable(&mut self, inside: &str, written: &str) -> Result<(), SubstitutionError> {
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if let Some(first) = self.open.iter().position(|open| open == name) {
            let mut chain = self.open.split_off(first);
            chain.push(name.to_owned());
            return Err(SubstitutionError::Cycle { chain });
        }
        let Some(value) = (self.lookup)(name).or_else(|| default.map(str::to_owned)) else {
            return self.literal(written);
        };
        self.open.push(name.to_owned());
        self.append(&value)?;
        self.open.pop();
        Ok(())
    }

    fn literal(&mut self, text: &str) -> Result<(), SubstitutionError> {
        if self.result.len() + text.len() > MAX_BYTES {
            return Err(SubstitutionError::TooLong);
        }
        self.result.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn replaced(text: &str) -> Result<String, SubstitutionError> {
        let lookup = |name: &str| {
            let value = match name {
                "a" => "A",
                "b" => "<${a}>",
                "loop" => "x${pool}",
                "pool" => "${loop}",
                "escaped" => "$${a}",
                "half" => "${a",
                _ => return None,
            };
            Some(value.to_owned())
        };
        substitute(text, &lookup)
    }

    #[test]
    fn rules_of_variables() {
        for (text, expected) in [
            ("", ""),
            ("plain $a {a} $", "plain $a {a} $"),
            ("${a}${b}", "A<A>"),
            ("${A}", "${A}"),
            ("${}", "${}"),
            ("${x:-d}", "d"),
            ("${x:-}", ""),
            ("${a:-d}", "A"),
            ("${x:-d:-e}", "d:-e"),
            ("${x:-${a}", "${a"),
            ("${x:-${a}}", "${a}"),
            ("$${a}", "${a}"),
            ("$$${a}", "$${a}"),
            ("$${x:-d}", "${x:-d}"),
            ("${escaped}", "${a}"),
            ("${half}}", "${a}"),
            ("${a", "${a"),
            ("${a${b}}", "${a${b}}"),
            ("é${a}漢", "éA漢"),
        ] {
            assert_eq!(replaced(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_cycle_names_the_way() {
        let error = replaced("${loop}").expect_err("a cycle");
        assert_eq!(error.to_string(), "the variable `loop` contains itself: loop -> pool -> loop");
    }

    #[test]
    fn texts_that_double_stop_at_a_limit() {
        let lookup = |name: &str| {
            let level: u32 = name.parse().ok()?;
            Some(if level == 0 { "x".repeat(100) } else { format!("${{{0}}}${{{0}}}", level - 1) })
        };
        assert_eq!(substitute("${60}", &lookup), Err(SubstitutionError::TooLong));
    }

    proptest! {
        #[test]
        fn texts_without_variables_stay(text in "[^$]*") {
            prop_assert_eq!(replaced(&text), Ok(text));
        }

        #[test]
        fn no_text_panics(text in "[ab${}:é-]{0,20}") {
            let _ = replaced(&text);
        }
    }
}
