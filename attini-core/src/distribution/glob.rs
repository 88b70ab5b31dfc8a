//! Globs as `.attini-ignore` files use them (cli.md 8.2).

use thiserror::Error;

/// A pattern over relative paths with `/` between their parts. The whole path must match; letter case counts.
///
/// | Token | Matches |
/// |---|---|
/// | `*` | any run of characters except `/`, leading dots included |
/// | `**` | any run of characters |
/// | `?` | one character except `/` |
/// | `[abc]` `[a-z]` `[!abc]` | one character of (not of) the class, never `/`; `\`, `*`, `?` and a leading `^` stand for themselves |
/// | `{a,b}` | one of the alternatives, without nesting |
/// | `\x` | `x` itself |
///
/// `**/x` therefore does not match a top-level `x`: the `/` must be there. Existing projects depend on it
/// (user-projects.md 2). Matching takes time proportional to pattern times path, whatever the pattern.
#[derive(Debug, Clone)]
pub(super) struct Glob {
    program: Vec<Op>,
}

/// Why a pattern is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum GlobError {
    #[error("`[` is never closed")]
    UnclosedClass,
    #[error("`{{` is never closed")]
    UnclosedGroup,
    #[error("`{{` stands inside `{{…}}`; groups cannot be nested")]
    NestedGroup,
    #[error("`\\` at the end quotes nothing")]
    TrailingBackslash,
    #[error("`[]` names no character")]
    EmptyClass,
    #[error("`/` stands inside `[…]`, which never matches it")]
    SlashInClass,
    #[error("a range in `[…]` ends before it starts")]
    BadRange,
}

#[derive(Debug, Clone)]
enum Op {
    Char(char),
    AnyButSlash,
    Any,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    /// Goes on at both places.
    Split(usize, usize),
    Jump(usize),
}

impl Glob {
    pub(super) fn parse(text: &str) -> Result<Self, GlobError> {
        let mut parser = Parser { rest: text.chars().peekable(), program: Vec::new() };
        parser.run()?;
        Ok(Self { program: parser.program })
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        let end = self.program.len();
        let mut current = Places::new(end);
        let mut next = Places::new(end);
        current.add(&self.program, 0);
        for c in path.chars() {
            for &place in &current.list {
                let fits = match self.program.get(place) {
                    Some(Op::Char(expected)) => *expected == c,
                    Some(Op::AnyButSlash) => c != '/',
                    Some(Op::Any) => true,
                    Some(Op::Class { negated, ranges }) => {
                        c != '/' && *negated != ranges.iter().any(|(from, to)| (*from..=*to).contains(&c))
                    }
                    Some(Op::Split(..) | Op::Jump(_)) | None => false,
                };
                if fits {
                    next.add(&self.program, place + 1);
                }
            }
            if next.list.is_empty() {
                return false;
            }
            std::mem::swap(&mut current, &mut next);
            next.clear();
        }
        current.seen.get(end).copied().unwrap_or(false)
    }
}

/// The places of the program that are reached after some of the characters.
struct Places {
    seen: Vec<bool>,
    list: Vec<usize>,
    pending: Vec<usize>,
}

impl Places {
    fn new(end: usize) -> Self {
        Self { seen: vec![false; end + 1], list: Vec::new(), pending: Vec::new() }
    }

    fn clear(&mut self) {
        self.seen.fill(false);
        self.list.clear();
    }

    fn add(&mut self, program: &[Op], place: usize) {
        self.pending.push(place);
        while let Some(place) = self.pending.pop() {
            if std::mem::replace(&mut self.seen[place], true) {
                continue;
            }
            match program.get(place) {
                Some(Op::Split(one, other)) => self.pending.extend([*one, *other]),
                Some(Op::Jump(target)) => self.pending.push(*target),
                Some(_) | None => self.list.push(place),
            }
        }
    }
}

struct Parser<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    program: Vec<Op>,
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), GlobError> {
        while let Some(c) = self.rest.next() {
            if c == '{' {
                self.group()?;
            } else {
                self.token(c)?;
            }
        }
        Ok(())
    }

    fn token(&mut self, c: char) -> Result<(), GlobError> {
        match c {
            '\\' => {
                let quoted = self.rest.next().ok_or(GlobError::TrailingBackslash)?;
                self.program.push(Op::Char(quoted));
            }
            '*' if self.rest.next_if_eq(&'*').is_some() => self.repeat(Op::Any),
            '*' => self.repeat(Op::AnyButSlash),
            '?' => self.program.push(Op::AnyButSlash),
            '[' => self.class()?,
            _ => self.program.push(Op::Char(c)),
        }
        Ok(())
    }

    fn repeat(&mut self, op: Op) {
        let start = self.program.len();
        self.program.extend([Op::Split(start + 1, start + 3), op, Op::Jump(start)]);
    }

    /// Each alternative is `Split(itself, next one)`, its tokens, `Jump(end)`.
    fn group(&mut self) -> Result<(), GlobError> {
        let mut jumps = Vec::new();
        let mut split = self.open_alternative();
        loop {
            match self.rest.next().ok_or(GlobError::UnclosedGroup)? {
                '{' => return Err(GlobError::NestedGroup),
                '}' => break,
                ',' => {
                    jumps.push(self.program.len());
                    self.program.push(Op::Jump(0));
                    let next = self.program.len();
                    self.program[split] = Op::Split(split + 1, next);
                    split = self.open_alternative();
                }
                c => self.token(c)?,
            }
        }
        // The last alternative has no next one.
        self.program[split] = Op::Jump(split + 1);
        let end = self.program.len();
        for jump in jumps {
            self.program[jump] = Op::Jump(end);
        }
        Ok(())
    }

    fn open_alternative(&mut self) -> usize {
        self.program.push(Op::Jump(0));
        self.program.len() - 1
    }

    fn class(&mut self) -> Result<(), GlobError> {
        let negated = self.rest.next_if_eq(&'!').is_some();
        let mut ranges = Vec::new();
        loop {
            let from = match self.rest.next().ok_or(GlobError::UnclosedClass)? {
                ']' if ranges.is_empty() => return Err(GlobError::EmptyClass),
                ']' => break,
                '/' => return Err(GlobError::SlashInClass),
                c => c,
            };
            ranges.push((from, from));
            // A `-` at either end of the class is a plain character.
            if from == '-' || self.rest.peek() != Some(&'-') {
                continue;
            }
            self.rest.next();
            match self.rest.next().ok_or(GlobError::UnclosedClass)? {
                ']' => {
                    ranges.push(('-', '-'));
                    break;
                }
                '/' => return Err(GlobError::SlashInClass),
                to if to < from => return Err(GlobError::BadRange),
                to => ranges.push((from, to)),
            }
        }
        self.program.push(Op::Class { negated, ranges });
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(glob: &str, matching: &[&str], others: &[&str]) {
        let parsed = Glob::parse(glob).unwrap();
        for path in matching {
            assert!(parsed.matches(path), "`{glob}` must match `{path}`");
        }
        for path in others {
            assert!(!parsed.matches(path), "`{glob}` must not match `{path}`");
        }
    }

    #[test]
    fn tokens_of_the_table() {
        check("*.md", &["r.md", ".md"], &["d/r.md", "r.mdx"]);
        check("**.md", &["r.md", "d/r.md", "a/b/c.md"], &["r.MD"]);
        check("a?c", &["abc", "aåc"], &["a/c", "ac"]);
        check("[abc]x", &["ax", "cx"], &["dx", "x"]);
        check("[a-c1-3]", &["b", "2"], &["d", "-"]);
        check("[!a-c]", &["d", "!"], &["a", "/"]);
        check("[-a]", &["-", "a"], &["b"]);
        check("[a-]", &["-", "a"], &["b"]);
        check("[*?\\]", &["*", "?", "\\"], &["a"]);
        check("[^a]", &["^", "a"], &["b"]);
        check("*.{js,ts}", &["a.js", "a.ts"], &["a.jsts", "a.", "a.rs"]);
        check("x{,y}z", &["xz", "xyz"], &["xyyz"]);
        check("{a*,?b}/c", &["aaa/c", "xb/c"], &["b/c"]);
        check("a}b,c", &["a}b,c"], &["ab"]);
        check(r"\*\{", &["*{"], &["x{"]);
        check("", &[""], &["a"]);
    }

    #[test]
    fn double_star_slash_misses_the_top_level() {
        check("**/x", &["a/x", "a/b/x"], &["x"]);
        check("**/.*", &["d/.x", "a/b/.y"], &[".x", "a/.y/z"]);
        check("**/node_modules/**", &["a/node_modules/b"], &["node_modules/b", "a/node_modules"]);
        check("**/cdk.out/**", &["sub/cdk.out/f"], &["cdk.out/f", "sub/cdk.out"]);
        check("src/**", &["src/a", "src/a/b"], &["src"]);
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for (text, error) in [
            ("[a", GlobError::UnclosedClass),
            ("[a-", GlobError::UnclosedClass),
            ("[", GlobError::UnclosedClass),
            ("{a", GlobError::UnclosedGroup),
            ("{a,{b}}", GlobError::NestedGroup),
            ("a\\", GlobError::TrailingBackslash),
            ("{a\\", GlobError::TrailingBackslash),
            ("[]", GlobError::EmptyClass),
            ("[!]", GlobError::EmptyClass),
            ("[a/]", GlobError::SlashInClass),
            ("[z-a]", GlobError::BadRange),
        ] {
            assert_eq!(Glob::parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn many_stars_stay_quick() {
        let glob = Glob::parse(&"**a".repeat(200)).unwrap();
        assert!(!glob.matches(&"a".repeat(199)));
        assert!(glob.matches(&"a".repeat(2000)));
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused(pattern in "[a-c*?/{},!^\\-\\[\\]\\\\]{0,30}", path in "[a-c/]{0,20}") {
            if let Ok(glob) = Glob::parse(&pattern) {
                glob.matches(&path);
            }
        }

        #[test]
        fn quoted_text_matches_itself_only(text in "[a-c*?/{},\\[\\]\\\\]{1,20}") {
            let quoted: String = text.chars().flat_map(|c| ['\\', c]).collect();
            let glob = Glob::parse(&quoted).unwrap();
            prop_assert!(glob.matches(&text));
            let longer = format!("{text}a");
            prop_assert!(!glob.matches(&longer));
        }
    }
}
