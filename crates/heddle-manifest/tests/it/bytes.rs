//! Texts that nobody would write: whatever they are, they are read or refused.

use std::env;

use heddle_manifest::{
    config::{self, read_policy_file},
    documents::{parse_document, read_documents, write_document},
    path::Path,
    substitute::{Unset, Variables},
    yaml::Documents,
};

use crate::{
    edits::{Dice, generated},
    places::{found_in, one_file},
};

/// How many texts are tried when `HEDDLE_TEXTS` does not say; `make fuzz` asks for more.
const TEXTS: usize = 1_500;

const SEEDS: &[&str] = &[
    "version: 1\nenvironments: [{name: prod, path: clusters/prod}]\nimages:\n  - name: ghcr.io/acme/*\n    policy: {semver: '>=1 <2', match: '^v(?P<v>.*)$'}\n",
    "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  apiVersion: v1\n  spec: {containers: [{name: a, image: 'a:1'}]}\n",
    "resources: [../base]\nimages:\n- name: a\n  newTag: v1 # {\"$imagepolicy\": \"a:b:tag\"}\n",
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n        image: {repository: a/b, tag: v1}\n",
    "image: &a {repository: a/b, tag: \"1.0\"}\nother: {<<: *a, tag: ${TAG:=x}}\n",
];

const PIECES: &[&str] = &[
    ":", "- ", "{", "}", "[", "]", "\n", "\r", "  ", "\t", "#", "&a", "*a", "<<", "!", "|", ">", "'", "\"", "\\", "%",
    "---\n", "...", "?", "\0", "\u{feff}", "\u{2028}", "é", "😀", "${", "image", "tag", "1e999", ",",
];

/// A text with a few pieces put in, taken out or doubled.
fn mangled(text: &str, dice: &mut Dice) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=dice.below(6) {
        let at = dice.below(characters.len() + 1);
        let end = (at + dice.below(12)).min(characters.len());
        match dice.below(3) {
            0 => drop(characters.drain(at..end)),
            1 => drop(characters.splice(at..at, dice.of(PIECES).chars().collect::<Vec<_>>())),
            _ => {
                let copy = characters[at..end].to_vec();
                let to = dice.below(characters.len() + 1);
                characters.splice(to..to, copy);
            }
        }
    }
    characters.into_iter().collect()
}

#[test]
fn no_text_ends_the_program() {
    let wanted = env::var("HEDDLE_TEXTS").map_or(TEXTS, |text| text.parse().unwrap());
    let mut dice = Dice::new();
    let mut variables = Variables::new(Unset::Empty);
    variables.set("TAG", "1.0").unwrap();
    for round in 0..wanted {
        let seed = if round % 2 == 0 { dice.of(SEEDS).to_owned() } else { generated(&mut dice) };
        let text = mangled(&seed, &mut dice);
        for name in ["a.yaml", "kustomization.yaml", ".argocd-source.yaml"] {
            for occurrence in found_in(&one_file(name, &text), "").occurrences {
                // Refused, or changed; the proof is the edit's own.
                let edits = occurrence.edits(&heddle_manifest::Target::tag("9.9".parse().unwrap())).unwrap_or_default();
                let _ = heddle_manifest::edit(&text, &edits);
            }
        }
        let _ = config::read(&text);
        let _ = read_policy_file(&text);
        let _ = variables.expand(&text);
        for document in read_documents(&text) {
            if let Ok(mut value) = document.value {
                assert_eq!(parse_document(&write_document(&value)), Ok(value.clone()), "{text:?}");
                let _ = variables.substitute(&mut value);
            }
        }
        if let Ok(path) = Path::parse(text.lines().next().unwrap_or_default()) {
            let _ = path.find(&Documents::read(&text));
        }
    }
}
