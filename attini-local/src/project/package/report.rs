//! What packaging says.

use std::collections::BTreeMap;

use attini_core::distribution::{SkipReason, Skipped, WriteReport};
use attini_core::problem::Problem;

use super::PackageEvent;

/// Names in one line of the report.
const NAMES: usize = 5;

pub(super) struct Teller<'a> {
    pub(super) tell: &'a mut dyn FnMut(PackageEvent),
    /// What the project and its copy are told of both.
    pub(super) told: Vec<String>,
}

impl Teller<'_> {
    pub(super) fn message(&mut self, text: String) {
        (self.tell)(PackageEvent::Message(text));
    }

    /// Tells each warning once.
    pub(super) fn warnings(&mut self, warnings: Vec<Problem>) {
        for warning in warnings {
            if !self.told.contains(&warning.message) {
                self.told.push(warning.message.clone());
                (self.tell)(PackageEvent::Warning(warning));
            }
        }
    }

    pub(super) fn report(&mut self, report: &WriteReport, skipped: &[Skipped]) {
        let files = counted(report.files.len(), "file");
        let mut text = format!("{files}, {} before compression", size_text(report.bytes));
        for (reason, names) in by_reason(skipped) {
            let more = names.len().saturating_sub(NAMES);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            text.push_str(&format!("\nLeft out, {reason}: {}{more}", names[..names.len().min(NAMES)].join(", ")));
        }
        text.lines().for_each(|line| self.message(line.to_owned()));
    }
}

/// Warnings name what was left out for its characters, so that is not here.
fn by_reason(skipped: &[Skipped]) -> BTreeMap<String, Vec<&str>> {
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for Skipped { entry, reason } in skipped {
        let reason = match reason {
            SkipReason::Rule { line, text } => format!("line {line} of .attini-ignore `{text}`"),
            SkipReason::Hidden => "hidden".to_owned(),
            SkipReason::NodeModules => "node_modules".to_owned(),
            SkipReason::Manifest => "written anew".to_owned(),
            SkipReason::Character(_) => continue,
        };
        groups.entry(reason).or_default().push(&entry.path);
    }
    groups
}

fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// Returns a number of bytes as people read it: `1.5 MiB`.
#[must_use]
pub fn size_text(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} bytes");
    }
    let mut tenths = count.saturating_mul(10) / 1024;
    let mut unit = 0;
    while tenths >= 10240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        let texts = [0, 1023, 1024, 1536, 1 << 20, 5 << 30, u64::MAX].map(size_text);
        assert_eq!(texts[..6], ["0 bytes", "1023 bytes", "1.0 KiB", "1.5 KiB", "1.0 MiB", "5.0 GiB"]);
    }
}
