//! `.heddle.yaml` and policy files of every form are read or refused.
#![no_main]

use heddle_manifest::config::{read, read_policy_file};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = read(text);
    let _ = read_policy_file(text);
});
