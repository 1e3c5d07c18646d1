//! The table that is printed.

use std::time::Duration;

/// A measured row.
pub struct Row {
    /// What was measured.
    pub what: String,
    /// What Heddle took.
    pub heddle: String,
    /// What something else took beside it, on the same parts.
    pub beside: String,
    /// The number to reach.
    pub target: &'static str,
    /// The argument of the command that measures it.
    pub name: &'static str,
}

/// The rows as a table in Markdown, so that it can be pasted where it is talked about.
pub fn print(rows: &[Row]) -> String {
    let head = ["measured", "Heddle", "beside it", "to reach", "command"].map(str::to_owned);
    let cells: Vec<[String; 5]> = rows
        .iter()
        .map(|row| {
            let command = format!("`cargo run --release --bin bench {}`", row.name);
            [row.what.clone(), row.heddle.clone(), row.beside.clone(), row.target.to_owned(), command]
        })
        .collect();
    let widths: [usize; 5] = std::array::from_fn(|column| {
        let all = std::iter::once(&head).chain(&cells);
        all.map(|line| line[column].chars().count()).max().unwrap_or_default()
    });
    let line = |cells: &[String; 5]| {
        let padded: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("| {} |\n", padded.join(" | "))
    };
    let rule = format!("|{}|\n", widths.map(|width| "-".repeat(width + 2)).join("|"));
    cells.iter().fold(line(&head) + &rule, |text, cells| text + &line(cells))
}

/// A span in seconds.
pub fn seconds(span: Duration) -> String {
    format!("{:.2} s", span.as_secs_f64())
}

/// The value below which `percent` of the sorted spans lie (nearest rank).
pub fn percentile(spans: &mut [Duration], percent: usize) -> Duration {
    spans.sort();
    let rank = (spans.len() * percent).div_ceil(100).max(1);
    spans.get(rank - 1).copied().unwrap_or_default()
}
