//! How a table is laid out: on one line a row where the terminal is wide enough or there is none, else on two, else as a block a
//! row; and in colour on a terminal that wants it.

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use std::io::IsTerminal;

use crate::ui::look::safe;

/// Where it is printed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Screen {
    /// Columns of the terminal; none for a pipe or a file.
    pub width: Option<u16>,
    /// Whether to colour.
    pub colour: bool,
}

/// How a row's last column is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// As it should not be.
    Bad,
    /// Neither.
    Plain,
}

/// One row, in each of its layouts. Its last cell is the one that counts: it is coloured.
#[derive(Clone, Debug)]
pub struct Entry {
    /// A cell a column.
    pub wide: Vec<String>,
    /// Fewer columns; a cell may have several lines.
    pub medium: Vec<String>,
    /// Lines of a block, the last cell first.
    pub narrow: Vec<String>,
    /// The colour.
    pub tone: Tone,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// The columns' names.
    pub wide: Vec<&'static str>,
    /// The names of the fewer columns.
    pub medium: Vec<&'static str>,
    /// The rows.
    pub entries: Vec<Entry>,
}

/// A layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layout {
    /// A line a row.
    Wide,
    /// Two lines or so.
    Medium,
    /// A block.
    Narrow,
}

impl Sheet {
    /// Without the columns of the wide layout in which no row has anything.
    pub fn without_empty_columns(mut self) -> Self {
        for place in (0..self.wide.len()).rev() {
            if self.entries.iter().all(|entry| entry.wide[place].is_empty()) {
                self.wide.remove(place);
                self.entries.iter_mut().for_each(|entry| drop(entry.wide.remove(place)));
            }
        }
        self
    }
}

impl Screen {
    /// Stdout as it is.
    pub fn of_stdout() -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let colour = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { width: if is_terminal { Table::new().width() } else { None }, colour }
    }

    /// The first layout in which every one of these tables has room.
    pub fn layout<'a>(self, sheets: impl Iterator<Item = &'a Sheet>) -> Layout {
        let fits = |needed: usize| self.width.is_none_or(|width| needed <= width.into());
        let fitting = |sheet: &Sheet| match () {
            () if fits(width_of(&sheet.wide, sheet.entries.iter().map(|entry| &entry.wide))) => Layout::Wide,
            () if fits(width_of(&sheet.medium, sheet.entries.iter().map(|entry| &entry.medium))) => Layout::Medium,
            () => Layout::Narrow,
        };
        sheets.map(fitting).max().unwrap_or(Layout::Wide)
    }

    /// The table in a layout, each line ended.
    pub fn draw(self, sheet: &Sheet, layout: Layout) -> String {
        let (names, entries) = match layout {
            Layout::Narrow => return sheet.entries.iter().map(|entry| self.block(entry)).collect(),
            Layout::Wide => (&sheet.wide, sheet.entries.iter().map(|entry| (entry, &entry.wide)).collect::<Vec<_>>()),
            Layout::Medium => (&sheet.medium, sheet.entries.iter().map(|entry| (entry, &entry.medium)).collect()),
        };
        let mut table = self.table();
        table.set_header(names.iter().map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
        for (entry, cells) in entries {
            let last = cells.len() - 1;
            table.add_row(cells.iter().enumerate().map(|(place, text)| match color(entry.tone) {
                Some(color) if place == last => Cell::new(shown(text)).fg(color),
                _ => Cell::new(shown(text)),
            }));
        }
        lines(table)
    }

    fn block(self, entry: &Entry) -> String {
        let mut lines = entry.narrow.iter();
        let first = lines.next().map(|line| self.paint(&self.wrap(&shown(line), 0), entry.tone)).unwrap_or_default();
        let indented = |line: &String| self.wrap(&shown(line.trim_start()), 2 + line.len() - line.trim_start().len());
        first + &lines.map(indented).collect::<String>()
    }

    /// A paragraph, broken between words where the terminal ends, 100 columns wide at most.
    pub fn wrap(self, text: &str, indent: usize) -> String {
        let Some(width) = self.width else { return format!("{:indent$}{text}\n", "") };
        let mut table = Self { width: Some(width.min(100).saturating_sub(indent as u16)), colour: false }.table();
        table.add_row([text]);
        lines(table).lines().map(|line| format!("{:indent$}{line}\n", "")).collect()
    }

    /// Text in bold.
    pub fn bold(self, text: &str) -> String {
        if self.colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Lines in a tone's colour.
    pub fn paint(self, text: &str, tone: Tone) -> String {
        let code = match tone {
            Tone::Good => 32,
            Tone::Bad => 31,
            Tone::Plain => return text.to_owned(),
        };
        if self.colour { format!("\u{1b}[{code}m{}\u{1b}[0m\n", text.trim_end()) } else { text.to_owned() }
    }

    fn table(self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if self.colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        if let Some(width) = self.width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width + 2);
        }
        table
    }
}

/// Columns are two apart, and the first begins at the margin.
fn lines(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn width_of<'a>(names: &[&str], rows: impl Iterator<Item = &'a Vec<String>>) -> usize {
    let of = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    let mut widths: Vec<_> = names.iter().map(|name| of(name)).collect();
    for row in rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(of(cell)));
    }
    widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)
}

fn color(tone: Tone) -> Option<Color> {
    match tone {
        Tone::Good => Some(Color::DarkGreen),
        Tone::Bad => Some(Color::DarkRed),
        Tone::Plain => None,
    }
}

/// A cell's lines, of which a tag may be a part: nothing in them moves the cursor.
fn shown(text: &str) -> String {
    text.split('\n').map(safe).collect::<Vec<_>>().join("\n")
}

/// An age in words: `12 min`, `9 h`, `3 days`.
pub fn age(seconds: i64) -> String {
    let minutes = seconds.max(0) / 60;
    match (minutes / 60, minutes / (24 * 60)) {
        (0, _) => format!("{minutes} min"),
        (hours, 0..2) => format!("{hours} h"),
        (_, days) => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tag_moves_the_cursor_in_any_layout() {
        let cells = || vec!["vol-1".to_owned(), "na\u{1b}[2Jme\nsecond".to_owned()];
        let entry = Entry { wide: cells(), medium: cells(), narrow: cells(), tone: Tone::Plain };
        let sheet = Sheet { wide: vec!["ID", "NAME"], medium: vec!["ID", "NAME"], entries: vec![entry] };
        for layout in [Layout::Wide, Layout::Medium, Layout::Narrow] {
            let drawn = Screen::default().draw(&sheet, layout);
            assert!(drawn.contains("na [2Jme") && !drawn.contains('\u{1b}'), "{layout:?}: {drawn:?}");
        }
    }
}
