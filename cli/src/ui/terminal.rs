//! The terminal that text is printed to: its width, its colours, paragraphs and tables.

use anstream::{AutoStream, ColorChoice, stream::RawStream};
use anstyle::{AnsiColor, Style};
use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};
use std::io::{IsTerminal, stderr, stdout};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

use super::text::safe;

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

    /// Tables, all in the first layout that every one of them has room for: a line a row, or the columns of each group stacked in
    /// one, or a block a row.
    pub fn draw(self, tables: &[Rows]) -> Vec<String> {
        let wide: Vec<_> = tables.iter().map(Rows::spread).collect();
        let fits = |of: fn(&[Vec<String>]) -> usize, cells: &[Vec<String>]| self.has_columns(of(cells));
        if wide.iter().all(|cells| fits(whole_width, cells)) {
            return wide.iter().zip(tables).map(|(cells, rows)| self.lines(cells, rows)).collect();
        }
        let stacked: Vec<_> = tables.iter().map(|rows| rows.stacked("\n")).collect();
        if self.has_room() && stacked.iter().all(|cells| fits(least_width, cells)) {
            return stacked.iter().zip(tables).map(|(cells, rows)| self.lines(cells, rows)).collect();
        }
        tables.iter().map(|rows| self.blocks(rows)).collect()
    }

    /// The first of `cells` is the header.
    fn lines(self, cells: &[Vec<String>], rows: &Rows) -> String {
        let Some((header, cells)) = cells.split_first() else { return String::new() };
        let mut table = self.table(&header.iter().map(String::as_str).collect::<Vec<_>>());
        for (cells, (_, colour)) in cells.iter().zip(&rows.rows) {
            let last = header.len() - 1;
            let cell = |(place, text): (usize, &String)| self.cell(text, colour.filter(|_| place == last));
            table.add_row(cells.iter().enumerate().map(cell));
        }
        finished(table)
    }

    fn blocks(self, rows: &Rows) -> String {
        let stacked = rows.stacked(", ");
        let Some((header, blocks)) = stacked.split_first() else { return String::new() };
        let mut text = String::new();
        for (cells, (_, colour)) in blocks.iter().zip(&rows.rows) {
            for (place, (title, cell)) in header.iter().zip(cells).enumerate().filter(|(_, (_, cell))| !cell.is_empty())
            {
                let line = if place == 0 { self.prose(0, cell) } else { self.prose(2, &format!("{title}: {cell}")) };
                text += &self.painted(line.trim_end(), colour.filter(|_| place == header.len() - 1));
                text.push('\n');
            }
        }
        text
    }
}

fn wants_colour(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}

/// The rows of a table whose columns are in groups that a narrow terminal stacks.
#[derive(Clone, Debug)]
pub struct Rows {
    groups: Vec<Vec<&'static str>>,
    /// A cell a column, and the colour of the last.
    rows: Vec<(Vec<String>, Option<Color>)>,
}

impl Rows {
    /// A table without rows: the titles of its columns, group by group.
    pub fn new(groups: &[&[&'static str]]) -> Self {
        Self { groups: groups.iter().map(|group| group.to_vec()).collect(), rows: Vec::new() }
    }

    /// Adds a row; a cell may have several lines. Columns without a cell are empty.
    pub fn add<T: AsRef<str>>(&mut self, cells: &[T], colour: Option<Color>) {
        let mut cells: Vec<_> =
            cells.iter().map(|text| text.as_ref().split('\n').map(safe).collect::<Vec<_>>().join("\n")).collect();
        cells.resize(self.groups.iter().flatten().count(), String::new());
        self.rows.push((cells, colour));
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The header and the rows without the columns in which no row has anything.
    fn spread(&self) -> Vec<Vec<String>> {
        let header: Vec<_> = self.groups.iter().flatten().copied().map(str::to_owned).collect();
        let is_used = |&column: &usize| self.rows.iter().any(|(cells, _)| !cells[column].is_empty());
        let used: Vec<_> = (0..header.len()).filter(is_used).collect();
        let lines = std::iter::once(&header).chain(self.rows.iter().map(|(cells, _)| cells));
        lines.map(|cells| used.iter().map(|&column| cells[column].clone()).collect()).collect()
    }

    /// The header and the rows, the cells of a group joined.
    fn stacked(&self, by: &str) -> Vec<Vec<String>> {
        let header = self.groups.iter().map(|group| group[0].to_owned()).collect();
        let rows = self.rows.iter().map(|(cells, _)| {
            let mut cells = cells.iter();
            let stacked = |group: &Vec<&str>| {
                let own: Vec<_> = cells.by_ref().take(group.len()).filter(|cell| !cell.is_empty()).cloned().collect();
                own.join(by)
            };
            self.groups.iter().map(stacked).collect()
        });
        std::iter::once(header).chain(rows).collect()
    }
}

/// Columns of a table in which no line is broken.
fn whole_width(cells: &[Vec<String>]) -> usize {
    width(cells, |cell| cell.lines().map(|line| line.chars().count()).max().unwrap_or_default())
}

/// Columns of a table in which no id is broken.
fn least_width(cells: &[Vec<String>]) -> usize {
    width(cells, longest_word)
}

fn width(cells: &[Vec<String>], of: impl Fn(&String) -> usize) -> usize {
    let columns = cells.first().map_or(0, Vec::len);
    let widths = (0..columns).map(|column| cells.iter().map(|row| of(&row[column])).max().unwrap_or_default());
    widths.sum::<usize>() + 2 * columns.saturating_sub(1)
}

/// Characters of the longest word of a cell that a table does not break, the indentation included.
fn longest_word(cell: &String) -> usize {
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

    fn rows() -> Rows {
        let mut rows = Rows::new(&[&["Volume", "Name"], &["Region"], &["Age", "Verdict"]]);
        rows.add(&["vol-0123456789abcdef0", "na\u{1b}[2Jme", "", "9h", "covered, and more"], Some(Color::DarkGreen));
        rows
    }

    #[test]
    fn a_table_takes_the_first_layout_that_fits() {
        let drawn = |width| Terminal { width, is_coloured: false }.draw(&[rows()]).remove(0);
        let wide =
            "Volume                 Name     Age  Verdict\nvol-0123456789abcdef0  na [2Jme  9h   covered, and more\n";
        assert_eq!(drawn(None).replace("  ", " "), wide.replace("  ", " "));
        assert!(drawn(Some(72)).starts_with("Volume"));
        let block = "vol-0123456789abcdef0, na [2Jme\n  Age: 9h, covered, and more\n";
        assert_eq!(drawn(Some(40)), block);
    }

    #[test]
    fn columns_are_stacked_where_a_line_has_no_room() {
        let mut long = rows();
        long.add(&["vol-1", &"name ".repeat(10), "us-east-1", "9h", "covered"], None);
        let drawn = Terminal { width: Some(80), is_coloured: false }.draw(&[long]).remove(0);
        assert!(drawn.contains("vol-0123456789abcdef0") && drawn.lines().all(|line| line.len() <= 80), "{drawn}");
        assert!(drawn.lines().count() > 4, "{drawn}");
    }
}
