use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::*;

fn chart(entries: &[(&str, &str)]) -> ChartFiles {
    let path = |text: &str| TreePath::parse(text).unwrap();
    ChartFiles {
        file: path("charts/web/Chart.yaml"),
        name: "web".to_owned(),
        entries: entries.iter().map(|(place, file)| (path(place), path(file))).collect(),
    }
}

#[test]
fn what_helm_wrote_is_told_by_its_template() {
    let chart = chart(&[
        ("templates/a.yaml", "charts/web/templates/a.yaml"),
        ("charts/db/templates/b.yaml", "charts/db/templates/b.yaml"),
    ]);
    let output = "---\n# Source: web/templates/a.yaml\na: |\n  ---\n  # Source: no\n---\nb: 1\n---\n# Source: web/charts/db/templates/b.yaml\nc: 1\n";
    let parts: Vec<(String, String)> =
        chart.parts(output).into_iter().map(|part| (part.file.into(), part.text)).collect();
    assert_eq!(parts.len(), 2, "{parts:?}");
    assert_eq!(
        parts[0],
        ("charts/web/templates/a.yaml".to_owned(), "a: |\n  ---\n  # Source: no\n---\nb: 1".to_owned())
    );
    assert_eq!(parts[1].0, "charts/db/templates/b.yaml");
    assert_eq!(chart.parts("\n"), []);
}

#[test]
fn a_template_of_a_packed_chart_is_told_by_its_package() {
    let chart = chart(&[("charts/db-1.2.0.tgz", "charts/web/charts/db-1.2.0.tgz")]);
    assert_eq!(chart.origin("web/charts/db/templates/b.yaml").as_str(), "charts/web/charts/db-1.2.0.tgz");
    assert_eq!(chart.origin("web/charts/db/charts/common/templates/b.yaml").as_str(), "charts/web/charts/db-1.2.0.tgz");
    assert_eq!(chart.origin("web/templates/b.yaml").as_str(), "charts/web/Chart.yaml");
}

#[test]
fn a_package_is_read_and_what_is_none_is_an_error() {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let text = b"{{ lookup }}";
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_cksum();
    archive.append_data(&mut header, "db/templates/b.yaml", text.as_slice()).unwrap();
    let mut packed = archive.into_inner().unwrap();
    packed.flush().unwrap();
    let packed = packed.finish().unwrap();
    assert_eq!(unpack(&packed).unwrap(), [("templates/b.yaml".to_owned(), text.to_vec())]);
    assert!(unpack(b"no package").is_err());
}
