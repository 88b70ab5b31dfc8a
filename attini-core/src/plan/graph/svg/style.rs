//! Colors, icons and words of the picture.

use super::super::StepClass;

/// Fonts of the reader's system; nothing is loaded.
const FONTS: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, Ubuntu, 'Noto Sans', 'DejaVu Sans', sans-serif";

/// What is the same in light and dark colors.
const FORM: &str = ".frame { stroke-width: 1.2; } .part { stroke-width: 1; stroke-dasharray: 3 4; fill: none; }
.card { stroke-width: 1.4; } .approval .card { stroke-width: 2.4; }
.unknown .card, .missing .card { stroke-dasharray: 5 3; }
.icon { fill: none; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }
.line { fill: none; stroke-width: 1.6; } .line.catch { stroke-dasharray: 5 4; }
.title { font-size: 19px; font-weight: 700; } .about, .key { font-size: 12px; }
.name { font-size: 13px; font-weight: 700; } .small { font-size: 11px; }";

/// Colors of one scheme.
struct Scheme {
    page: &'static str,
    text: &'static str,
    soft: &'static str,
    line: &'static str,
    frame: (&'static str, &'static str),
    chip: &'static str,
    warning: &'static str,
    /// Stroke and fill of the cards, by class.
    cards: [(&'static str, &'static str); 8],
}

/// The classes that share the colors at an index of [`Scheme::cards`].
const GROUPS: [&[StepClass]; 8] = [
    &[StepClass::Stack],
    &[StepClass::Job],
    &[StepClass::Approval],
    &[StepClass::Call],
    &[StepClass::Choice],
    &[StepClass::Fail, StepClass::Missing, StepClass::Unknown],
    &[StepClass::Succeed],
    &[StepClass::Import, StepClass::Merge, StepClass::Pass, StepClass::Wait, StepClass::Parallel, StepClass::Map],
];

const LIGHT: Scheme = Scheme {
    page: "#ffffff",
    text: "#1b2430",
    soft: "#566173",
    line: "#7b8798",
    frame: ("#c3cbd6", "#f6f8fa"),
    chip: "#ffffff",
    warning: "#9a4a00",
    cards: [
        ("#2563eb", "#f0f6ff"),
        ("#0f766e", "#edfaf7"),
        ("#b45309", "#fff7e3"),
        ("#6d3fd1", "#f6f2ff"),
        ("#a21caf", "#fdf2fe"),
        ("#c01f1f", "#fff1f0"),
        ("#15803d", "#effbf2"),
        ("#5b6779", "#f8f9fb"),
    ],
};

const DARK: Scheme = Scheme {
    page: "#12161d",
    text: "#e8ecf2",
    soft: "#a5b0c0",
    line: "#8390a3",
    frame: ("#3c4757", "#181e27"),
    chip: "#12161d",
    warning: "#ffb86b",
    cards: [
        ("#6ea8ff", "#16233a"),
        ("#4fd1c0", "#102b29"),
        ("#f5b04b", "#33260f"),
        ("#b79bff", "#241c3d"),
        ("#e58af0", "#33173a"),
        ("#ff8a80", "#3a1a1a"),
        ("#6fd68c", "#12301c"),
        ("#97a3b5", "#1d242e"),
    ],
};

/// Returns the style sheet.
pub(super) fn sheet() -> String {
    let (light, dark) = (rules(&LIGHT), rules(&DARK));
    format!("text {{ font-family: {FONTS}; }}\n{FORM}\n{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n")
}

fn rules(scheme: &Scheme) -> String {
    let (frame, inside) = scheme.frame;
    let Scheme { page, text, soft, line, chip, warning, .. } = scheme;
    let failure = scheme.cards[5].0;
    let mut rules = format!(
        ".page {{ fill: {page}; }} text {{ fill: {text}; }} .soft {{ fill: {soft}; }} .warning {{ fill: {warning}; }}\n\
         .frame {{ stroke: {frame}; fill: {inside}; }} .part {{ stroke: {frame}; }} .chip {{ fill: {chip}; }}\n\
         .line {{ stroke: {line}; }} .head {{ fill: {line}; }} .dot {{ fill: {soft}; stroke: {soft}; }}\n\
         .line.catch {{ stroke: {failure}; }} .head.catch, .said.catch {{ fill: {failure}; }}\n"
    );
    for (group, (stroke, fill)) in GROUPS.iter().zip(scheme.cards) {
        let of = |what: &str| {
            let names = group.iter().map(|class| format!(".{} {what}", class.word()));
            names.collect::<Vec<_>>().join(", ")
        };
        rules.push_str(&format!(
            "{} {{ stroke: {stroke}; fill: {fill}; }} {} {{ stroke: {stroke}; }}\n",
            of(".card"),
            of(".icon")
        ));
    }
    rules
}

/// Returns the icon of a class as a path in a square of 16 pixels.
pub(super) fn icon(class: StepClass) -> &'static str {
    match class {
        StepClass::Stack => "M8 1.5 14.5 5 8 8.5 1.5 5ZM1.5 8 8 11.5 14.5 8M1.5 11 8 14.5 14.5 11",
        StepClass::Job => "M1.5 2.5h13v11h-13ZM4 6l2.2 2L4 10M8.2 10.5H12",
        StepClass::Approval => {
            "M6 7.4A2.8 2.8 0 1 0 6 1.8 2.8 2.8 0 0 0 6 7.4ZM1 14.2C1 11.2 3 9.6 6 9.6c1.2 0 2.2.3 3 .8M9.8 12.6l1.9 1.9 3.5-4"
        }
        StepClass::Call => "M4 2h1.6l5.6 12H13M7.4 6.2 3.4 14",
        StepClass::Import => "M8 1.5V10M4.5 6.7 8 10.2l3.5-3.5M2 11v3.3h12V11",
        StepClass::Merge => "M3 1.8V4c0 3.4 5 3.4 5 6.8v3.4M13 1.8V4c0 3.4-5 3.4-5 6.8M5.6 11.9 8 14.4l2.4-2.5",
        StepClass::Choice => "M8 14.5V9.5L3 4.5M8 9.5l5-5M2.6 8V4.1h3.9M13.4 8V4.1H9.5",
        StepClass::Parallel => {
            "M3 2v12M8 2v12M13 2v12M1.4 12.4 3 14l1.6-1.6M6.4 12.4 8 14l1.6-1.6M11.4 12.4 13 14l1.6-1.6"
        }
        StepClass::Map => "M1.8 2.2h9v6.4h-9ZM4.5 11.2h9V4.8M7 14h8.2V8",
        StepClass::Pass => "M1.8 8H14M9.5 3.8 14 8l-4.5 4.2",
        StepClass::Wait => "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM8 4.4V8l2.6 2",
        StepClass::Succeed => "M2.6 8.6 6.2 12.2 13.4 4.4",
        StepClass::Fail => "M3.8 3.8l8.4 8.4M12.2 3.8l-8.4 8.4",
        StepClass::Unknown => "M5.3 5.4a2.7 2.7 0 1 1 4 2.4C8.4 8.3 8 8.9 8 9.8v.4M8 13v.3",
        StepClass::Missing => "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM3.5 12.5 12.5 3.5",
    }
}

/// Returns what a class is called in the legend.
pub(super) fn meaning(class: StepClass) -> &'static str {
    match class {
        StepClass::Stack => "stack",
        StepClass::Job => "job on a runner",
        StepClass::Approval => "waits for a person",
        StepClass::Call => "function or service",
        StepClass::Import => "values of another distribution",
        StepClass::Merge => "merge of outputs",
        StepClass::Choice => "choice",
        StepClass::Parallel => "branches side by side",
        StepClass::Map => "once for each item",
        StepClass::Pass => "change of the payload",
        StepClass::Wait => "wait",
        StepClass::Succeed => "success",
        StepClass::Fail => "failure",
        StepClass::Unknown => "unknown type",
        StepClass::Missing => "missing step",
    }
}
