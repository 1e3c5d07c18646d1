//! YAML of any kind is read or refused, and what was read is written so that it reads the same.
#![no_main]

use heddle_manifest::{
    documents::{parse_document, read_documents, write_document},
    substitute::{Unset, Variables},
    path::Path,
    yaml::Documents,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut variables = Variables::new(Unset::Empty);
    let _ = variables.set("TAG", "1.0");
    let _ = variables.expand(text);
    for document in read_documents(text) {
        if let Ok(mut value) = document.value {
            assert_eq!(parse_document(&write_document(&value)), Ok(value.clone()));
            let _ = variables.substitute(&mut value);
        }
    }
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(path) = Path::parse(line) {
        let _ = path.find(&Documents::read(rest));
    }
});
