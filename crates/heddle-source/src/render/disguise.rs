//! What stands for encrypted values while kustomize works with them.
//!
//! A value is put in where its cipher text comes out, and a cipher text can be read by all who read the repository: a remote
//! base could repeat it where what it holds would be shown to them. So in the copy that kustomize reads other words stand for
//! the encrypted values of the repository's own files, which nobody can tell who has not the keys.

use std::collections::HashMap;

use serde_json::Value;

use super::{Files, cipher::cipher_texts, decrypt::Decryption};
use crate::{Tree, TreePath};

/// Words for encrypted values.
#[derive(Debug, Default)]
pub(super) struct Disguise<'a> {
    decryption: Option<&'a Decryption>,
    /// The values that the words stand for.
    originals: HashMap<String, String>,
}

impl<'a> Disguise<'a> {
    /// Words are needed only where values are put in.
    pub(super) fn new(decryption: Option<&'a Decryption>) -> Self {
        Self { decryption, originals: HashMap::new() }
    }

    /// The content of a file as it is copied: of the repository's own with words in it, of all others as it is.
    pub(super) fn of_file(&mut self, files: &Files<'_, impl Tree>, file: &TreePath, content: Vec<u8>) -> Vec<u8> {
        if self.decryption.is_none() || !files.tree.border(file).is_root() {
            return content;
        }
        match String::from_utf8(content) {
            Ok(text) => {
                let words = self.put_on(&text);
                let pairs = cipher_texts(&words).zip(cipher_texts(&text));
                self.originals.extend(pairs.map(|(word, cipher)| (word.to_owned(), cipher.to_owned())));
                words.into_bytes()
            }
            Err(binary) => binary.into_bytes(),
        }
    }

    /// A text with words for its encrypted values.
    pub(super) fn put_on(&self, text: &str) -> String {
        let Some(decryption) = self.decryption else { return text.to_owned() };
        let (mut whole, mut rest) = (String::with_capacity(text.len()), text);
        for cipher in cipher_texts(text) {
            let Some((before, behind)) = rest.split_once(cipher) else { continue };
            whole.extend([before, &decryption.word_for(cipher)]);
            rest = behind;
        }
        whole + rest
    }

    /// Puts the encrypted values back in the place of words that are left.
    pub(super) fn take_off(&self, value: &mut Value) {
        match value {
            _ if self.originals.is_empty() => {}
            Value::String(text) => {
                let words = cipher_texts(text).filter_map(|word| Some((word, self.originals.get(word)?)));
                *text = words.fold(text.clone(), |text, (word, cipher)| text.replace(word, cipher));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.take_off(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.take_off(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
