//! Texts in pictures: made harmless, measured, wrapped and cut.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Stands at the end of a text that was cut.
pub(super) const ELLIPSIS: char = '…';

/// Advance widths of the characters from blank to `~` in thousandths of the font size, in DejaVu Sans: the widest of the fonts that
/// `system-ui` and `sans-serif` commonly mean, so no text turns out wider than measured.
const NORMAL: [u16; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636,
    636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863,
    748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635,
    615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636,
    337, 636, 838,
];

/// The same for bold text.
const BOLD: [u16; 95] = [
    348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365, 696, 696, 696, 696, 696, 696, 696,
    696, 696, 696, 400, 400, 838, 838, 838, 580, 1000, 774, 762, 734, 830, 683, 683, 821, 837, 372, 372, 775, 637, 995,
    837, 850, 733, 850, 770, 720, 682, 812, 774, 1103, 771, 724, 725, 457, 365, 457, 838, 500, 500, 675, 716, 593, 716,
    678, 435, 716, 712, 343, 343, 665, 343, 1042, 712, 687, 716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582, 712,
    365, 712, 838,
];

/// The size of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Font {
    /// Height of the font in pixels.
    pub size: f64,
    /// Whether it is bold.
    pub bold: bool,
}

impl Font {
    /// Returns the most columns of pixels that a text takes.
    pub(super) fn width(self, text: &str) -> f64 {
        text.chars().map(|c| self.char_width(c)).sum()
    }

    fn char_width(self, c: char) -> f64 {
        let table = if self.bold { &BOLD } else { &NORMAL };
        let index = (c as usize).checked_sub(0x20);
        let thousandths = match index.and_then(|index| table.get(index)) {
            Some(width) => f64::from(*width),
            None => match (c.width().unwrap_or(0), c) {
                (0, _) => 0.0,
                // Letters of Latin, Greek, Cyrillic, Hebrew and Arabic, of which the widest are rare.
                (1, '\u{a0}'..='\u{6ff}') => 900.0,
                (1, _) => 1_100.0,
                // Ideographs are squares; pictures are wider.
                (_, '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{ffef}') => 1_030.0,
                _ => 1_400.0,
            },
        };
        thousandths * self.size / 1_000.0
    }

    /// Breaks a text into at most `lines` lines of at most `width` pixels, after blanks and signs where it can. What does not
    /// fit is cut with an ellipsis, which the second value tells.
    pub(super) fn wrap(self, text: &str, width: f64, lines: usize) -> (Vec<String>, bool) {
        let mut rest: Vec<char> = text.trim().chars().collect();
        let mut found = Vec::new();
        while !rest.is_empty() && found.len() < lines {
            let fitting = self.fitting(&rest, width);
            if fitting == rest.len() {
                found.push(rest.iter().collect());
                return (found, false);
            }
            if found.len() + 1 == lines {
                found.push(self.cut(&rest, width));
                return (found, true);
            }
            let breaks = (1..=fitting).rev().find(|at| is_break(rest[at - 1], rest.get(*at)));
            // A very short first line looks worse than a break inside of a word.
            let at = breaks.filter(|at| at * 3 >= fitting).unwrap_or(fitting).max(1);
            let line: String = rest[..at].iter().collect();
            found.push(line.trim_end().to_owned());
            rest.drain(..at);
            let blanks = rest.iter().take_while(|c| c.is_whitespace()).count();
            rest.drain(..blanks);
        }
        (found, !rest.is_empty())
    }

    /// Returns how many characters fit.
    fn fitting(self, text: &[char], width: f64) -> usize {
        let mut used = 0.0;
        let fits = |c: &&char| {
            used += self.char_width(**c);
            used <= width
        };
        text.iter().take_while(fits).count()
    }

    fn cut(self, text: &[char], width: f64) -> String {
        let fitting = self.fitting(text, width - self.char_width(ELLIPSIS));
        let kept: String = text[..fitting].iter().collect();
        format!("{}{ELLIPSIS}", kept.trim_end())
    }
}

/// Says whether a line may end after a character.
fn is_break(c: char, next: Option<&char>) -> bool {
    let is_sign = matches!(c, ' ' | '-' | '_' | '/' | '.' | ',' | '}' | ':');
    let is_hump = c.is_lowercase() && next.is_some_and(|next| next.is_uppercase());
    is_sign || is_hump || c.width() == Some(2)
}

/// Makes a foreign text harmless: line ends and tabs become blanks, other control characters and those that turn the
/// direction of writing around go.
pub(super) fn visible(text: &str) -> String {
    let harmless = |c: char| match c {
        '\n' | '\t' | '\r' => Some(' '),
        c if c.is_control() => None,
        '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        '\u{2028}' | '\u{2029}' => Some(' '),
        '\u{fffe}' | '\u{ffff}' => None,
        c => Some(c),
    };
    text.chars().filter_map(harmless).collect()
}

/// Cuts a text to so many columns of a terminal, with an ellipsis if something is missing.
pub(super) fn cut_columns(text: &str, columns: usize, ellipsis: &str) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let ellipsis = if ellipsis.width() < columns { ellipsis } else { "" };
    let room = columns - ellipsis.width();
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= room
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{}{ellipsis}", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FONT: Font = Font { size: 10.0, bold: false };

    #[test]
    fn lines_break_after_signs_and_never_get_wider() {
        let (lines, is_cut) = FONT.wrap("${AttiniEnvironmentName}-release-preview", 150.0, 3);
        assert_eq!(lines, ["${AttiniEnvironmentName}-", "release-preview"]);
        assert!(!is_cut);
        let (lines, is_cut) = FONT.wrap("a-very-long-name-that-goes-on-and-on-without-any-end-in-sight", 90.0, 2);
        assert!(is_cut && lines[1].ends_with('…'), "{lines:?}");
        assert!(lines.iter().all(|line| FONT.width(line) <= 90.0));
    }

    #[test]
    fn even_a_line_for_less_than_one_character_makes_progress() {
        assert_eq!(FONT.wrap("漢字", 1.0, 3).0.len(), 2);
        assert_eq!(FONT.wrap("", 10.0, 3), (Vec::new(), false));
    }

    #[test]
    fn foreign_text_cannot_turn_the_picture_around() {
        assert_eq!(visible("a\u{202e}b\u{7}\nc"), "ab c");
    }

    #[test]
    fn wide_characters_count_twice_in_a_terminal() {
        assert_eq!(cut_columns("日本語です", 5, "…"), "日本…");
        assert_eq!(cut_columns("abc", 3, "…"), "abc");
        assert_eq!(cut_columns("abcd", 2, "..."), "ab");
    }
}
