//! Who may do what: the page, and what the routes say.

use heddle_api::roles::{self, May};
use heddle_wire::view::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    hub::{Hub, Person},
    walk::fill,
};

#[test]
fn the_page_tells_the_permissions_of_the_routes() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/roles.md");
    if std::env::var_os("HEDDLE_UPDATE").is_some() {
        std::fs::write(file, roles::page()).unwrap();
    }
    let page = std::fs::read_to_string(file).unwrap_or_default();
    assert!(page == roles::page(), "run `HEDDLE_UPDATE=1 cargo test -p heddle-api roles`");
}

async fn join(hub: &Hub, owner: &Person, organization: &str, role: &str) -> Person {
    let email = format!("{role}@example.com");
    let member = hub.sign_up(&email).await;
    let invitations = format!("/api/v1/organizations/{organization}/invitations");
    let invited = json!({ "email": email, "role": role });
    let code = hub.post(owner, &invitations, invited, StatusCode::CREATED).await["code"].clone();
    hub.post(&member, "/api/v1/invitations/accept", json!({ "code": code }), StatusCode::OK).await;
    member
}

#[tokio::test]
async fn each_role_may_what_the_page_says_on_every_route() {
    let hub = Hub::start().await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let mut asked = 0;
    for role in [Role::Viewer, Role::Operator, Role::Admin, Role::Owner] {
        let word = serde_json::to_value(role).unwrap();
        let member = join(&hub, &ada, &organization, word.as_str().unwrap()).await;
        for row in roles::rows().iter().filter(|row| !row.path.ends_with("/events")) {
            let may = row.roles.iter().find(|(known, _)| *known == role).unwrap().1;
            let path = fill(&row.path, &[("organization", &organization)]);
            let request = hub.request(row.method.parse().unwrap(), &path).json(&json!({}));
            let told = member.sign(request).send().await.unwrap();
            let status = told.status();
            let problem: Value = told.json().await.unwrap_or_default();
            let too_low = status == StatusCode::FORBIDDEN && problem["code"] == "role-too-low";
            assert_eq!(too_low, may == May::No, "{role:?}: {} {path}: {status} {problem}", row.method);
            asked += 1;
        }
    }
    assert!(asked > 100, "{asked}");
}
