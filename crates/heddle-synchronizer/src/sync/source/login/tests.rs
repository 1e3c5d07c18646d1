use super::*;

fn token(expires_at: DateTime<Utc>) -> Token {
    Token { credential: credential("secret"), expires_at }
}

fn credential(password: &str) -> Credential {
    Credential { username: "x-access-token".into(), password: password.into() }
}

fn repository(name: &str) -> RepoUrl {
    RepoUrl::try_from(format!("https://github.com/acme/{name}")).unwrap()
}

#[test]
fn a_token_is_there_for_its_own_repository_until_it_expires_or_is_forgotten() {
    let (tokens, now, later) = (Tokens::default(), Utc::now(), Utc::now() + TimeDelta::hours(1));
    let (config, other) = (repository("config"), repository("other"));
    tokens.keep(&config, token(later), now);
    assert!(tokens.find(&config, now).is_some());
    assert!(tokens.find(&config, later).is_none());
    assert!(tokens.find(&other, now).is_none());
    tokens.forget(&config, &credential("another"));
    assert!(tokens.find(&config, now).is_some(), "it is not the one that was refused");
    tokens.forget(&config, &credential("secret"));
    assert!(tokens.find(&config, now).is_none());
}

#[test]
fn tokens_that_have_expired_are_dropped_when_another_is_kept() {
    let (tokens, now) = (Tokens::default(), Utc::now());
    tokens.keep(&repository("config"), token(now), now - TimeDelta::hours(1));
    tokens.keep(&repository("other"), token(now + TimeDelta::hours(1)), now);
    assert_eq!(tokens.0.lock().unwrap().len(), 1);
}
