use super::*;

#[test]
fn a_registry_has_the_row_of_its_host_and_no_look_alike() {
    for (host, name) in [
        ("docker.io", "Docker Hub"),
        ("ghcr.io", "GitHub Packages (GHCR)"),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", "Amazon ECR"),
        ("public.ecr.aws", "Amazon ECR Public"),
        ("eu.gcr.io", "Google Artifact Registry"),
        ("acme.azurecr.io", "Azure Container Registry"),
        ("registry.gitlab.com", "GitLab"),
        ("acme.jfrog.io", "JFrog Artifactory"),
        ("evilghcr.io", "any other registry"),
        ("azurecr.io", "any other registry"),
        ("127.0.0.1:5000", "any other registry"),
        ("[::1]:5000", "any other registry"),
    ] {
        assert_eq!(of(host).name, name, "{host}");
    }
}

#[test]
fn every_row_has_a_public_source_and_asks_for_what_registries_give() {
    for row in QUIRKS {
        assert!(row.source.starts_with("https://"), "{}", row.name);
        assert!((1..=1000).contains(&row.page_size), "ECR refuses more: {}", row.name);
        assert!(row.token_servers.iter().all(|host| !host.contains('*')), "{}", row.name);
    }
}
