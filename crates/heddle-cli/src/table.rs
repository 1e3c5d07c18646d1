//! Aligned columns without lines.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::words::plain;

/// What a text means. Colour follows from it and is never alone: the text says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Waiting,
    Bad,
    Moving,
    Faint,
}

impl Tone {
    /// The colour (ECMA-48, select graphic rendition).
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("32"),
            Self::Waiting => Some("33"),
            Self::Bad => Some("31"),
            Self::Moving => Some("34"),
            Self::Faint => Some("2"),
        }
    }
}

/// One cell: pieces of text, each with its tone.
#[derive(Debug, Clone)]
pub(crate) struct Cell(Vec<(String, Tone)>);

impl Cell {
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self::toned(text, Tone::Plain)
    }

    pub(crate) fn toned(text: impl AsRef<str>, tone: Tone) -> Self {
        Self(vec![(plain(text.as_ref()), tone)])
    }

    pub(crate) fn pieces(pieces: impl IntoIterator<Item = (&'static str, Tone)>) -> Self {
        Self(pieces.into_iter().map(|(text, tone)| (text.to_owned(), tone)).collect())
    }

    fn width(&self) -> usize {
        self.0.iter().map(|(text, _)| text.width()).sum()
    }

    /// The text in at most `width` columns, cut with `…`.
    fn paint(&self, width: usize, color: bool) -> String {
        let mut left = width;
        let mut out = String::new();
        for (text, tone) in &self.0 {
            let text = fit(text, left);
            left -= text.width();
            match tone.code().filter(|_| color && !text.is_empty()) {
                Some(code) => out.extend(["\u{1b}[", code, "m", &text, "\u{1b}[0m"]),
                None => out.push_str(&text),
            }
        }
        out
    }
}

fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut taken = 1;
    for letter in text.chars() {
        taken += letter.width().unwrap_or(0);
        if taken > width {
            break;
        }
        out.push(letter);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// A table; the last column takes what the width leaves.
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|heading| Cell::toned(heading, Tone::Faint)).collect()] }
    }

    /// Adds a row with as many cells as there are headings.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The lines, each at most `width` columns wide where one is given.
    pub(crate) fn lines(&self, width: Option<usize>, color: bool) -> Vec<String> {
        let columns = self.rows[0].len();
        let widths: Vec<usize> = (0..columns)
            .map(|column| self.rows.iter().map(|row| row[column].width()).max().unwrap_or_default())
            .collect();
        self.rows.iter().map(|row| line(row, &widths, width.unwrap_or(usize::MAX), color)).collect()
    }
}

fn line(row: &[Cell], widths: &[usize], width: usize, color: bool) -> String {
    const GAP: usize = 2;
    let mut out = String::new();
    let mut left = width;
    for (index, (cell, column)) in row.iter().zip(widths).enumerate() {
        let shown = cell.width().min(left);
        out.push_str(&cell.paint(shown, color));
        left = left.saturating_sub(column + GAP);
        let is_last = row[index + 1..].iter().all(|later| later.width() == 0);
        if is_last || left == 0 {
            break;
        }
        out.extend(std::iter::repeat_n(' ', column - shown + GAP));
    }
    out
}

#[cfg(test)]
mod tests;
