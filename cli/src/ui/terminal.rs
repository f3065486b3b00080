//! Width, colours and paragraphs of the terminal that text is printed to.

use anstream::{AutoStream, ColorChoice, stream::RawStream};
use anstyle::{AnsiColor, Style};
use comfy_table::{Color, Table};
use std::io::{IsTerminal, stderr, stdout};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// Minimum width of a table with ids next to words, in columns.
const TABLE: usize = 72;
/// Maximum width of a paragraph, in columns. Longer lines are hard to read.
const PARAGRAPH: usize = 100;
/// Terminal, pipe or file that text is printed to.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Width in columns. None for a pipe or a file, whose lines are not wrapped.
    pub width: Option<usize>,
    pub is_coloured: bool,
}

impl Terminal {
    pub fn from_stdout() -> Self {
        // Checks stdout first, because the library also uses the width of stderr or stdin, even if stdout is a pipe.
        let width = stdout().is_terminal().then(|| Table::new().width()).flatten();
        Self { width: width.map(usize::from), is_coloured: wants_colour(&stdout()) }
    }

    pub fn from_stderr() -> Self {
        let width = stderr().is_terminal().then(|| Table::new().use_stderr().width()).flatten();
        Self { width: width.map(usize::from), is_coloured: wants_colour(&stderr()) }
    }

    pub fn has_room(self) -> bool {
        self.has_columns(TABLE)
    }

    pub fn has_columns(self, columns: usize) -> bool {
        self.width.is_none_or(|width| width >= columns)
    }

    /// Styles the text of a problem.
    pub fn bad(self, text: &str) -> String {
        self.styled(text, AnsiColor::Red.on_default().bold())
    }

    /// Styles the text of a success.
    pub fn good(self, text: &str) -> String {
        self.styled(text, AnsiColor::Green.on_default())
    }

    pub fn heading(self, text: &str) -> String {
        self.styled(text, Style::new().bold())
    }

    /// Styles text in the colour of a table's cell.
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

    /// Formats an indented paragraph. Lines break between words, and lines after the first have two more spaces.
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
}

fn wants_colour(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
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
