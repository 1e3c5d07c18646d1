//! What registries do each in their own way: one table, each row with its public source.
//!
//! `docs/registries.md` shows it, and a test holds the two together. A registry that no row names is taken as the
//! specification has it, which CNCF Distribution follows.

use heddle_core::registry::RegistryHost;
use reqwest::header::HeaderMap;

/// What is special about a registry.
#[derive(Debug, Clone, Copy)]
pub struct Quirk {
    /// The registry, in words.
    pub name: &'static str,
    /// Its hosts: exact, or `*.` and the end. Empty: wherever it is installed.
    hosts: &'static [&'static str],
    /// Headers of its answers, and how they begin, by which it is known wherever it is installed.
    told_by: &'static [(&'static str, &'static str)],
    /// The host that answers, where it is another than the one in images' names.
    pub answers_at: Option<&'static str>,
    /// Hosts of token servers, other than its own, that a secret may go to.
    pub token_servers: &'static [&'static str],
    /// What a token is asked for.
    pub scope: Scope,
    /// How many tags are asked for at once.
    pub page_size: u32,
    /// In which order tags come.
    pub order: Order,
    /// What its `Link` header to the next page is worth.
    pub link: Link,
    /// Whether a manifest can be asked for without its body, and the answer names its digest.
    pub head: bool,
    /// What it does against too many requests, in words.
    pub limits: &'static str,
    /// What it answers for an image that a login may not see, in words. Bodies of errors are not read.
    pub hides: &'static str,
    /// What to do about a login that it does not know.
    pub when_refused: &'static str,
    /// What to do about a login that may not read an image.
    pub when_denied: &'static str,
    /// Where this is said publicly.
    pub source: &'static str,
}

/// What a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `repository:PATH:pull`.
    Pull,
    /// No token is asked for: the login is shown with each request.
    None,
}

/// In which order tags come. No row says that the newest come first, so a first page is never taken for news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By name, as the specification wants.
    Lexical,
    /// Those that were pushed first come first.
    OldestFirst,
    /// Nothing is said of it.
    Unsaid,
}

/// What a `Link` header to the next page is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The address as it is written, at the registry itself.
    AsWritten,
    /// Its query alone: the path is that of another address of the registry, and leads nowhere.
    QueryAlone,
    /// There is none: the whole list comes at once.
    None,
}

/// Of those that no row names.
const OTHER: Quirk = Quirk {
    name: "any other registry",
    hosts: &[],
    told_by: &[],
    answers_at: None,
    token_servers: &[],
    scope: Scope::Pull,
    page_size: 1000,
    order: Order::Lexical,
    link: Link::AsWritten,
    head: true,
    limits: "429 with `Retry-After`",
    hides: "401, 403 or 404",
    when_refused: "look whether the password or token was changed or has expired, and enter it again",
    when_denied: "give the user or token the right to pull this image",
    source: "https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md",
};

/// Every row.
pub const QUIRKS: &[Quirk] = &[
    Quirk {
        name: "Docker Hub",
        hosts: &["docker.io"],
        answers_at: Some("registry-1.docker.io"),
        token_servers: &["auth.docker.io"],
        page_size: 100,
        limits: "manifests alone are counted, not `HEAD`; `RateLimit-Limit` and `-Remaining` with a window of 6 h that rolls",
        hides: "401",
        when_refused: "make an access token under Account settings, Personal access tokens, and enter it with the user's name",
        when_denied: "the token needs `Read-only` or more, and its user must be able to pull the image",
        source: "https://docs.docker.com/docker-hub/usage/pulls/",
        ..OTHER
    },
    Quirk {
        name: "GitHub Packages (GHCR)",
        hosts: &["ghcr.io"],
        order: Order::OldestFirst,
        hides: "403",
        when_refused: "make a personal access token (classic) with `read:packages`; one that has expired is made anew",
        when_denied: "the token lacks `read:packages`, its user may not read the package, or the organization wants it authorized \
                      for single sign-on",
        source: "https://github.com/renovatebot/renovate/pull/36103",
        ..OTHER
    },
    Quirk {
        name: "Amazon ECR",
        hosts: &["*.amazonaws.com", "*.amazonaws.com.cn", "*.on.aws", "*.on.amazonwebservices.com.cn"],
        scope: Scope::None,
        order: Order::Unsaid,
        limits: "more than 1000 tags at once are refused; 429, mostly without `Retry-After`",
        hides: "401 or 404",
        when_refused: "a login of the kind `ecr` gets a new password by itself; one that was pasted ends after 12 hours",
        when_denied: "allow it `ecr:ListImages`, `ecr:BatchGetImage` and `ecr:GetDownloadUrlForLayer` on the repository",
        source: "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImages.html",
        ..OTHER
    },
    Quirk {
        name: "Amazon ECR Public",
        hosts: &["public.ecr.aws", "ecr-public.aws.com"],
        order: Order::Unsaid,
        when_refused: "the user needs `ecr-public:GetAuthorizationToken` and `sts:GetServiceBearerToken`",
        when_denied: "the image is not in the public gallery",
        source: "https://docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html",
        ..OTHER
    },
    Quirk {
        name: "Google Artifact Registry",
        hosts: &["*.pkg.dev", "gcr.io", "*.gcr.io"],
        link: Link::None,
        limits: "429 by the project's quota",
        hides: "403",
        when_refused: "make a new key of the service account and enter its JSON file",
        when_denied: "give the service account the role Artifact Registry Reader (`roles/artifactregistry.reader`) on the \
                      repository",
        source: "https://github.com/google/go-containerregistry/issues/897",
        ..OTHER
    },
    Quirk {
        name: "Azure Container Registry",
        hosts: &["*.azurecr.io", "*.azurecr.cn", "*.azurecr.us"],
        limits: "429 by the registry's tier",
        hides: "401 or 404",
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
        limits: "413 where more tags are asked for at once than it gives",
        hides: "401",
        when_refused: "make a robot account and enter its name (`acme+heddle`) and token",
        when_denied: "give the robot account `Read` on the repository",
        source: "https://github.com/quay/quay/pull/2884",
        ..OTHER
    },
    Quirk {
        name: "GitLab",
        hosts: &["registry.gitlab.com"],
        token_servers: &["gitlab.com"],
        limits: "`RateLimit-Reset` counts from 1970",
        hides: "401 or 404",
        when_refused: "make a deploy token or project access token with `read_registry`; one that has expired is made anew",
        when_denied: "the token needs `read_registry`, and to be one of this project or its group",
        source: "https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/",
        ..OTHER
    },
    Quirk {
        name: "JFrog Artifactory",
        hosts: &["*.jfrog.io"],
        told_by: &[("x-artifactory-id", ""), ("x-jfrog-version", "Artifactory/")],
        link: Link::QueryAlone,
        hides: "403 or 404",
        when_refused: "make a reference token or identity token in the user's profile and enter it with the user's name",
        when_denied: "give the user `Read` on the repository by a permission target",
        source: "https://github.com/renovatebot/renovate/issues/35917",
        ..OTHER
    },
    Quirk {
        name: "Sonatype Nexus",
        told_by: &[("server", "Nexus/")],
        link: Link::QueryAlone,
        hides: "401 or 404",
        when_denied: "give the user a role with `browse` and `read` on the repository's view",
        source: "https://github.com/sonatype/nexus-public/issues/1011",
        ..OTHER
    },
    Quirk {
        name: "Harbor",
        limits: "none of its own; a proxy project passes on those of its upstream",
        hides: "401 or 404",
        when_denied: "give the robot account `Pull` and `List` on the project's repositories and tags",
        source: "https://github.com/goharbor/harbor/blob/main/src/server/registry/tag.go",
        ..OTHER
    },
    Quirk {
        name: "Gitea and Forgejo",
        limits: "none of its own",
        hides: "401",
        when_denied: "the token needs the scope `read:package`, and its user must see the package's owner",
        source: "https://docs.gitea.com/usage/packages/container",
        ..OTHER
    },
];

/// The row of a registry.
pub fn of(registry: &str) -> &'static Quirk {
    let host: Option<RegistryHost> = registry.parse().ok();
    let name = host.as_ref().map_or(registry, RegistryHost::name);
    QUIRKS.iter().find(|row| row.hosts.iter().any(|form| is_of(form, name))).unwrap_or(&OTHER)
}

/// The row of a registry of which this is an answer: by its host, else by what it says of itself.
pub(crate) fn of_answer(registry: &str, headers: &HeaderMap) -> &'static Quirk {
    let known = of(registry);
    if !known.hosts.is_empty() {
        return known;
    }
    let says = |(name, begins): &(&str, &str)| {
        let values = headers.get_all(*name);
        values.iter().any(|value| value.to_str().is_ok_and(|value| value.starts_with(begins)))
    };
    QUIRKS.iter().find(|row| row.told_by.iter().any(says)).unwrap_or(known)
}

fn is_of(form: &str, host: &str) -> bool {
    match form.strip_prefix('*') {
        Some(end) => host.len() > end.len() && host.ends_with(end),
        None => host == form,
    }
}

#[cfg(test)]
mod tests;
