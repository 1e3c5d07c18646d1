use super::*;
use crate::{edit::edit, yaml::Documents};

const OLD: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const NEW: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

fn whole(text: &str) -> ImageValue {
    let documents = Documents::read(text);
    ImageValue::whole(&Cursor::root(&documents.roots[0]).key("image").unwrap(), "Pod x", None).unwrap()
}

fn set(text: &str, target: &Target) -> String {
    edit(text, &whole(text).parts.edits(target).unwrap()).unwrap()
}

fn target(name: Option<&str>, tag: &str, digest: Option<&str>) -> Target {
    Target {
        name: name.map(str::to_owned),
        tag: Some(tag.parse().unwrap()),
        digest: digest.map(|digest| digest.parse().unwrap()),
    }
}

#[test]
fn one_text_keeps_its_name_and_its_quotes() {
    assert_eq!(set("image: nginx # c\n", &target(None, "1.2", None)), "image: nginx:1.2 # c\n");
    assert_eq!(set("image: 'h:5000/a:1'\n", &target(None, "2", None)), "image: 'h:5000/a:2'\n");
    assert_eq!(set("image: a/b:1\n", &target(Some("c.io/d"), "2", None)), "image: c.io/d:2\n");
    assert_eq!(set("image: a/b:1\n", &target(None, "1", None)), "image: a/b:1\n");
}

#[test]
fn a_digest_follows_its_tag() {
    let text = format!("image: a/b:1@{OLD}\n");
    assert_eq!(set(&text, &target(None, "2", Some(NEW))), format!("image: a/b:2@{NEW}\n"));
    assert_eq!(set(&text, &target(None, "2", None)), "image: a/b:2\n");
    assert_eq!(set(&text, &target(None, "1", None)), text);
}

#[test]
fn a_tag_alone_is_refused_where_a_digest_stands_beside_it() {
    let text = format!("images: [{{name: a/b, newTag: v1, digest: '{OLD}'}}]\n");
    let documents = Documents::read(&text);
    let entries = crate::kustomize::read_entries(&Cursor::root(&documents.roots[0]), "images", "Kustomization");
    let parts = &entries[0].value.parts;
    assert_eq!(parts.edits(&target(None, "v2", None)), Err(PINNED));
    let edited = edit(&text, &parts.edits(&target(None, "v2", Some(NEW))).unwrap()).unwrap();
    assert_eq!(edited, text.replace("v1", "v2").replace(OLD, NEW));
}
