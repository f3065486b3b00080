//! The terminal that text is printed to: its width, its colours, paragraphs and tables.

use anstream::{AutoStream, ColorChoice, stream::RawStream};
use anstyle::{AnsiColor, Style};
use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};
use std::io::{IsTerminal, stderr, stdout};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// Columns from which a table has room for ids beside words.
const TABLE: usize = 72;
/// Columns of a paragraph at most: longer lines are hard to read.
const PARAGRAPH: usize = 100;
/// Characters of a word that a table does not break: those of an id, indented.
const WORD: usize = 24;

/// Where text is printed.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Columns; none for a pipe or a file, whose lines are not broken.
    pub width: Option<usize>,
    /// Whether to colour.
    pub is_coloured: bool,
}

impl Terminal {
    /// Stdout.
    pub fn of_stdout() -> Self {
        // The library asks stderr and stdin as well, which say nothing of a pipe.
        let width = stdout().is_terminal().then(|| Table::new().width()).flatten();
        Self { width: width.map(usize::from), is_coloured: wants_colour(&stdout()) }
    }

    /// Stderr.
    pub fn of_stderr() -> Self {
        let width = stderr().is_terminal().then(|| Table::new().use_stderr().width()).flatten();
        Self { width: width.map(usize::from), is_coloured: wants_colour(&stderr()) }
    }

    /// Whether there is room for a table.
    pub fn has_room(self) -> bool {
        self.has_columns(TABLE)
    }

    /// Whether a line has this many columns.
    pub fn has_columns(self, columns: usize) -> bool {
        self.width.is_none_or(|width| width >= columns)
    }

    /// Text that must not be overlooked.
    pub fn bad(self, text: &str) -> String {
        self.styled(text, AnsiColor::Red.on_default().bold())
    }

    /// Text that says that all is well.
    pub fn good(self, text: &str) -> String {
        self.styled(text, AnsiColor::Green.on_default())
    }

    /// A heading.
    pub fn heading(self, text: &str) -> String {
        self.styled(text, Style::new().bold())
    }

    /// Text in the colour of a table's cell.
    pub fn painted(self, text: &str, colour: Option<Color>) -> String {
        match colour {
            Some(Color::DarkRed) => self.bad(text),
            Some(Color::DarkGreen) => self.good(text),
            _ => text.to_owned(),
        }
    }

    fn styled(self, text: &str, style: Style) -> String {
        if self.is_coloured { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// A paragraph, indented, broken between words; further lines are indented by two more.
    pub fn prose(self, indent: usize, text: &str) -> String {
        let Some(width) = self.width else { return format!("{:indent$}{text}\n", "") };
        let (first, further) = (" ".repeat(indent), " ".repeat(indent + 2));
        let options = Options::new(width.min(PARAGRAPH).max(indent + 20))
            .initial_indent(&first)
            .subsequent_indent(&further)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit);
        textwrap::fill(text, options) + "\n"
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
        table.set_header(header.iter().map(|title| match self.is_coloured {
            true => Cell::new(title).add_attribute(Attribute::Bold),
            false => Cell::new(title),
        }));
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
}

fn wants_colour(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}

/// Characters of the longest word of a cell that a table does not break, the indentation included.
pub fn longest_word(cell: &String) -> usize {
    let indented = cell.len() - cell.trim_start_matches(' ').len();
    cell.split_whitespace().map(|word| word.chars().count() + indented).max().unwrap_or_default().min(WORD)
}

/// A table as text, in which no word as long as an id is broken.
pub fn finished(mut table: Table) -> String {
    let columns = table.column_iter().count();
    let longest = |index| {
        let cells = table.column_cells_with_header_iter(index).flatten();
        cells.map(|cell| longest_word(&cell.content())).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns).map(longest).collect();
    for (column, width) in table.column_iter_mut().zip(widths) {
        let width = u16::try_from(width).unwrap_or_default() + column.padding_width();
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
    }
    // Not trim_fmt, which trims before a colour ends.
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Terminal = Terminal { width: None, is_coloured: false };

    #[test]
    fn prose_is_broken_between_words_and_a_long_word_stays_whole() {
        let narrow = Terminal { width: Some(24), ..PLAIN };
        let text = narrow.prose(2, "Refused: CreateSnapshot: https://console.aws.amazon.com/states/home denied");
        assert_eq!(
            text,
            "  Refused:\n    CreateSnapshot:\n    https://console.aws.amazon.com/states/home\n    denied\n"
        );
        assert_eq!(PLAIN.prose(0, &"word ".repeat(99)).lines().count(), 1);
    }

    #[test]
    fn a_colour_takes_no_room() {
        let coloured = Terminal { width: Some(22), is_coloured: true };
        assert_eq!(coloured.prose(0, &format!("the night is {}", coloured.good("complete"))).lines().count(), 1);
    }
}
