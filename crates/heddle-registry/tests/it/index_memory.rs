//! What it takes to read the index of a repository of charts.

use std::process::Command;

use heddle_registry::charts::Index;

/// Says which of the texts a child of this test reads.
const TEXT: &str = "HEDDLE_TEST_INDEX";

/// Texts of some 600,000 values, of which a version of one chart is kept: beside it, behind a key that is a number, as the value
/// of a merge, and as keys of their own.
fn texts() -> [String; 4] {
    let list = "1,".repeat(600_000);
    let keys: String = (0..300_000).map(|number| format!("k{number}: 1,")).collect();
    [
        format!("entries: {{web: [{{version: 1.0.0, x: [{list}]}}]}}"),
        format!("entries: {{1: [], web: [{{version: 1.0.0, x: [{list}]}}]}}"),
        format!("entries: {{web: [{{version: 1.0.0, <<: {{x: [{list}]}}}}]}}"),
        format!("x: {{{keys}}}\nentries: {{web: [{{version: 1.0.0}}]}}"),
    ]
}

/// A field of what Linux says of this process, in KiB. Source: proc(5).
fn memory_kib(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

/// Each is read by a process of its own: the most that one ever held is never less again.
#[test]
fn an_index_is_read_as_it_comes_whatever_stands_in_it() {
    if let Ok(text) = std::env::var(TEXT) {
        let text = &texts()[text.parse::<usize>().unwrap()];
        let before = memory_kib("VmHWM");
        assert_eq!(Index::read(text.as_bytes()).unwrap().of("web").len(), 1);
        let taken = memory_kib("VmHWM") - before;
        assert!(taken < 16 << 10, "it takes {taken} KiB to read {} KiB", text.len() >> 10);
        return;
    }
    for text in 0..texts().len() {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "index_memory::an_index_is_read_as_it_comes_whatever_stands_in_it"])
            .env(TEXT, text.to_string())
            .output()
            .unwrap();
        assert!(child.status.success(), "{text}: {}", String::from_utf8_lossy(&child.stdout));
    }
}
