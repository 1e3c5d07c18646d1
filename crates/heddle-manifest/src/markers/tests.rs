use crate::read::ReadFile;

/// Line and words of what is told of the markers in a file.
fn told(text: &str) -> Vec<(u32, String)> {
    let file = ReadFile::read("values.yaml", text, &[]);
    let markers = file.findings.iter().filter(|finding| finding.code == "unread-marker");
    markers.map(|finding| (finding.position.line, finding.message.clone())).collect()
}

#[test]
fn a_text_that_is_no_image_before_a_marker_is_told() {
    let marker = "# {\"$imagepolicy\": \"flux-system:web\"}";
    for (value, words) in [
        ("foo: to be replaced", "`to be replaced`, which is no image, stands before the marker of `flux-system:web`"),
        ("foo: ''", "nothing stands before the marker"),
        ("foo:", "nothing stands before the marker"),
        ("image: ''", "nothing stands before the marker"),
    ] {
        let told = told(&format!("repository: x\n{value} {marker}\n"));
        assert_eq!(told.len(), 1, "{value}: {told:?}");
        assert!(
            told[0].0 == 2 && told[0].1.contains(words) && told[0].1.contains("write the image"),
            "{value}: {told:?}"
        );
    }
    assert_eq!(told(&format!("foo: acme/web:1 {marker}\n")), []);
}

#[test]
fn a_marker_that_nothing_follows_is_told() {
    let marker = "# {\"$imagepolicy\": \"flux-system:web";
    for text in [
        format!("image: acme/web:1 {marker}:tagg\"}}\n"),
        format!("image: acme/web:1 {marker}\"\n"),
        format!("image: acme/web:1 {marker}:tag:more\"}}\n"),
        format!("image: {{repository: acme/web, tag: v1}} {marker}\"}}\n"),
        format!("a: {{image: &i 'acme/web:1'}}\nimage: *i {marker}\"}}\n"),
        format!("image: {marker}:tag\"}}\n  repository: acme/web\n  tag: v1\n"),
    ] {
        let told = told(&text);
        assert_eq!(told.len(), 1, "{text}: {told:?}");
        assert!(told[0].1.contains("NAMESPACE:NAME"), "{text}: {told:?}");
    }
    let good = format!("name: acme/web {marker}:name\"}}\ntag: v1 {marker}:tag\"}}\nimage: acme/web:v1 {marker}\"}}\n");
    assert_eq!(told(&good), []);
}
