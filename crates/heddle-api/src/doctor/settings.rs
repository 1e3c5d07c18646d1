//! What the settings say of themselves.

use heddle_wire::view::{DoctorArea, DoctorCheck, DoctorVerdict};

use super::{fault, ok, warning};
use crate::config::{Config, Signup};

const AREA: DoctorArea = DoctorArea::Settings;

/// What is worth a warning at the start, too.
pub fn warnings(config: &Config) -> Vec<DoctorCheck> {
    check(config).into_iter().filter(|one| one.verdict != DoctorVerdict::Ok).collect()
}

pub(super) fn check(config: &Config) -> Vec<DoctorCheck> {
    let found = [client_address(config), agent_image(config), loopback(config), dashboard(config), signup(config)];
    let mut checks: Vec<DoctorCheck> = found.into_iter().flatten().collect();
    if config.automator_token.is_none() {
        let said = "no automator is let in, so that no registry is looked at and nothing is proposed";
        let remedy = "let HEDDLE_AUTOMATOR_TOKEN_FILE name a file with the token that automators show";
        checks.push(fault(DoctorArea::Automators, said, remedy));
    }
    if checks.iter().all(|one| one.area != AREA) {
        checks.push(ok(AREA, "the settings go together"));
    }
    checks
}

fn client_address(config: &Config) -> Option<DoctorCheck> {
    let proxied = config.public_url.scheme() == "https" && config.client_address_header.is_none();
    proxied.then(|| {
        let said = "people reach this API by a proxy, which speaks TLS for it, and all of them seem to come from the proxy's \
                    address: whoever tries passwords locks everybody out";
        warning(AREA, said, "set HEDDLE_CLIENT_ADDRESS_HEADER to the header in which the proxy names the client")
    })
}

fn agent_image(config: &Config) -> Option<DoctorCheck> {
    config.agent_image_is_guessed.then(|| {
        let image = &config.agent_image;
        let said = format!(
            "install manifests name {image}, which this program only guesses: clusters that cannot pull it get no agent"
        );
        warning(AREA, said, "set HEDDLE_AGENT_IMAGE to the image that you pushed; `make images` makes one")
    })
}

fn loopback(config: &Config) -> Option<DoctorCheck> {
    (config.public_url.scheme() == "http" && config.agent_api_url.scheme() == "http").then(|| {
        let said = format!(
            "{} is reached from this machine alone: no agent elsewhere and no webhook gets here",
            config.public_url
        );
        warning(AREA, said, "set HEDDLE_PUBLIC_URL to an https address, with a proxy in front that speaks TLS")
    })
}

fn dashboard(config: &Config) -> Option<DoctorCheck> {
    config.web_dir.is_none().then(|| {
        let remedy = "build it (`npm run build` in web/) and let HEDDLE_WEB_DIR name its dist folder";
        warning(AREA, "no dashboard is served", remedy)
    })
}

fn signup(config: &Config) -> Option<DoctorCheck> {
    (config.signup == Signup::Open && config.public_url.scheme() == "https").then(|| {
        let said = "whoever reaches this API may sign up (HEDDLE_SIGNUP=open)";
        warning(AREA, said, "where that is not meant, set HEDDLE_SIGNUP to `first-user` or `invite`")
    })
}
