//! What registries do each in their own way: one table, each row with its public source.
//!
//! A registry that no row names is taken as the specification has it, which CNCF Distribution, Harbor, Nexus, Artifactory
//! and Gitea follow wherever they are installed.

use heddle_core::registry::RegistryHost;

/// What is special about a registry.
#[derive(Debug, Clone, Copy)]
pub struct Quirk {
    /// The registry, in words.
    pub name: &'static str,
    /// Its hosts: exact, or `*.` and the end. Empty: wherever it is installed.
    hosts: &'static [&'static str],
    /// The host that answers, where it is another than the one in images' names.
    pub answers_at: Option<&'static str>,
    /// Hosts of token servers, other than its own, that a secret may go to.
    pub token_servers: &'static [&'static str],
    /// How many tags are asked for at once.
    pub page_size: u32,
    /// What to do about a login that it does not know.
    pub when_refused: &'static str,
    /// What to do about a login that may not read an image.
    pub when_denied: &'static str,
    /// Where this is said publicly.
    pub source: &'static str,
}

/// Of those that no row names.
const OTHER: Quirk = Quirk {
    name: "any other registry",
    hosts: &[],
    answers_at: None,
    token_servers: &[],
    page_size: 1000,
    when_refused: "look whether the password or token was changed or has expired, and enter it again",
    when_denied: "give the user or token the right to pull this image",
    source: "OCI distribution specification 1.1, \"Listing tags\"; Docker Registry token authentication specification",
};

/// Every row.
pub const QUIRKS: &[Quirk] = &[
    Quirk {
        name: "Docker Hub",
        hosts: &["docker.io"],
        answers_at: Some("registry-1.docker.io"),
        token_servers: &["auth.docker.io"],
        page_size: 100,
        when_refused: "make an access token under Account settings, Personal access tokens, and enter it with the user's name",
        when_denied: "the token needs `Read-only` or more, and its user must be able to pull the image",
        source: "https://docs.docker.com/reference/api/registry/auth/",
    },
    Quirk {
        name: "GitHub Packages (GHCR)",
        hosts: &["ghcr.io"],
        page_size: 1000,
        when_refused: "make a personal access token (classic) with `read:packages`; one that has expired is made anew",
        when_denied: "the token lacks `read:packages`, its user may not read the package, or the organization wants it authorized \
                      for single sign-on",
        source: "https://docs.github.com/packages/working-with-a-github-packages-registry/working-with-the-container-registry",
        ..OTHER
    },
    Quirk {
        name: "Amazon ECR",
        hosts: &["*.amazonaws.com", "*.amazonaws.com.cn", "*.on.aws", "*.on.amazonwebservices.com.cn"],
        page_size: 1000,
        when_refused: "a login of the kind `ecr` gets a new password by itself; one that was pasted ends after 12 hours",
        when_denied: "allow it `ecr:ListImages`, `ecr:BatchGetImage` and `ecr:GetDownloadUrlForLayer` on the repository",
        source: "https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html",
        ..OTHER
    },
    Quirk {
        name: "Amazon ECR Public",
        hosts: &["public.ecr.aws", "ecr-public.aws.com"],
        page_size: 1000,
        when_refused: "the user needs `ecr-public:GetAuthorizationToken` and `sts:GetServiceBearerToken`",
        when_denied: "the image is not in the public gallery",
        source: "https://docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html",
        ..OTHER
    },
    Quirk {
        name: "Google Artifact Registry",
        hosts: &["*.pkg.dev", "gcr.io", "*.gcr.io"],
        when_refused: "make a new key of the service account and enter its JSON file",
        when_denied: "give the service account the role Artifact Registry Reader (`roles/artifactregistry.reader`) on the \
                      repository",
        source: "https://cloud.google.com/artifact-registry/docs/docker/authentication",
        ..OTHER
    },
    Quirk {
        name: "Azure Container Registry",
        hosts: &["*.azurecr.io", "*.azurecr.cn", "*.azurecr.us"],
        when_refused: "make a new client secret of the application and enter it",
        when_denied: "give the service principal the role `AcrPull` on the registry, or `Container Registry Repository Reader` where \
                      it has permissions by repository",
        source: "https://learn.microsoft.com/azure/container-registry/container-registry-auth-service-principal",
        ..OTHER
    },
    Quirk {
        name: "Quay",
        hosts: &["quay.io"],
        page_size: 100,
        when_refused: "make a robot account and enter its name (`acme+heddle`) and token",
        when_denied: "give the robot account `Read` on the repository",
        source: "https://docs.quay.io/glossary/robot-accounts.html",
        ..OTHER
    },
    Quirk {
        name: "GitLab",
        hosts: &["registry.gitlab.com"],
        token_servers: &["gitlab.com"],
        when_refused: "make a deploy token or project access token with `read_registry`; one that has expired is made anew",
        when_denied: "the token needs `read_registry`, and to be one of this project or its group",
        source: "https://docs.gitlab.com/user/packages/container_registry/authenticate_with_container_registry/",
        ..OTHER
    },
    Quirk {
        name: "JFrog Artifactory",
        hosts: &["*.jfrog.io"],
        when_refused: "make a reference token or identity token in the user's profile and enter it with the user's name",
        when_denied: "give the user `Read` on the repository by a permission target",
        source: "https://jfrog.com/help/r/jfrog-artifactory-documentation/docker-registry",
        ..OTHER
    },
];

/// The row of a registry.
pub fn of(registry: &str) -> &'static Quirk {
    let host: Option<RegistryHost> = registry.parse().ok();
    let name = host.as_ref().map_or(registry, RegistryHost::name);
    QUIRKS.iter().find(|row| row.hosts.iter().any(|form| is_of(form, name))).unwrap_or(&OTHER)
}

fn is_of(form: &str, host: &str) -> bool {
    match form.strip_prefix('*') {
        Some(end) => host.len() > end.len() && host.ends_with(end),
        None => host == form,
    }
}

#[cfg(test)]
mod tests;
