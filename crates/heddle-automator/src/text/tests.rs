use super::*;

fn change(image: &str, to: &str, environment: &str) -> PlannedChange {
    PlannedChange {
        environment: environment.parse().unwrap(),
        image: image.parse().unwrap(),
        from: Some("1.4.1".parse().unwrap()),
        to: to.parse().unwrap(),
        from_digest: None,
        to_digest: None,
        places: Vec::new(),
        diff: String::new(),
        why: "it is the highest".into(),
    }
}

#[test]
fn a_title_says_what_goes_where() {
    let api = change("ghcr.io/acme/api", "1.4.2", "prod");
    let web = change("ghcr.io/acme/web", "2.0.0", "prod");
    let db = change("ghcr.io/acme/db", "3", "prod");
    assert_eq!(title(std::slice::from_ref(&api)), "Update api to 1.4.2 in prod");
    assert_eq!(title(&[api.clone(), web.clone()]), "Update api to 1.4.2 and web to 2.0.0 in prod");
    assert_eq!(title(&[api, web, db]), "Update 3 images in prod");
    let shared = ["staging", "prod"].map(|environment| change("ghcr.io/acme/api", "1.4.2", environment));
    assert_eq!(title(&shared), "Update api to 1.4.2 in staging, prod");
}

#[test]
fn where_the_tag_stays_the_digest_says_what_is_new() {
    let digest: Digest = format!("sha256:4b825dc642cb{}", "0".repeat(52)).parse().unwrap();
    let pinned = PlannedChange { to_digest: Some(digest.clone()), ..change("acme/api", "1.4.2", "prod") };
    assert_eq!(title(&[pinned]), "Update api to 1.4.2 in prod");
    let moved = PlannedChange { to_digest: Some(digest), ..change("acme/api", "1.4.1", "prod") };
    assert_eq!(title(std::slice::from_ref(&moved)), "Update api to 1.4.1@sha256:4b825dc642cb in prod");
    let body = commit_body(&[moved], &[]);
    assert!(body.starts_with("`docker.io/acme/api` from `1.4.1` to `1.4.1@sha256:4b825dc642cb` in prod"), "{body}");
}

#[test]
fn foreign_text_cannot_leave_its_code_span() {
    assert_eq!(span("1.4.2"), "`1.4.2`");
    assert_eq!(span("a`b``c"), "```a`b``c```");
    assert_eq!(span("`x`"), "`` `x` ``");
    assert_eq!(span("a|b\n\u{202e}c"), "`a\\|bc`");
    assert_eq!(span(""), "`  `");
}

#[test]
fn a_commit_says_what_and_why() {
    let body = commit_body(&[change("ghcr.io/acme/api", "1.4.2", "prod")], &[]);
    assert_eq!(body, "`ghcr.io/acme/api` from `1.4.1` to `1.4.2` in prod: it is the highest\n");
}

#[test]
fn the_marker_and_the_link_are_filled_in() {
    let proposal: ProposalId = "0195f3a2-0000-7000-8000-000000000002".parse().unwrap();
    let text = announced(&pull_request(&[], "prod", None), "https://heddle.example/changes/1", proposal);
    assert!(text.contains("](https://heddle.example/changes/1)"), "{text}");
    assert!(text.ends_with("<!-- heddle:proposal=0195f3a2-0000-7000-8000-000000000002 -->\n"), "{text}");
}

#[test]
fn a_row_names_the_workload_or_the_image_of_a_kustomization() {
    let check = |object: &str, shown: &str| {
        let place =
            Place { file: "k.yaml".into(), line: 3, object: object.into(), field: "images[name=api].newTag".into() };
        let (image, to) = ("ghcr.io/acme/api".parse().unwrap(), "1.4.2".parse().unwrap());
        let row = Row {
            place: &place,
            image: &image,
            from: None,
            to: &to,
            to_digest: None,
            pushed_at: None,
            signature: &Signature::NotAsked,
            cause: Cause::Rule { policy: "1.x", place: ".heddle.yaml:7".into() },
        };
        let body = pull_request(&[row], "prod", None);
        let line = format!("| `{shown}` | `k.yaml:3` | – | `1.4.2` | – | `1.x` (`.heddle.yaml:7`) |");
        assert!(body.contains(&line), "{body}");
    };
    check("Deployment shop/api", "Deployment shop/api");
    check("Kustomization", "api");
}

#[test]
fn each_row_says_whose_signature_was_verified_and_where_nobody_looked() {
    let place = Place { file: "k.yaml".into(), line: 3, object: "Kustomization".into(), field: "newTag".into() };
    let (image, to) = ("ghcr.io/acme/api".parse().unwrap(), "1.4.2".parse().unwrap());
    let digest: Digest = format!("sha256:{}", "1".repeat(64)).parse().unwrap();
    let signers = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<String>>();
    let said = |signatures: &[Signature], to_digest: Option<&Digest>| {
        let row = |signature| Row {
            place: &place,
            image: &image,
            from: None,
            to: &to,
            to_digest,
            pushed_at: None,
            signature,
            cause: Cause::Rule { policy: "1.x", place: ".heddle.yaml:7".into() },
        };
        let body = pull_request(&signatures.iter().map(row).collect::<Vec<_>>(), "prod", None);
        let ends = body.lines().filter_map(|line| line.split_once("(`.heddle.yaml:7`)"));
        (ends.map(|(_, end)| end.to_owned()).collect::<Vec<_>>(), body)
    };
    let by = |names: &[&str], hour| Signature::By {
        signers: signers(names),
        seen_at: Some(DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hour)),
    };
    let three = [by(&["a.pub"], 2), Signature::NotAsked, by(&["b.pub", "c.pub"], 1)];
    let (ends, body) = said(&three, Some(&digest));
    assert_eq!(ends, [" | `a.pub` |", " | – |", " | `b.pub`, `c.pub` |"], "{body}");
    assert!(!body.contains("another image") && !body.contains("Not known"), "{body}");
    let (_, body) = said(&three, None);
    let bare = "what it named when it was last seen, 1970-01-01 01:00 UTC; it may come to name another image";
    assert!(body.contains(bare), "{body}");
    let (ends, body) = said(&[Signature::NotKnown(signers(&["a.pub"]))], Some(&digest));
    assert_eq!(ends, [" | not known |"]);
    assert!(!body.contains("verified") && body.contains("ask for a signature by `a.pub`"), "{body}");
    let (ends, body) = said(&[Signature::NotAsked], None);
    assert!(ends == [" |"] && !body.contains("Signed by"), "{body}");
}

#[test]
fn what_a_person_asked_for_says_who_and_why_and_how_to_decline_it() {
    let by = heddle_core::request::Requester::new("Ada", uuid::Uuid::nil().into());
    let requested = Requested { by, reason: Some("[a](https://evil.example) @bob | `x`".parse().unwrap()) };
    let body = pull_request(&[], "prod", Some(&requested));
    let first = "**Asked for** by `Ada`: `` [a](https://evil.example) @bob \\| `x` ``\n\n| Workload";
    assert!(body.starts_with(first), "{body}");
    assert!(body.contains("**To decline** it, close this pull request") && !body.contains("**To hold**"), "{body}");
}
