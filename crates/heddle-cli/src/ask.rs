//! Secrets come from stdin or a prompt, never from an argument: those stand in the list of processes and in shell histories.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use secrecy::SecretString;

use crate::config::trim_token;

/// The most that is read. A Docker configuration with many hosts is far smaller.
const MAX_BYTES: u64 = 256 << 10;

/// One line asked for on the terminal as `label`, or all of stdin where that is a file or a pipe.
pub(crate) fn read(label: &str) -> io::Result<SecretString> {
    if io::stdin().is_terminal() { prompt(label) } else { read_all(io::stdin()) }
}

/// All of a file, without the spaces and line ends around it.
pub(crate) fn read_all(from: impl Read) -> io::Result<SecretString> {
    let mut text = String::new();
    let read = from.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(io::Error::other(format!("it has more than {MAX_BYTES} bytes")));
    }
    Ok(trim_token(text))
}

/// Asks on the terminal, which shows nothing of what is typed.
fn prompt(label: &str) -> io::Result<SecretString> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    io::stderr().write_all(format!("{label}: ").as_bytes())?;
    tcsetattr(&stdin, OptionalActions::Flush, &silent)?;
    let mut text = String::new();
    let read = stdin.lock().read_line(&mut text);
    tcsetattr(&stdin, OptionalActions::Flush, &before)?;
    io::stderr().write_all(b"\n")?;
    read.map(|_| trim_token(text))
}
