//! Tables in three layouts: a line a row, columns stacked in groups, a block a row.

use comfy_table::Color;

use super::{
    terminal::{Terminal, finished, longest_word},
    text::safe,
};

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

impl Terminal {
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
