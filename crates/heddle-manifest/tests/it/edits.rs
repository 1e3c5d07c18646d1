//! Random edits of generated YAML and of every YAML file in reach: the target changes, and no other byte.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use heddle_manifest::{
    Edit, EditError, edit,
    yaml::{Documents, Node, Value},
};

/// How many edits are made when `HEDDLE_EDITS` does not say; `make fuzz` asks for more.
const EDITS: usize = 2_000;

/// New values: ordinary ones, and those that need quotes somewhere.
const NEW: &[&str] = &[
    "1.4.2",
    "v2",
    "1.10",
    "1e3",
    "0755",
    "yes",
    "null",
    "~",
    "a b",
    "a: b",
    "a #b",
    "- a",
    "'",
    "\"",
    "it's",
    "{",
    "[x]",
    "*a",
    "&a",
    "!x",
    "%x",
    "@x",
    "`x`",
    "|",
    ">",
    "é😀",
    "\\n",
    "2001-01-01",
    "12:30:45",
    "latest@sha256:6745",
    "ghcr.io/acme/api:1",
    ",",
    "a,b",
    "x}",
    "a ",
    " a",
    "",
    "a:",
    "#",
    "?",
    "? a",
    "-",
    "--- a",
    "...",
    "<<",
    "=",
];

/// A fixed series of numbers, so that a fault is seen again.
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    pub fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    pub fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

#[derive(Default)]
struct Count {
    made: usize,
    refused: usize,
}

#[test]
fn an_edit_changes_the_bytes_of_its_value_and_no_other() {
    let wanted = env::var("HEDDLE_EDITS").map_or(EDITS, |text| text.parse().unwrap());
    let mut dice = Dice::new();
    let mut count = Count::default();
    let files = files();
    for text in &files {
        try_edits(text, (wanted / 2 / files.len()).max(1), &mut dice, &mut count);
    }
    while count.made < wanted {
        let text = generated(&mut dice);
        assert!(Documents::read(&text).error.is_none(), "the generator wrote no YAML:\n{text}");
        try_edits(&text, 8, &mut dice, &mut count);
    }
    let line = format!(
        "edits: {} made, 0 foreign bytes, {} refused, in {} files and generated texts\n",
        count.made,
        count.refused,
        files.len()
    );
    std::io::stderr().lock().write_all(line.as_bytes()).unwrap();
}

fn try_edits(text: &str, times: usize, dice: &mut Dice, count: &mut Count) {
    let documents = Documents::read(text);
    let mut scalars = Vec::new();
    documents.roots.iter().for_each(|root| collect(root, &mut scalars));
    if documents.error.is_some() || scalars.is_empty() {
        return;
    }
    for _ in 0..times {
        let (node, old) = scalars[dice.below(scalars.len())];
        let new = dice.of(NEW);
        match edit(text, &[Edit::set(node.span.start, old, new)]) {
            Ok(edited) => {
                check(text, &edited, node, new);
                count.made += 1;
            }
            Err(EditError::Refused { .. }) => count.refused += 1,
            Err(error) => panic!("{old:?} → {new:?} at {:?}: {error}\n{text}", node.position),
        }
    }
}

/// The bytes before and behind the value stay, and in its place stands the new one.
fn check(text: &str, edited: &str, node: &Node, new: &str) {
    // Nothing stands at the sign that ends its key, and is written behind it.
    let sign = usize::from(node.span.is_empty() && text[node.span.start..].starts_with([':', '-']));
    let (before, after) = (&text[..node.span.start + sign], &text[node.span.end + sign..]);
    let written = edited.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    let written = written.unwrap_or_else(|| panic!("foreign bytes changed at {:?}: {new:?}\n{edited}", node.position));
    let documents = Documents::read(edited);
    assert_eq!(documents.error, None, "{edited}");
    let mut scalars = Vec::new();
    documents.roots.iter().for_each(|root| collect(root, &mut scalars));
    let at = node.span.start + sign + written.len() - written.trim_start().len();
    // An empty value at the end of a document may be taken for no document.
    let found = scalars.iter().find(|(node, _)| node.span.start == at).map(|(_, text)| text.trim_end_matches('\n'));
    assert_eq!(found, Some(new), "{written:?}\n{edited}");
}

/// Every value that is a text, keys not.
fn collect<'a>(node: &'a Node, found: &mut Vec<(&'a Node, &'a str)>) {
    match &node.value {
        Value::Scalar(text, _) => found.push((node, text)),
        Value::Sequence(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Mapping(entries) => entries.iter().for_each(|(_, value)| collect(value, found)),
        Value::Anchored(_) => collect(node.resolved(), found),
        Value::Alias(_) => {}
    }
}

/// The YAML files of this repository, and those below the folders that `HEDDLE_YAML` names.
fn files() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let own = ["deploy", "docs", "tests", "crates", "docker-compose.yml", ".github", ".ci"].map(|name| root.join(name));
    let others = env::var_os("HEDDLE_YAML").map(|paths| env::split_paths(&paths).collect()).unwrap_or_default();
    let mut found = Vec::new();
    let mut queue: Vec<PathBuf> = own.into_iter().chain::<Vec<PathBuf>>(others).collect();
    while let Some(path) = queue.pop() {
        let name = path.to_string_lossy();
        if path.is_dir() && !path.is_symlink() && !name.ends_with("node_modules") && !name.ends_with("/target") {
            queue.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if name.ends_with(".yaml") || name.ends_with(".yml") {
            found.extend(fs::read_to_string(&path).ok().filter(|text| text.len() < 200_000));
        }
    }
    found.sort();
    found
}

/// A few documents in any notation.
pub fn generated(dice: &mut Dice) -> String {
    let mut text = dice.of(&["", "", "# head\n", "---\n", "%YAML 1.2\n---\n", "\u{feff}"]).to_owned();
    block(dice, 0, 3, &mut text);
    if dice.below(3) == 0 {
        text.push_str("---\n# second\n");
        block(dice, 0, 2, &mut text);
    }
    if dice.below(4) == 0 {
        text.truncate(text.trim_end().len());
    }
    if dice.below(4) == 0 { text.replace('\n', "\r\n") } else { text }
}

const SCALARS: &[&str] = &[
    "a",
    "1.2.3",
    "'v 1'",
    "\"w\\t2\"",
    "ghcr.io/acme/api:1.4.1",
    "true",
    "~",
    "",
    "&x b",
    "'it''s'",
    "\"\"",
    "!!str 1",
    "é",
    "a b",
    "-1",
    "http://x/y?z",
];
const COMMENTS: &[&str] = &["", "", "", " # c", "  # {\"$imagepolicy\": \"a:b\"}", "   #"];

fn block(dice: &mut Dice, indent: usize, depth: usize, text: &mut String) {
    let pad = " ".repeat(indent);
    let is_list = depth < 3 && dice.below(3) == 0;
    for index in 0..=dice.below(4) {
        match dice.below(8) {
            0 => text.push_str(&format!("{pad}# between\n")),
            1 => text.push('\n'),
            _ => {}
        }
        let head = if is_list { format!("{pad}-") } else { format!("{pad}{}{index}:", dice.of(&["k", "'k'", "k.x/"])) };
        let head = if head.contains("'k'") { head.replace("'k'", "k-") } else { head };
        text.push_str(&head);
        match dice.below(6) {
            0 if depth > 0 => {
                text.push_str(&format!("{}\n", dice.of(COMMENTS)));
                let deeper = indent + 1 + dice.below(3);
                block(dice, deeper, depth - 1, text);
            }
            1 => text.push_str(&format!(" {}\n{pad}   line\n{pad}   more\n", dice.of(&["|", ">-", "|+"]))),
            2 => text.push_str(&format!(" |-\n{pad}   one\n")),
            3 => text.push_str(&format!(" {}{}\n", flow(dice, 2), dice.of(COMMENTS))),
            _ => text.push_str(&format!(" {}{}\n", dice.of(SCALARS), dice.of(COMMENTS)).replace("  \n", "\n")),
        }
    }
}

fn flow(dice: &mut Dice, depth: usize) -> String {
    let scalar = |dice: &mut Dice| dice.of(&["a", "'b c'", "\"d\"", "1.0", "x:1", "é"]).to_owned();
    match dice.below(3) {
        0 if depth > 0 => format!("{{a: {}, 'b': {}, c: {}}}", flow(dice, depth - 1), scalar(dice), scalar(dice)),
        1 if depth > 0 => format!("[{},  {} ]", flow(dice, depth - 1), scalar(dice)),
        _ => scalar(dice),
    }
}
