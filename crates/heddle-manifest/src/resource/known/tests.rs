use super::*;
use crate::{
    read::object_images,
    yaml::{Documents, cursor::Cursor},
};

#[test]
fn each_kind_gives_the_images_of_its_examples() {
    for block in blocks() {
        assert!(!block.examples.is_empty(), "{}/{:?} has no example", block.group, block.kinds);
        for line in &block.places {
            assert!(read_place(line).is_some(), "{line}");
        }
        for kind in &block.kinds {
            for example in &block.examples {
                let (body, images) = example.rsplit_once(" -> ").unwrap();
                let group = block.group.replace('*', "any");
                let text = format!("apiVersion: {group}/v1\nkind: {kind}\nmetadata: {{name: x}}\n{body}\n");
                let documents = Documents::read(&text);
                assert_eq!(documents.error, None, "{text}");
                let found = object_images(&Cursor::root(&documents.roots[0]), &[]);
                let names = found.iter().map(|image| {
                    let (name, build) = image.parts.name_and_build();
                    name + &build
                });
                assert_eq!(names.collect::<Vec<_>>().join(" "), images, "{text}");
            }
        }
    }
}

#[test]
fn a_kind_of_another_group_is_another_kind() {
    let documents = Documents::read("apiVersion: example.com/v1\nkind: Task\nspec: {steps: [{image: alpine:1}]}\n");
    assert_eq!(object_images(&Cursor::root(&documents.roots[0]), &[]), []);
}
