use super::*;

#[test]
fn every_metric_stands_in_the_reference() {
    let page = include_str!("../../../../docs/reference/agent.md");
    for (name, ..) in ALL {
        assert!(page.contains(&format!("`{name}`")) || page.contains(&format!("`{name}{{")), "{name}");
    }
}
