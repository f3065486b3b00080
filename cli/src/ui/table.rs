//! Tables in three layouts: one line per row, stacked columns, or one block per row.

use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::{terminal::Terminal, text::safe};

/// Maximum length of a word that is never broken, in characters: an indented id.
const WORD: usize = 24;

/// Table whose columns are in groups. On a narrow terminal, the columns of a group are stacked.
#[derive(Clone, Debug)]
pub struct Rows {
    groups: Vec<Vec<&'static str>>,
    /// One cell per column, and the colour of the last cell.
    rows: Vec<(Vec<String>, Option<Color>)>,
}

impl Rows {
    /// Creates a table without rows. `groups` has the column titles of each group.
    pub fn new(groups: &[&[&'static str]]) -> Self {
        Self { groups: groups.iter().map(|group| group.to_vec()).collect(), rows: Vec::new() }
    }

    /// Adds a row. A cell may have several lines. Missing cells are empty.
    pub fn add<T: AsRef<str>>(&mut self, cells: &[T], colour: Option<Color>) {
        let mut cells: Vec<_> =
            cells.iter().map(|text| text.as_ref().split('\n').map(safe).collect::<Vec<_>>().join("\n")).collect();
        cells.resize(self.groups.iter().flatten().count(), String::new());
        self.rows.push((cells, colour));
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the header and the rows, without the columns that are empty in every row.
    fn spread(&self) -> Vec<Vec<String>> {
        let header: Vec<_> = self.groups.iter().flatten().copied().map(str::to_owned).collect();
        let is_used = |&column: &usize| self.rows.iter().any(|(cells, _)| !cells[column].is_empty());
        let used: Vec<_> = (0..header.len()).filter(is_used).collect();
        let lines = std::iter::once(&header).chain(self.rows.iter().map(|(cells, _)| cells));
        lines.map(|cells| used.iter().map(|&column| cells[column].clone()).collect()).collect()
    }

    /// Returns the header and the rows, with the cells of each group joined by `by`.
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

/// Returns the width of a table in which no line is broken.
fn whole_width(cells: &[Vec<String>]) -> usize {
    width(cells, |cell| cell.lines().map(|line| line.chars().count()).max().unwrap_or_default())
}

/// Returns the width of a table in which no id is broken.
fn least_width(cells: &[Vec<String>]) -> usize {
    width(cells, longest_word)
}

fn width(cells: &[Vec<String>], of: fn(&str) -> usize) -> usize {
    let widths: Vec<_> = widths(cells, of).collect();
    widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)
}

fn widths(cells: &[Vec<String>], of: fn(&str) -> usize) -> impl Iterator<Item = usize> {
    let columns = cells.first().map_or(0, Vec::len);
    (0..columns).map(move |column| cells.iter().map(|row| of(&row[column])).max().unwrap_or_default())
}

/// Returns the length of the longest word of a cell with its indentation, at most [`WORD`] characters.
fn longest_word(cell: &str) -> usize {
    let indented = cell.len() - cell.trim_start_matches(' ').len();
    cell.split_whitespace().map(|word| word.chars().count() + indented).max().unwrap_or_default().min(WORD)
}

impl Terminal {
    /// Renders all tables in the first layout that fits every table: one line per row, stacked columns, or one block per row.
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

    /// Renders one line per row. The first of `cells` is the header. Two spaces separate the columns.
    fn lines(self, cells: &[Vec<String>], rows: &Rows) -> String {
        let Some((header, lines)) = cells.split_first() else { return String::new() };
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).force_no_tty();
        if let Some(width) = self.width.and_then(|width| u16::try_from(width).ok()) {
            table.set_width(width);
        }
        if self.is_coloured {
            table.enforce_styling();
        }
        table.set_header(header.iter().map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
        let last = header.len().saturating_sub(1);
        for (cells, (_, colour)) in lines.iter().zip(&rows.rows) {
            let cell = |(place, text)| match colour.filter(|_| place == last) {
                Some(colour) => Cell::new(text).fg(colour),
                None => Cell::new(text),
            };
            table.add_row(cells.iter().enumerate().map(cell));
        }
        for ((place, column), width) in table.column_iter_mut().enumerate().zip(widths(cells, longest_word)) {
            column.set_padding((0, if place == last { 0 } else { 2 }));
            let width = u16::try_from(width).unwrap_or_default() + column.padding_width();
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
        }
        // Does not use trim_fmt, which trims before a colour ends.
        table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
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

#[cfg(test)]
mod tests {
    use super::*;

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
