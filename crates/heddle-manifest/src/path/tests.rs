use super::*;
use crate::edit::edit;

fn set(text: &str, path: &str, to: &str) -> Result<String, String> {
    let path = Path::parse(path).map_err(|error| error.to_string())?;
    let documents = Documents::read(text);
    let new = path.edit(&documents, &New::Text(to.to_owned()), true).map_err(|error| error.to_string())?;
    edit(text, &[new]).map_err(|error| error.to_string())
}

fn check(text: &str, path: &str, to: &str, expected: &str) {
    assert_eq!(set(text, path, to).as_deref(), Ok(expected), "{path}");
}

fn refuses(text: &str, path: &str, words: &str) {
    let error = set(text, path, "x").unwrap_err();
    assert!(error.contains(words), "{path}: {error}");
}

#[test]
fn a_path_leads_through_keys_members_and_indexes() {
    let text = "a:\n  b.c:\n    - name: x\n      v: 1\n    - {name: y, v: '2'}\n";
    check(text, "a[\"b.c\"][name=y].v", "3", &text.replace("'2'", "'3'"));
    check(text, "a.b\\.c[0].v", "z", &text.replace("v: 1", "v: z"));
    check(text, "a.b\\.c.1.v", "3", &text.replace("'2'", "'3'"));
    for wrong in ["", ".", "a.", "a..b", "a[", "a[x]", "a[=1]", "a[0]b"] {
        assert!(Path::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_missing_is_added_where_it_belongs() {
    check("images:\n- name: a\n", "images[name=a].newTag", "1.0", "images:\n- name: a\n  newTag: \"1.0\"\n");
    check("kind: K\n", "images[name=a].newTag", "v1", "kind: K\nimages:\n- name: a\n  newTag: v1\n");
    check("images: [{name: a}]", "images[name=a].newTag", "v1", "images: [{name: a, newTag: v1}]");
    check("images: []\nb: 1\n", "images[name=a].newTag", "v1", "images: [{name: a, newTag: v1}]\nb: 1\n");
    check("images:\r\nb: 1\r\n", "images[name=a].newTag", "v1", "images:\r\n- name: a\r\n  newTag: v1\r\nb: 1\r\n");
    check("a:\n  - x # c\n  # d\nb: 1", "a[+]", "z", "a:\n  - x # c\n  - z\n  # d\nb: 1");
    check("root:", "root.new.nested", "v", "root:\n  new:\n    nested: v");
    check("a:\n  b: |\n    t\n\nc: d", "a.e", "f", "a:\n  b: |\n    t\n  e: f\n\nc: d");
    check("{}", "a.b", "c", "{a: {b: c}}");
    check("a:\n- x\nb: 1\n", "a[+]", "z", "a:\n- x\n- z\nb: 1\n");
    check("a:\n-   - x\n    - y\nb: 1\n", "a.0.-1", "z", "a:\n-   - x\n    - y\n    - z\nb: 1\n");
    check("a:\n- {b: c} # d\n", "a.-1.b", "z", "a:\n- {b: c} # d\n- b: z\n");
    check("a:\n  0: x\n", "a.:0", "z", "a:\n  0: z\n");
}

#[test]
fn what_cannot_be_changed_is_refused_with_its_line() {
    refuses("a: &x v\nb: *x\n", "b", "line 2: an alias stands there");
    refuses("a: &x v\nb: *x\n", "a", "line 1: an alias takes the value");
    refuses("a: &x {c: v}\nb:\n  <<: *x\n", "b.c", "a merge key brings the value");
    refuses("a: v\na: w\n", "a", "stands twice");
    refuses("a: v\n---\na: w\n", "a", "several documents");
    refuses("a: {b: c}\n", "a", "line 1: `a` is a mapping, where a text is needed");
    refuses("a: [b]\n", "a.c", "a list, where a mapping is needed");
    refuses("a: [b]\n", "a[5]", "nothing stands at `a[5]`");
    refuses("a: b\n", "a.c", "a text, where a mapping is needed");
}
