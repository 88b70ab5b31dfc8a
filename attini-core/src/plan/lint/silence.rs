//! What authors silence: comments in YAML files, metadata in resources and templates.
//!
//! A comment `# attini-lint: ignore AT012 reason` covers whatever begins on its line, or, when it stands alone, on the next
//! line with content: a step with everything in it, a field, a list item. `Metadata: {Attini: {Lint: {Ignore: [AT012]}}}`
//! covers its resource; at the top of a template it covers the file.

use std::collections::HashMap;

use super::project::Project;
use super::rule::{Finding, Findings, Level, Rule};
use super::{find_rule, rules};
use crate::document::{DocPath, Document, Node, NodeKind};
use crate::problem::SourceSpot;

/// What a comment starts with.
const MARK: &str = "attini-lint:";

/// Everything that authors silence in a project.
pub(super) struct Silencers {
    all: Vec<Silencer>,
    /// Comments and metadata that mean nothing: where, what is wrong.
    wrong: Vec<(Option<SourceSpot>, String)>,
}

struct Silencer {
    rule: &'static Rule,
    file: String,
    /// First and last line that it covers, counted from 1.
    lines: (u32, u32),
    at: Option<SourceSpot>,
    used: bool,
}

impl Silencers {
    pub(super) fn of(project: &Project) -> Self {
        let mut silencers = Self { all: Vec::new(), wrong: Vec::new() };
        for document in project.all_documents() {
            let text = document.text();
            if text.contains(MARK) && !document.file_name().ends_with(".json") {
                silencers.comments(document, &text);
            }
        }
        if let Some(template) = &project.template {
            silencers.metadata(template);
        }
        silencers
    }

    /// Says whether a finding is silenced.
    pub(super) fn silence(&mut self, finding: &Finding) -> bool {
        let Some(at) = &finding.at else { return false };
        let mut silenced = false;
        for silencer in &mut self.all {
            if *silencer.rule == *finding.rule
                && silencer.file == at.file
                && (silencer.lines.0..=silencer.lines.1).contains(&at.line)
            {
                silencer.used = true;
                silenced = true;
            }
        }
        silenced
    }

    /// Returns what is wrong with the silencers themselves, as far as the rules for that are among those that run.
    pub(super) fn findings(&self, run: &[&'static Rule]) -> Vec<Finding> {
        let mut found = Vec::new();
        if run.contains(&&rules::silencers::UNKNOWN) {
            let mut findings = Findings::of(&rules::silencers::UNKNOWN);
            for (at, message) in &self.wrong {
                findings.spot(at.clone(), message.clone()).help("`attini plan lint --rules` lists the rules");
            }
            found.append(&mut findings.found);
        }
        if run.contains(&&rules::silencers::USELESS) {
            let mut findings = Findings::of(&rules::silencers::USELESS);
            for silencer in self.all.iter().filter(|silencer| !silencer.used && run.contains(&silencer.rule)) {
                let message = format!("nothing here has to be silenced for {}", silencer.rule.code);
                findings.spot(silencer.at.clone(), message).help("remove it").level(Level::Note);
            }
            found.append(&mut findings.found);
        }
        found
    }

    fn comments(&mut self, document: &Document, text: &str) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = Lines::of(text);
        let mut units = Units::default();
        units.collect(document.root(), &lines);
        for (number, line) in (1_u32..).zip(lines.texts(text)) {
            let Some(column) = comment(line) else { continue };
            let at = lines.starts[number as usize - 1] + column;
            if units.texts.iter().any(|(start, end)| (*start..*end).contains(&at)) {
                continue;
            }
            let alone = line[..column].trim().is_empty();
            let target = if alone { following(text, &lines, number) } else { Some(number) };
            let covered = target.map(|line| (line, units.last.get(&line).copied().unwrap_or(line)));
            let words = line[column..].trim_start_matches('#').trim_start();
            let spot = SourceSpot {
                file: document.file_name().to_owned(),
                line: number,
                column: u32::try_from(line[..column].chars().count() + 1).unwrap_or(u32::MAX),
                length: u32::try_from(line[column..].trim_end().chars().count()).unwrap_or(u32::MAX),
                text: line.to_owned(),
            };
            self.directive(&words[MARK.len()..], &spot, covered.unwrap_or((number, number)));
        }
    }

    /// Reads `ignore AT012, AT013 reason`.
    fn directive(&mut self, text: &str, at: &SourceSpot, lines: (u32, u32)) {
        let mut words = text.split_whitespace();
        if words.next() != Some("ignore") {
            self.wrong
                .push((Some(at.clone()), format!("`{MARK}` has to be followed by `ignore` and the code of a rule")));
            return;
        }
        let mut any = false;
        for word in words {
            any = true;
            for name in word.split(',').filter(|name| !name.is_empty()) {
                self.add(name, Some(at.clone()), at.file.clone(), lines);
            }
            // What follows the last rule is the reason.
            if !word.ends_with(',') {
                break;
            }
        }
        if !any {
            self.wrong.push((Some(at.clone()), "`ignore` has to be followed by the code of a rule".to_owned()));
        }
    }

    fn add(&mut self, name: &str, at: Option<SourceSpot>, file: String, lines: (u32, u32)) {
        match find_rule(name) {
            Some(rule) => self.all.push(Silencer { rule, file, lines, at, used: false }),
            None => self.wrong.push((at, format!("there is no rule `{name}`"))),
        }
    }

    fn metadata(&mut self, template: &Document) {
        let root = DocPath::root();
        let whole = (1, u32::MAX);
        self.ignored(template, &root, whole);
        let text = template.text();
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let lines = Lines::of(text);
        let resources = root.key("Resources");
        for (key, node) in template.get(&resources).and_then(Node::as_map).into_iter().flatten() {
            if node.get("Metadata").is_some() {
                let first = lines.line(key.span.start);
                let last = last_line(node, &lines).max(first);
                self.ignored(template, &resources.key(&key.text), (first, last));
            }
        }
    }

    /// Reads `Metadata.Attini.Lint.Ignore` below a path.
    fn ignored(&mut self, template: &Document, at: &DocPath, lines: (u32, u32)) {
        let path = at.key("Metadata").key("Attini").key("Lint").key("Ignore");
        let Some(node) = template.get(&path) else { return };
        let mut wrong = |path: &DocPath| {
            let message = "`Ignore` has to be a list of codes of rules, such as `[AT012]`".to_owned();
            self.wrong.push((template.spot(path), message));
        };
        let Some(items) = node.as_list() else { return wrong(&path) };
        let mut found = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = path.index(index);
            // Words after the code are the reason.
            match item.as_text().and_then(|text| text.split_whitespace().next()) {
                Some(name) => found.push((name.to_owned(), template.spot(&path))),
                None => wrong(&path),
            }
        }
        for (name, at) in found {
            self.add(&name, at, template.file_name().to_owned(), lines);
        }
    }
}

/// Returns where the comment with the mark begins in a line, in bytes.
fn comment(line: &str) -> Option<usize> {
    line.match_indices('#').map(|(at, _)| at).find(|at| {
        let begins = *at == 0 || line[..*at].ends_with([' ', '\t']);
        begins && line[*at..].trim_start_matches('#').trim_start().starts_with(MARK)
    })
}

/// Returns the first line after one that holds more than a comment.
fn following(text: &str, lines: &Lines, number: u32) -> Option<u32> {
    let after = (1_u32..).zip(lines.texts(text)).skip(number as usize);
    let mut content = after.filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    content.next().map(|(number, _)| number)
}

/// Where lines begin.
struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        Self { starts }
    }

    /// The line of a byte, counted from 1.
    fn line(&self, offset: usize) -> u32 {
        u32::try_from(self.starts.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }

    fn texts<'t>(&'t self, text: &'t str) -> impl Iterator<Item = &'t str> {
        self.starts.iter().enumerate().map(move |(index, start)| {
            let end = self.starts.get(index + 1).copied().unwrap_or(text.len());
            text.get(*start..end).unwrap_or_default().trim_end_matches(['\n', '\r'])
        })
    }
}

/// What begins on which line: entries of maps and items of lists.
#[derive(Default)]
struct Units {
    /// The last line of the largest thing that begins on a line.
    last: HashMap<u32, u32>,
    /// Bytes of texts over several lines, in which `#` begins no comment.
    texts: Vec<(usize, usize)>,
}

impl Units {
    /// Documents limit the depth.
    fn collect(&mut self, node: &Node, lines: &Lines) {
        match &node.kind {
            NodeKind::Null => {}
            NodeKind::Scalar(_) => {
                if lines.line(node.span.start) < lines.line(node.span.end.saturating_sub(1)) {
                    self.texts.push((node.span.start, node.span.end));
                }
            }
            NodeKind::List(items) => {
                for item in items {
                    self.add(lines.line(item.span.start), last_line(item, lines));
                    self.collect(item, lines);
                }
            }
            NodeKind::Map(entries) => {
                for (key, value) in entries {
                    let first = lines.line(key.span.start);
                    self.add(first, last_line(value, lines).max(first));
                    self.collect(value, lines);
                }
            }
        }
    }

    fn add(&mut self, first: u32, last: u32) {
        let known = self.last.entry(first).or_insert(last);
        *known = last.max(*known);
    }
}

fn last_line(node: &Node, lines: &Lines) -> u32 {
    let own = lines.line(node.span.end.saturating_sub(1).max(node.span.start));
    match &node.kind {
        NodeKind::List(items) => items.last().map_or(own, |item| last_line(item, lines).max(own)),
        NodeKind::Map(entries) => entries.last().map_or(own, |(_, value)| last_line(value, lines).max(own)),
        _ => own,
    }
}
