//! One page of a list of tags, read as it comes: neither the page nor its text is ever held whole.
//!
//! Decoding is work for the processor, so it runs beside the async workers; the bytes are handed to it one piece at a time.

use std::{
    collections::HashSet,
    fmt,
    io::{self, BufReader, Read},
};

use bytes::{Buf, Bytes};
use heddle_core::image::Tag;
use reqwest::Response;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use tokio::sync::mpsc;

use crate::{
    ask::{Failure, failed},
    limits::{MAX_LIST_BYTES, MAX_LIST_TEXT_BYTES, MAX_TAGS},
};

/// How many pieces wait for the decoder.
const PIECES_AHEAD: usize = 4;

/// What was read of a list so far.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// Every tag, in the order of the registry, each once.
    pub tags: Vec<Tag>,
    known: HashSet<Tag>,
    /// How many texts the pages had, also those that are no tags.
    listed: usize,
    bytes: usize,
}

impl Gathered {
    /// What the next page adds, within what these leave of the limits.
    pub fn next_page(&self) -> Self {
        Self { listed: self.listed, bytes: self.bytes, ..Self::default() }
    }

    /// Adds what a page from [`Self::next_page`] gave.
    pub fn append(&mut self, page: Self) {
        (self.listed, self.bytes) = (page.listed, page.bytes);
        self.tags.extend(page.tags.into_iter().filter(|tag| self.known.insert(tag.clone())));
    }

    /// With the tags of one more page.
    pub async fn take(self, answer: Response) -> Result<Self, Failure> {
        let room = MAX_LIST_BYTES.saturating_sub(self.bytes);
        let (pieces, incoming) = mpsc::channel(PIECES_AHEAD);
        // When this future is dropped the channel closes, which ends the decoder.
        let decoder = tokio::task::spawn_blocking(move || self.decode(incoming));
        let bytes = feed(answer, pieces, room).await?;
        let mut gathered = decoder.await.map_err(|_| failed("the list of tags could not be decoded"))??;
        gathered.bytes += bytes;
        Ok(gathered)
    }

    fn decode(mut self, incoming: mpsc::Receiver<Bytes>) -> Result<Self, Failure> {
        let text = BufReader::new(Pieces { incoming, piece: Bytes::new(), run: 0, escaped: false });
        let mut reader = serde_json::Deserializer::from_reader(text);
        let read = Page(&mut self).deserialize(&mut reader).and_then(|()| reader.end());
        match read {
            Ok(()) => Ok(self),
            Err(_) if self.listed > MAX_TAGS => Err(failed(format!(
                "the list has more than {MAX_TAGS} tags: delete old ones at the registry, or publish under another name"
            ))),
            Err(_) => Err(failed("the registry's answer is no list of tags")),
        }
    }
}

/// Hands the body on, piece by piece; gives its length. A decoder that has read enough is the one to say why.
async fn feed(mut answer: Response, pieces: mpsc::Sender<Bytes>, room: usize) -> Result<usize, Failure> {
    let mut bytes = 0;
    while let Some(piece) = answer.chunk().await.map_err(|_| failed("the registry cut its answer short"))? {
        bytes += piece.len();
        if bytes > room {
            return Err(failed(format!(
                "the list of tags has more than {} MiB: delete old ones at the registry, or publish under another name",
                MAX_LIST_BYTES >> 20
            )));
        }
        if pieces.send(piece).await.is_err() {
            break;
        }
    }
    Ok(bytes)
}

/// The body as a reader. It fails at a text that is longer than any in a list of tags, before that is gathered.
struct Pieces {
    incoming: mpsc::Receiver<Bytes>,
    piece: Bytes,
    /// Bytes since the last quote: the length of a text, or of what stands between two.
    run: usize,
    escaped: bool,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.incoming.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let count = into.len().min(self.piece.len());
        into[..count].copy_from_slice(&self.piece[..count]);
        self.piece.advance(count);
        for byte in &into[..count] {
            self.run = if *byte == b'"' && !self.escaped { 0 } else { self.run + 1 };
            self.escaped = *byte == b'\\' && !self.escaped;
            if self.run > MAX_LIST_TEXT_BYTES {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Ok(count)
    }
}

/// Reads `{"tags": […]}`; other keys are skipped.
struct Page<'a>(&'a mut Gathered);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Tags,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for Page<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Page<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tags")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key()? {
            match key {
                Key::Tags => map.next_value_seed(Tags(&mut *self.0))?,
                Key::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Reads the tags; `null` stands in a repository whose tags were all deleted.
struct Tags<'a>(&'a mut Gathered);

impl<'de> DeserializeSeed<'de> for Tags<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tags<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tags")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let gathered = self.0;
        while let Some(text) = seq.next_element::<String>()? {
            gathered.listed += 1;
            if gathered.listed > MAX_TAGS {
                return Err(A::Error::custom("too many tags"));
            }
            // What is no tag by the grammar cannot be pulled either.
            if let Ok(tag) = text.parse::<Tag>()
                && gathered.known.insert(tag.clone())
            {
                gathered.tags.push(tag);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
