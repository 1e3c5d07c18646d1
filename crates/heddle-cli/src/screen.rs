//! Where text goes: data to stdout, everything else to stderr; colours and widths only where a terminal has them.

use std::io::{self, ErrorKind, IsTerminal, Write};

use rustix::termios::tcgetwinsize;
use serde::Serialize;

use crate::{
    config::{Config, Output},
    exit::{Exit, Failure},
    table::Table,
    words::plain,
};

/// The terminal, the pipe or the file that we print to.
pub(crate) struct Screen {
    output: Output,
    is_terminal: bool,
    color: bool,
    /// How many lines of the last drawing stand above the cursor.
    drawn: usize,
}

impl Screen {
    pub(crate) fn new(config: &Config) -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self { output: config.output, is_terminal, color: is_terminal && !config.no_color, drawn: 0 }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// Whether a drawing can be replaced in place.
    pub(crate) fn can_redraw(&self) -> bool {
        self.is_terminal && !self.is_json()
    }

    /// One JSON document, for people to read where people read.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(Failure::wrong)?;
        write_out(&format!("{text}\n"))
    }

    /// One JSON document on one line.
    pub(crate) fn json_line(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(Failure::wrong)?;
        write_out(&format!("{text}\n"))
    }

    /// A text as it is.
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        write_out(text)
    }

    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        write_out(&format!("{text}\n"))
    }

    pub(crate) fn table(&self, table: &Table) -> Result<(), Failure> {
        let (width, _) = self.size();
        write_out(&(table.lines(width, self.color).join("\n") + "\n"))
    }

    /// Like [`Self::table`], without the headings.
    pub(crate) fn rows(&self, table: &Table) -> Result<(), Failure> {
        let (width, _) = self.size();
        table.lines(width, self.color).iter().skip(1).try_for_each(|line| self.line(line))
    }

    /// Draws the table over the one drawn before; what does not fit the terminal's height is left out.
    pub(crate) fn redraw(&mut self, table: &Table, footer: &str) -> Result<(), Failure> {
        let (width, height) = self.size();
        let mut lines = table.lines(width, self.color);
        lines.truncate(height.map_or(usize::MAX, |height| height.saturating_sub(2)));
        lines.push(plain(footer).chars().take(width.unwrap_or(usize::MAX)).collect());
        let mut text = String::new();
        if self.drawn > 0 {
            text.push_str(&format!("\u{1b}[{}F", self.drawn));
        }
        // Erase to the end of each line, and what was longer below (ECMA-48: EL, ED).
        lines.iter().for_each(|line| text.extend([line, "\u{1b}[K\n"]));
        text.push_str("\u{1b}[J");
        self.drawn = lines.len();
        write_out(&text)
    }

    /// Something that is not data, for people.
    pub(crate) fn note(&self, text: &str) {
        // Nobody is left to tell when stderr is closed.
        let _ = writeln!(io::stderr(), "heddle: {}", plain(text));
    }

    /// Why the command failed, with the chain of causes and the remedy.
    pub(crate) fn fail(&self, failure: &Failure) {
        self.note(&format!("{:#}", failure.error));
        if let Some(remedy) = &failure.remedy {
            let _ = writeln!(io::stderr(), "        {}", plain(remedy));
        }
    }

    /// Columns and lines of the terminal.
    fn size(&self) -> (Option<usize>, Option<usize>) {
        if !self.is_terminal {
            return (None, None);
        }
        match tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_col > 0 => (Some(size.ws_col.into()), Some(size.ws_row.into())),
            _ => (None, None),
        }
    }
}

fn write_out(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        // The reader has what it wanted, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(Exit::Done as i32),
        Err(error) => Err(Failure::wrong(error)),
    }
}
