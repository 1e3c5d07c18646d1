use super::*;
use crate::image::{IMAGES, Image};

fn made(image: &'static Image, packed_bytes: u64) -> Made {
    Made { image, digest: "sha256:1".to_owned(), architecture: "amd64", packed_bytes, unpacked_bytes: 2 * packed_bytes }
}

#[test]
fn an_image_above_its_limit_is_refused_by_name() {
    let image = &IMAGES[0];
    check(&[made(image, 1)]).unwrap();
    check(&[made(image, image.most_packed_bytes)]).unwrap();
    let fault = check(&[made(image, 1), made(&IMAGES[1], image.most_packed_bytes + 1)]).unwrap_err().to_string();
    assert!(fault.starts_with("heddle-automator has 81 MiB packed, and at most 60 MiB are allowed"), "{fault}");
}

#[test]
fn the_table_has_a_line_an_image() {
    let table = render(&[made(&IMAGES[0], 1 << 20)]);
    assert_eq!(
        table.lines().nth(2),
        Some("| heddle-synchronizer | linux/amd64 | 1 of 80 MiB | 2 of 200 MiB | `sha256:1` |")
    );
}

#[test]
fn the_page_tells_the_limits() {
    let page = include_str!("../../../../docs/install/images.md");
    for image in &IMAGES {
        let [packed, unpacked] = [image.most_packed_bytes, image.most_unpacked_bytes].map(mebibytes);
        let row = format!("| `{}` | {packed} MiB | {unpacked} MiB |", image.name);
        assert!(page.contains(&row), "docs/install/images.md lacks {row}");
    }
}
