//! The event stream: server-sent events, of which Heddle uses one kind.

use std::{collections::VecDeque, time::Duration};

use heddle_wire::view::Event;
use tokio::time::timeout;

use crate::error::ClientError;

/// The API sends a comment at least each 15 s; a connection that is silent for longer than this is gone.
const SILENCE: Duration = Duration::from_secs(60);

/// Longest event that is read.
const LIMIT_BYTES: usize = 64 << 10;

/// What changed, as it changes. A broken stream is opened anew by the caller, who then reads everything again.
#[derive(Debug)]
pub struct EventStream {
    api: String,
    response: reqwest::Response,
    parser: Parser,
    ready: VecDeque<Event>,
}

impl EventStream {
    pub(crate) fn new(api: &str, response: reqwest::Response) -> Self {
        Self { api: api.to_owned(), response, parser: Parser::default(), ready: VecDeque::new() }
    }

    /// The next event; `None` when the API ended the stream.
    ///
    /// # Errors
    /// [`ClientError::Unavailable`] when the connection broke or went silent.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let chunk = timeout(SILENCE, self.response.chunk()).await;
            let chunk = chunk.map_err(|_| ClientError::silent(&self.api))?;
            let Some(chunk) = chunk.map_err(|error| ClientError::unreachable(&self.api, error))? else {
                return Ok(None);
            };
            self.ready.extend(self.parser.push(&chunk));
            if self.parser.pending_bytes() > LIMIT_BYTES {
                let fault = format!("an event has more than {LIMIT_BYTES} bytes");
                return Err(ClientError::Foreign { api: self.api.clone(), fault });
            }
        }
    }
}

/// Cuts bytes into events (HTML Living Standard, section 9.2.6). Fields other than `event` and `data` are passed over.
#[derive(Debug, Default)]
struct Parser {
    line: Vec<u8>,
    name: String,
    data: String,
}

impl Parser {
    fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.end_line(&String::from_utf8_lossy(&line)));
                }
                b'\r' => {}
                _ => self.line.push(*byte),
            }
        }
        events
    }

    fn end_line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            // An event that a newer API added says nothing to this client.
            return if name == "changed" { serde_json::from_str(&data).ok() } else { None };
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" if self.data.is_empty() => value.clone_into(&mut self.data),
            "data" => self.data.extend(["\n", value]),
            _ => {}
        }
        None
    }

    fn pending_bytes(&self) -> usize {
        self.line.len() + self.data.len()
    }
}

#[cfg(test)]
mod tests;
