//! `heddle registry`: the organization's logins to registries.

use std::{fs::File, io, time::Duration};

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use heddle_core::registry::{self, LoginKind, Reach, RegistryHost};
use heddle_wire::{
    registry::{LoginOutcome, RegistrySecret},
    secret::WireSecret,
    view::{AddDockerLogins, EnterRegistryLogin, RegistryLoginView, TestRegistryLogin},
};
use secrecy::SecretString;
use tokio::time::{Instant, sleep};

use crate::{
    ask,
    config::{Config, RegistryAddArguments, RegistryCommand, RegistryTestArguments},
    exit::{Exit, Failure},
    screen::Screen,
    session::Session,
    table::{Cell, Table, Tone},
    words::ago,
};

/// How long an automator may take for a test, and how often we look.
const TEST_DEADLINE: Duration = Duration::from_secs(120);
const TEST_LOOK: Duration = Duration::from_millis(500);

pub(crate) async fn run(config: &Config, command: &RegistryCommand, screen: &mut Screen) -> Result<Exit, Failure> {
    match command {
        RegistryCommand::List => list(config, screen).await,
        RegistryCommand::Add(arguments) => add(config, arguments, screen).await,
        RegistryCommand::Test(arguments) => test(config, arguments, screen).await,
        RegistryCommand::Remove { login } => remove(config, login, screen).await,
    }
}

async fn list(config: &Config, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let all = session.client.registry_logins(session.organization.id).await?;
    if screen.is_json() {
        screen.json(&all)?;
        return Ok(Exit::Done);
    }
    if let Some(missing) = &all.missing {
        screen.note(missing);
    }
    if all.logins.is_empty() {
        screen.note("no login yet; add one with `heddle registry add HOST --username NAME`");
    } else {
        screen.table(&show(&all.logins, Utc::now()))?;
    }
    Ok(Exit::Done)
}

fn show(logins: &[RegistryLoginView], now: DateTime<Utc>) -> Table {
    let mut table = Table::new(&["REGISTRY", "KIND", "USER", "SECRET", "ADDED", "USED", "STATE", "REASON"]);
    for login in logins {
        let (state, tone) = state(login);
        let end = if login.last_four.is_empty() { "…".to_owned() } else { format!("…{}", login.last_four) };
        let reason = login.unreadable.as_ref().or(login.reason.as_ref()).map_or("", String::as_str);
        table.row(vec![
            Cell::new(name(login)),
            Cell::new(login.kind.word()),
            Cell::new(&login.user_name),
            Cell::new(end),
            Cell::new(format!("{} by {}", ago(Some(login.added_at), now), login.added_by)),
            Cell::new(ago(login.used_at, now)),
            Cell::toned(state, tone),
            Cell::new(reason),
        ]);
    }
    table
}

fn state(login: &RegistryLoginView) -> (&'static str, Tone) {
    match login.outcome {
        _ if login.unreadable.is_some() => ("unreadable", Tone::Bad),
        None => ("not used yet", Tone::Faint),
        Some(LoginOutcome::Works) => ("works", Tone::Good),
        Some(LoginOutcome::Refused) => ("not known", Tone::Bad),
        Some(LoginOutcome::Denied) => ("lacks rights", Tone::Bad),
        Some(LoginOutcome::TokenServer) => ("stopped", Tone::Bad),
        Some(LoginOutcome::Failed) => ("not tried to the end", Tone::Waiting),
    }
}

fn name(login: &RegistryLoginView) -> String {
    if login.prefix.is_empty() { login.host.clone() } else { format!("{}/{}", login.host, login.prefix) }
}

async fn add(config: &Config, arguments: &RegistryAddArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let organization = session.organization.id;
    if let Some(path) = &arguments.docker_config {
        let text =
            if path.as_os_str() == "-" { ask::read_all(io::stdin()) } else { File::open(path).and_then(ask::read_all) };
        let text = text.with_context(|| format!("could not read {}", path.display()))?;
        let request = AddDockerLogins { config: WireSecret(text) };
        let added = session.client.add_docker_logins(organization, &request).await?;
        return said(screen, &added, "added");
    }
    let host = arguments.host.clone().ok_or_else(|| {
        Failure::wrong(anyhow!("no host is given")).remedy("name the registry's host, or a file with --docker-config")
    })?;
    let request = EnterRegistryLogin {
        host,
        prefix: arguments.prefix.clone().unwrap_or_default(),
        auth_host: arguments.auth_host.clone(),
        secret: read_secret(arguments)?,
    };
    let (login, what) = if arguments.again {
        let reach = reach_of(&format!("{}/{}", request.host, request.prefix))?;
        let there = find(&session, &reach).await?;
        (session.client.enter_registry_login(organization, there.id, &request).await?, "entered again")
    } else {
        (session.client.add_registry_login(organization, &request).await?, "added")
    };
    said(screen, &[login], what)
}

fn said(screen: &Screen, logins: &[RegistryLoginView], what: &str) -> Result<Exit, Failure> {
    if screen.is_json() {
        screen.json(&logins)?;
        return Ok(Exit::Done);
    }
    for login in logins {
        screen.line(&format!("{}: {what}; try it with `heddle registry test {}/…`", name(login), login.host))?;
    }
    Ok(Exit::Done)
}

fn read_secret(arguments: &RegistryAddArguments) -> Result<RegistrySecret, Failure> {
    let needed = |value: &Option<String>, flag: &str| {
        value.clone().ok_or_else(|| {
            Failure::wrong(anyhow!("a login of the kind `{}` needs {flag}", arguments.kind.word()))
                .remedy(format!("give it with {flag}; the secret itself comes from stdin or a prompt"))
        })
    };
    let ask = |label: &str| -> Result<WireSecret, Failure> {
        let text: SecretString = ask::read(label).context("could not read the secret from stdin")?;
        Ok(WireSecret(text))
    };
    Ok(match arguments.kind {
        LoginKind::Basic => RegistrySecret::Basic {
            username: needed(&arguments.username, "--username")?,
            password: ask("Password or token")?,
        },
        LoginKind::IdentityToken => RegistrySecret::IdentityToken { token: ask("Identity token")? },
        LoginKind::Ecr => RegistrySecret::Ecr {
            access_key_id: needed(&arguments.access_key_id, "--access-key-id")?,
            role_arn: arguments.role_arn.clone(),
            external_id: arguments.external_id.clone(),
            secret_access_key: ask("Secret access key")?,
        },
        LoginKind::Gar => RegistrySecret::Gar { key: ask("The service account's key on one line (or pipe its file)")? },
        LoginKind::Acr => RegistrySecret::Acr {
            tenant: needed(&arguments.tenant, "--tenant")?,
            client_id: needed(&arguments.client_id, "--client-id")?,
            client_secret: ask("Client secret")?,
        },
    })
}

async fn test(config: &Config, arguments: &RegistryTestArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let organization = session.organization.id;
    let all = session.client.registry_logins(organization).await?.logins;
    let reached: Vec<(Reach, RegistryLoginView)> =
        all.into_iter().filter_map(|login| Some((reach_of(&name(&login)).ok()?, login))).collect();
    let (_, login) = registry::choose(&reached, |(reach, _)| reach, &arguments.image).ok_or_else(|| {
        Failure::wrong(anyhow!("there is no login for {}", arguments.image))
            .remedy(format!("add one with `heddle registry add {}`", arguments.image.registry()))
    })?;
    let request = TestRegistryLogin { image: arguments.image.to_string() };
    let asked = session.client.test_registry_login(organization, login.id, &request).await?;
    let until = Instant::now() + TEST_DEADLINE;
    let done = loop {
        let all = session.client.registry_logins(organization).await?.logins;
        let seen = all.into_iter().find(|one| one.id == asked.id);
        let seen = seen.ok_or_else(|| Failure::wrong(anyhow!("the login was removed meanwhile")))?;
        match &seen.test {
            Some(test) if test.done_at.is_some() => break seen,
            _ if Instant::now() >= until => {
                let waited = anyhow!("no automator has tried it within {} s", TEST_DEADLINE.as_secs());
                return Err(Failure { exit: Exit::Away, error: waited, remedy: None }
                    .remedy("see `heddle status` for when one was last seen"));
            }
            _ => sleep(TEST_LOOK).await,
        }
    };
    let test = done.test.as_ref();
    if screen.is_json() {
        screen.json(&done)?;
    } else {
        screen.line(test.and_then(|test| test.message.as_deref()).unwrap_or_default())?;
        if let Some(host) = &done.offered_host {
            screen.note(&format!("if `{host}` is right, enter the login again with `--again --auth-host {host}`"));
        }
    }
    Ok(if test.is_some_and(|test| test.passed == Some(true)) { Exit::Done } else { Exit::No })
}

async fn remove(config: &Config, login: &str, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let found = find(&session, &reach_of(login)?).await?;
    session.client.delete_registry_login(session.organization.id, found.id).await?;
    screen.note(&format!("{}: removed; its images are read without a login from now on", name(&found)));
    Ok(Exit::Done)
}

async fn find(session: &Session, reach: &Reach) -> Result<RegistryLoginView, Failure> {
    let all = session.client.registry_logins(session.organization.id).await?.logins;
    let found = all.into_iter().find(|one| reach_of(&name(one)).is_ok_and(|own| own == *reach));
    found.ok_or_else(|| Failure::wrong(anyhow!("there is no login for `{reach}`")).remedy("see `heddle registry list`"))
}

/// `ghcr.io/acme`: a host and, after it, a prefix.
fn reach_of(text: &str) -> Result<Reach, Failure> {
    let (host, prefix) = text.split_once('/').unwrap_or((text, ""));
    let host: RegistryHost = host.parse().map_err(Failure::wrong)?;
    Reach::new(host, prefix).map_err(Failure::wrong)
}
