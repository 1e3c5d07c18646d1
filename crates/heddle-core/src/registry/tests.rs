use super::*;

fn host(text: &str) -> RegistryHost {
    text.parse().unwrap()
}

fn reach(host: &str, prefix: &str) -> Reach {
    Reach::new(host.parse().unwrap(), prefix).unwrap()
}

#[test]
fn a_host_is_taken_as_people_and_docker_write_it() {
    for (text, expected) in [
        ("ghcr.io", "ghcr.io"),
        (" GHCR.io ", "ghcr.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("https://registry.example.com:5000/v2/", "registry.example.com:5000"),
        ("localhost", "localhost"),
    ] {
        assert_eq!(host(text).as_str(), expected, "{text}");
    }
    for text in ["", "ghcr", "ghcr.io/acme", "user@ghcr.io", "ghcr.io?x=1", "https://", "a b.io", "ghcr.io#x"] {
        assert!(text.parse::<RegistryHost>().is_err(), "{text}");
    }
}

#[test]
fn amazon_is_what_amazon_publishes_and_nothing_else() {
    let private = |region: &str, fips| Some(Amazon::Private { region: region.to_owned(), fips });
    for (text, expected) in [
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", private("eu-central-1", false)),
        ("123456789012.dkr.ecr.us-gov-west-1.amazonaws.com", private("us-gov-west-1", false)),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", private("cn-north-1", false)),
        ("123456789012.dkr.ecr-fips.us-east-2.amazonaws.com", private("us-east-2", true)),
        ("123456789012.dkr-ecr.eu-west-1.on.aws", private("eu-west-1", false)),
        ("123456789012.dkr-ecr-fips.us-east-1.on.aws", private("us-east-1", true)),
        ("public.ecr.aws", Some(Amazon::Public)),
        ("12345678901.dkr.ecr.eu-central-1.amazonaws.com", None),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.example", None),
        ("123456789012.dkr.ecr.evil.example.amazonaws.com", None),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com.cn", None),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com", None),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com:444", None),
        ("evil.public.ecr.aws", None),
    ] {
        assert_eq!(host(text).amazon(), expected, "{text}");
    }
}

#[test]
fn google_and_azure_are_below_their_own_domains() {
    for text in ["europe-docker.pkg.dev", "gcr.io", "eu.gcr.io"] {
        assert!(host(text).is_google(), "{text}");
    }
    for text in ["pkg.dev", "evilpkg.dev", "evilgcr.io", "gcr.io.evil.example", "a.pkg.dev:8443"] {
        assert!(!host(text).is_google(), "{text}");
    }
    assert_eq!(host("acme.azurecr.io").azure(), Some(Azure::Public));
    assert_eq!(host("acme.azurecr.cn").azure(), Some(Azure::China));
    assert_eq!(host("acme.azurecr.us").azure(), Some(Azure::Government));
    for text in ["evilazurecr.io", "azurecr.io", "acme.azurecr.io.evil.example", "acme.azurecr.de"] {
        assert_eq!(host(text).azure(), None, "{text}");
    }
}

#[test]
fn a_kind_of_a_cloud_is_refused_elsewhere_with_the_forms_it_takes() {
    let error = LoginKind::Acr.check(&host("evil.example")).unwrap_err().to_string();
    assert_eq!(
        error,
        "a login of the kind `acr` is for `*.azurecr.io`, `*.azurecr.cn` and `*.azurecr.us` alone, and `evil.example` is \
         none; for another host use a user name and a password"
    );
    assert_eq!(LoginKind::Basic.check(&host("evil.example")), Ok(()));
    for kind in LoginKind::ALL {
        assert_eq!(kind.word().parse(), Ok(kind));
    }
}

#[test]
fn the_longest_prefix_of_whole_parts_wins() {
    let all =
        [reach("ghcr.io", ""), reach("ghcr.io", "acme"), reach("ghcr.io", "/acme/team/"), reach("quay.io", "acme")];
    let chosen = |image: &str| choose(&all, |one| one, &image.parse().unwrap()).map(ToString::to_string);
    assert_eq!(chosen("ghcr.io/acme/team/api").as_deref(), Some("ghcr.io/acme/team"));
    assert_eq!(chosen("ghcr.io/acme/team").as_deref(), Some("ghcr.io/acme/team"));
    assert_eq!(chosen("ghcr.io/acme/teams/api").as_deref(), Some("ghcr.io/acme"));
    assert_eq!(chosen("ghcr.io/acme2/api").as_deref(), Some("ghcr.io"));
    assert_eq!(chosen("quay.io/other/api"), None);
    assert_eq!(chosen("nginx"), None);
}

#[test]
fn a_prefix_holds_whole_parts_of_a_path() {
    for prefix in ["Acme", "acme//team", "acme:1", "acme*", "../acme", "acme team"] {
        assert!(matches!(Reach::new(host("ghcr.io"), prefix), Err(LoginError::Prefix(_))), "{prefix}");
    }
    assert_eq!(Reach::new(host("docker.io"), "acme").unwrap().prefix(), "acme");
}

#[test]
fn a_pattern_is_for_a_host_or_for_those_below_a_domain() {
    let covers = |pattern: &str, host: &str| pattern.parse::<HostPattern>().unwrap().covers(host);
    assert!(covers("registry.example.com:5000", "registry.example.com:5000"));
    assert!(covers("https://index.docker.io/v1/", "docker.io"));
    assert!(!covers("registry.example.com", "registry.example.com:5000"), "another port is another registry");
    assert!(covers("*.example.com", "registry.example.com"));
    assert!(covers("*.example.com", "a.b.example.com:5000"));
    for host in ["example.com", "evilexample.com", "example.com.evil.org", ".example.com"] {
        assert!(!covers("*.example.com", host), "{host}");
    }
    for text in ["", "*", "*.", "*.com", "*.example.com:5000", "**.example.com", "re*.example.com", "a b"] {
        assert!(text.parse::<HostPattern>().is_err(), "{text}");
    }
    let weight = |pattern: &str| pattern.parse::<HostPattern>().unwrap().weight();
    assert!(weight("a.example.com") > weight("*.b.a.example.com"));
    assert!(weight("*.a.example.com") > weight("*.example.com"));
}

#[test]
fn a_fault_says_what_it_means_for_how_many_images() {
    assert_eq!(
        ReadFault::Refused.in_words("ghcr.io/acme", 12),
        "the login for `ghcr.io/acme` is not known there, or has expired; it is for 12 images"
    );
    assert_eq!(ReadFault::NoLogin.in_words("ghcr.io", 1), "`ghcr.io` wants a login for 1 image, and there is none");
    for fault in ReadFault::ALL {
        assert_eq!(fault.word().parse(), Ok(fault));
    }
}
