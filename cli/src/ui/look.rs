//! How text looks where it is printed: as wide as the terminal, in colours where there is one and `NO_COLOR` is not set.

use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};
use std::io::{IsTerminal, stderr, stdout};

/// Columns from which a table has room for ids beside words.
const TABLE: usize = 72;

/// The place that text is printed to.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns of the terminal; none where there is no terminal, and lines are as long as they are.
    pub width: Option<usize>,
    /// Whether it shows colours.
    pub is_coloured: bool,
}

impl Look {
    /// Stdout.
    pub fn of_stdout() -> Self {
        // The library asks stderr and stdin as well, which say nothing of a pipe.
        let width = stdout().is_terminal().then(|| Table::new().width()).flatten().map(usize::from);
        let is_coloured = width.is_some() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { width, is_coloured }
    }

    /// Stderr, without colours.
    pub fn of_stderr() -> Self {
        let width = stderr().is_terminal().then(|| Table::new().use_stderr().width()).flatten().map(usize::from);
        Self { width, is_coloured: false }
    }

    /// Whether there is room for a table.
    pub fn has_room(self) -> bool {
        self.has_columns(TABLE)
    }

    /// Whether a line has this many columns.
    pub fn has_columns(self, columns: usize) -> bool {
        self.width.is_none_or(|width| width >= columns)
    }

    /// A table with this header, whose columns stand two spaces apart.
    pub fn table(self, header: &[&str]) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).force_no_tty();
        if let Some(width) = self.width.and_then(|width| u16::try_from(width).ok()) {
            table.set_width(width);
        }
        if self.is_coloured {
            table.enforce_styling();
        }
        let title =
            |title| if self.is_coloured { Cell::new(title).add_attribute(Attribute::Bold) } else { Cell::new(title) };
        table.set_header(header.iter().map(title));
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        if let Some(last) = table.column_mut(header.len().saturating_sub(1)) {
            last.set_padding((0, 0));
        }
        table
    }

    /// A cell in a colour.
    pub fn cell(self, text: impl ToString, colour: Option<Color>) -> Cell {
        match colour.filter(|_| self.is_coloured) {
            Some(colour) => Cell::new(text).fg(colour),
            None => Cell::new(text),
        }
    }

    /// Text that must not be overlooked.
    pub fn bad(self, text: &str) -> String {
        self.painted(text, "1;31")
    }

    /// Text that says that all is well.
    pub fn good(self, text: &str) -> String {
        self.painted(text, "32")
    }

    /// A heading.
    pub fn heading(self, text: &str) -> String {
        self.painted(text, "1")
    }

    fn painted(self, text: &str, code: &str) -> String {
        if self.is_coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Prose, indented, its lines broken between words; where they go on they are indented by two more.
    pub fn prose(self, indent: usize, text: &str) -> String {
        let room = self.width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(20));
        let (mut lines, mut line) = (String::new(), " ".repeat(indent));
        let mut used = 0;
        for word in text.split(' ') {
            let length = seen(word);
            if used > 0 && used + 1 + length > room {
                lines.push_str(&line);
                lines.push('\n');
                (line, used) = (" ".repeat(indent + 2), 2);
            } else if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
        }
        lines + &line + "\n"
    }
}

/// A table as text; its columns of ids, which must not be broken, are given.
pub fn finished(mut table: Table, whole: &[usize]) -> String {
    let widths = table.column_max_content_widths();
    for &index in whole {
        let width = widths.get(index).copied().unwrap_or_default();
        if let Some(column) = table.column_mut(index) {
            let width = width + column.padding_width();
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
        }
    }
    // Not trim_fmt, which trims before a colour ends.
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Characters of a word that are seen: a colour's code is not.
fn seen(word: &str) -> usize {
    let codes = word.split('\x1b').skip(1).filter_map(|rest| Some(rest.find('m')? + 2)).sum::<usize>();
    word.chars().count().saturating_sub(codes)
}

/// Text of an account's own, such as a tag: nothing in it moves the cursor or turns the line.
pub fn safe(text: &str) -> String {
    let moves = |character: char| {
        character.is_control()
            || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    text.chars().map(|character| if moves(character) { ' ' } else { character }).collect()
}

/// `1 snapshot`, `2 snapshots`
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_broken_between_words_and_a_long_word_stays_whole() {
        let look = Look { width: Some(24), is_coloured: false };
        let text = look.prose(2, "Refused: CreateSnapshot: https://console.aws.amazon.com/states/home denied");
        assert_eq!(
            text,
            "  Refused:\n    CreateSnapshot:\n    https://console.aws.amazon.com/states/home\n    denied\n"
        );
        assert_eq!(Look { width: None, is_coloured: false }.prose(0, &"word ".repeat(99)).lines().count(), 1);
    }

    #[test]
    fn a_colour_takes_no_room() {
        let look = Look { width: Some(22), is_coloured: true };
        assert_eq!(look.prose(0, &format!("the night is {}", look.good("complete"))).lines().count(), 1);
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        assert_eq!(safe("web\n\u{1b}[2J\u{202e}x"), "web  [2J x");
    }
}
