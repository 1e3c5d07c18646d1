//! What GitHub says of the App, held against what Heddle needs.

use std::collections::BTreeMap;

use heddle_github::{Delivery, GitHubError, Installation, Registration, Webhook};
use heddle_wire::view::{DoctorArea, DoctorCheck};
use url::Url;

use super::{fault, ok, unknown, warning};
use crate::config::GitHubApp;

/// The rights that the App needs, and no others.
pub const PERMISSIONS: [(&str, &str); 3] = [("contents", "write"), ("metadata", "read"), ("pull_requests", "write")];

/// The events that it needs to hear of.
pub const EVENTS: [&str; 2] = ["push", "pull_request"];

/// Of so many of the newest deliveries one has to arrive.
const NEWEST: usize = 3;

/// Installations that are named one by one.
const NAMED: usize = 20;

const AREA: DoctorArea = DoctorArea::Github;

pub(super) fn not_set() -> DoctorCheck {
    let remedy = "make a GitHub App (docs/self-hosting.md) and set HEDDLE_GITHUB_APP_ID and those beside it";
    warning(AREA, "no GitHub App is set, so that no repository can be connected", remedy)
}

/// Why GitHub did not tell about `what`.
pub(super) fn refused(area: DoctorArea, what: &str, error: &GitHubError) -> DoctorCheck {
    let said = format!("GitHub did not tell {what}: {error}");
    match error {
        GitHubError::Unauthorized => fault(
            area,
            said,
            "look whether HEDDLE_GITHUB_APP_ID and HEDDLE_GITHUB_PRIVATE_KEY_FILE are of one App at HEDDLE_GITHUB_API_URL, \
             whether the key was deleted there, and whether the clock is right",
        ),
        GitHubError::RateLimited { .. } => unknown(area, said, "look again then"),
        _ => fault(
            area,
            said,
            "look whether this machine reaches HEDDLE_GITHUB_API_URL, and trusts its certificate (HEDDLE_CA_FILE)",
        ),
    }
}

pub(super) fn judge_registration(app: &GitHubApp, found: &Registration) -> Vec<DoctorCheck> {
    let mut checks = Vec::new();
    for (variable, said, wanted) in [
        ("HEDDLE_GITHUB_APP_SLUG", app.slug.as_str(), found.slug.as_deref()),
        ("HEDDLE_GITHUB_CLIENT_ID", app.client_id.as_str(), found.client_id.as_deref()),
    ] {
        if let Some(wanted) = wanted.filter(|wanted| *wanted != said) {
            let said = format!("{variable} is `{said}`, and of the App with that number it is `{wanted}`");
            checks.push(fault(AREA, said, &format!("set {variable} to `{wanted}`")));
        }
    }
    let lacks = lacking(&found.permissions, &PERMISSIONS);
    if !lacks.is_empty() {
        let remedy =
            format!("give it these at {}; who installed it is asked to agree", page(app, found, "permissions"));
        checks.push(fault(AREA, format!("the App lacks rights: {}", lacks.join(", ")), &remedy));
    }
    let more = surplus(&found.permissions);
    if !more.is_empty() {
        let remedy = format!("take them away at {}: a stolen key could use them", page(app, found, "permissions"));
        checks.push(warning(
            AREA,
            format!("the App has rights that Heddle does not use: {}", more.join(", ")),
            &remedy,
        ));
    }
    let unheard: Vec<&str> = EVENTS.into_iter().filter(|event| !found.events.iter().any(|one| one == event)).collect();
    if !unheard.is_empty() {
        let remedy = format!("subscribe it to them at {}", page(app, found, "permissions"));
        let said = format!("the App hears of no {}, so that changes are seen minutes later", unheard.join(", "));
        checks.push(warning(DoctorArea::Webhooks, said, &remedy));
    }
    if checks.is_empty() {
        let slug = found.slug.as_ref().unwrap_or(&app.slug);
        checks.push(ok(AREA, format!("GitHub knows the App `{slug}`, which has the rights that it needs")));
    }
    checks
}

/// Rights that are missing or too low, such as `contents: write`.
fn lacking(has: &BTreeMap<String, String>, needs: &[(&str, &str)]) -> Vec<String> {
    let rank = |level: &str| ["read", "write", "admin"].iter().position(|known| *known == level).map_or(0, |at| at + 1);
    let level = |name: &str| has.get(name).map_or(0, |level| rank(level));
    needs
        .iter()
        .filter(|(name, needed)| level(name) < rank(needed))
        .map(|(name, needed)| format!("{name}: {needed}"))
        .collect()
}

fn surplus(has: &BTreeMap<String, String>) -> Vec<String> {
    let needed = |name: &str| PERMISSIONS.iter().any(|(known, _)| *known == name);
    has.iter().filter(|(name, _)| !needed(name)).map(|(name, level)| format!("{name}: {level}")).collect()
}

/// A page of the App's settings.
fn page(app: &GitHubApp, found: &Registration, part: &str) -> String {
    let base = app.web_url.as_str().trim_end_matches('/');
    let of = match (&found.owner, found.of_organization) {
        (Some(owner), true) => format!("/organizations/{owner}"),
        _ => String::new(),
    };
    format!("{base}{of}/settings/apps/{}/{part}", found.slug.as_ref().unwrap_or(&app.slug))
}

pub(super) fn judge_installations(app: &GitHubApp, found: &[Installation]) -> Vec<DoctorCheck> {
    let mut checks = Vec::new();
    for one in found {
        let lacks = lacking(&one.permissions, &PERMISSIONS);
        if one.suspended {
            let said = format!("the App is suspended at `{}`: nothing of it is read or written", one.account);
            checks.push(warning(AREA, said, &format!("end that at {}, or uninstall it", one.html_url)));
        } else if !lacks.is_empty() {
            let said = format!("`{}` has not granted {}", one.account, lacks.join(", "));
            // Anybody may install a public App, and need not agree to what is new.
            checks.push(warning(AREA, said, &format!("let its owner agree at {}/permissions/update", one.html_url)));
        }
    }
    let more = checks.len().saturating_sub(NAMED);
    checks.truncate(NAMED);
    if more > 0 {
        checks.push(warning(
            AREA,
            format!("so it is at {more} further accounts"),
            "mend those that are named and look again",
        ));
    }
    if found.is_empty() {
        let base = app.web_url.as_str().trim_end_matches('/');
        let remedy = format!("install it at {base}/apps/{}/installations/new", app.slug);
        checks.push(warning(
            AREA,
            "the App is installed on no account, so that no repository can be connected",
            &remedy,
        ));
    } else if checks.is_empty() {
        checks
            .push(ok(AREA, format!("the App is installed on {} accounts, with the rights that it needs", found.len())));
    }
    checks
}

pub(super) fn judge_webhook(wanted: &str, found: &Webhook) -> DoctorCheck {
    let area = DoctorArea::Webhooks;
    let same = |url: &str| url.parse::<Url>().ok().zip(wanted.parse::<Url>().ok()).is_some_and(|(a, b)| a == b);
    let remedy = format!(
        "set the App's webhook URL to {wanted}, and the secret to the text of HEDDLE_GITHUB_WEBHOOK_SECRET_FILE"
    );
    match &found.url {
        Some(url) if same(url) => ok(area, format!("GitHub sends webhooks to {url}")),
        Some(url) => fault(area, format!("GitHub sends webhooks to {url}, and not here"), &remedy),
        None => fault(area, "the App has no webhook, so that changes are seen minutes later", &remedy),
    }
}

pub(super) fn judge_deliveries(newest_first: &[Delivery]) -> DoctorCheck {
    let area = DoctorArea::Webhooks;
    let Some(newest) = newest_first.first() else {
        let said = "GitHub has sent no webhook in the last three days";
        return unknown(area, said, "push to a connected repository, and look again");
    };
    let arrived = |one: &Delivery| (200..300).contains(&one.status_code);
    let lost = newest_first.iter().filter(|one| !arrived(one)).count();
    if newest_first.iter().take(NEWEST).any(arrived) {
        let said = format!("webhooks arrive: of the last {} tries {lost} failed", newest_first.len());
        // One that is lost while a replica goes is sent again by hand, and polling makes it good.
        if lost * 10 <= newest_first.len() {
            return ok(area, said);
        }
        return warning(area, said, "look at the App's page, Advanced, for what was answered, and at the proxy's log");
    }
    let said = format!("the newest webhook did not arrive: {} ({})", newest.status, newest.status_code);
    let remedy = match newest.status_code {
        401 | 403 => "set the App's webhook secret to the text of HEDDLE_GITHUB_WEBHOOK_SECRET_FILE",
        0 => {
            "let GitHub reach HEDDLE_PUBLIC_URL: a name in the DNS, an open port 443, a certificate that GitHub trusts"
        }
        _ => "look at what answers at HEDDLE_PUBLIC_URL and whether it passes /webhooks/github on",
    };
    fault(area, said, remedy)
}
