use futures::future::join_all;
use heddle_testkit::wait;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::hub::{Hub, PASSWORD, Person, session_cookie};

#[tokio::test]
async fn a_session_begins_at_sign_up_and_ends_at_logout() {
    let hub = Hub::start().await;
    let body = json!({ "email": "Ada@Example.com", "password": PASSWORD, "name": "Ada" });
    let told = hub.request(Method::POST, "/api/v1/sign-up").json(&body).send().await.unwrap();
    let cookie = told.headers()[header::SET_COOKIE].to_str().unwrap();
    for part in ["__Host-heddle=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let ada = Person { cookie: session_cookie(&told) };
    assert_eq!(hub.get(&ada, "/api/v1/me").await["email"], "ada@example.com");
    assert_eq!(hub.get(&ada, "/api/v1/sessions").await[0]["current"], true);
    hub.post(&ada, "/api/v1/logout", json!({}), StatusCode::NO_CONTENT).await;
    hub.send(ada.sign(hub.request(Method::GET, "/api/v1/me")), StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn a_person_ends_their_own_sessions_and_tokens_and_nobody_elses() {
    let hub = Hub::start().await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let eve = hub.sign_up("eve@example.com").await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let told = hub.request(Method::POST, "/api/v1/login").json(&body).send().await.unwrap();
    let elsewhere = Person { cookie: session_cookie(&told) };
    let sessions = hub.get(&ada, "/api/v1/sessions").await;
    let other = sessions.as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/api/v1/sessions/{}", other["id"].as_str().unwrap());
    let body = json!({ "name": "ci", "organization": organization, "role": "viewer", "expires_in_days": 30 });
    let made = hub.post(&ada, "/api/v1/tokens", body, StatusCode::CREATED).await;
    let token = format!("/api/v1/tokens/{}", made["token"]["id"].as_str().unwrap());
    for hers in [&path, &token] {
        hub.delete(&eve, hers, StatusCode::NOT_FOUND).await;
    }
    hub.get(&elsewhere, "/api/v1/me").await;
    hub.delete(&ada, &path, StatusCode::NO_CONTENT).await;
    hub.send(elsewhere.sign(hub.request(Method::GET, "/api/v1/me")), StatusCode::UNAUTHORIZED).await;
    assert_eq!(hub.get(&ada, "/api/v1/sessions").await.as_array().unwrap().len(), 1);
    assert_eq!(hub.get(&eve, "/api/v1/tokens").await, json!([]));
    hub.delete(&ada, &token, StatusCode::NO_CONTENT).await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_sound_alike_and_tries_are_limited() {
    let hub = Hub::start().await;
    hub.sign_up("ada@example.com").await;
    let login = |email: &str, password: &str| {
        hub.request(Method::POST, "/api/v1/login").json(&json!({ "email": email, "password": password }))
    };
    let wrong = hub.send(login("ada@example.com", "another long password"), StatusCode::UNAUTHORIZED).await;
    let unknown = hub.send(login("bob@example.com", "another long password"), StatusCode::UNAUTHORIZED).await;
    assert_eq!((&wrong["code"], &wrong["message"]), (&unknown["code"], &unknown["message"]));
    hub.send(login("ADA@example.com", PASSWORD), StatusCode::OK).await;
    for _ in 0..10 {
        hub.send(login("ada@example.com", "another long password"), StatusCode::UNAUTHORIZED).await;
    }
    let told = login("ada@example.com", PASSWORD).send().await.unwrap();
    assert_eq!(told.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(told.headers().contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn another_sites_page_can_neither_write_nor_sign_in() {
    let hub = Hub::start().await;
    let ada = hub.sign_up("ada@example.com").await;
    let body = json!({ "name": "acme" });
    let request = |origin: Option<&str>| {
        let request = ada.sign(hub.http.post(hub.url("/api/v1/organizations"))).json(&body);
        match origin {
            Some(origin) => request.header(header::ORIGIN, origin),
            None => request,
        }
    };
    let told = hub.send(request(Some("https://evil.example.com")), StatusCode::FORBIDDEN).await;
    assert_eq!(told["code"], "origin-refused");
    assert_eq!(hub.send(request(None), StatusCode::FORBIDDEN).await["code"], "origin-missing");
    hub.send(request(Some(&hub.origin)), StatusCode::CREATED).await;
    let login = hub.http.post(hub.url("/api/v1/login")).header(header::ORIGIN, "https://evil.example.com");
    let login = login.json(&json!({ "email": "ada@example.com", "password": PASSWORD }));
    hub.send(login, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn sign_up_names_all_faults_at_once() {
    let hub = Hub::start().await;
    let body = json!({ "email": "ada", "password": "password12345", "name": "" });
    let told =
        hub.send(hub.request(Method::POST, "/api/v1/sign-up").json(&body), StatusCode::UNPROCESSABLE_ENTITY).await;
    let fields: Vec<_> = told["fields"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["email", "name", "password"]);
}

#[tokio::test]
async fn after_the_first_user_sign_up_needs_an_invitation() {
    let hub = Hub::start_with(1, &["--signup", "first-user"]).await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let body = |invitation: Option<&str>, email: &str| {
        let body = json!({ "email": email, "password": PASSWORD, "name": "Bob", "invitation": invitation });
        hub.request(Method::POST, "/api/v1/sign-up").json(&body)
    };
    let told = hub.send(body(None, "bob@example.com"), StatusCode::FORBIDDEN).await;
    assert_eq!(told["code"], "invitation-needed");
    let path = format!("/api/v1/organizations/{organization}/invitations");
    let invited = json!({ "email": "bob@example.com", "role": "viewer" });
    let invitation = hub.post(&ada, &path, invited, StatusCode::CREATED).await;
    let code = invitation["code"].as_str().unwrap();
    hub.send(body(Some(code), "eve@example.com"), StatusCode::UNPROCESSABLE_ENTITY).await;
    let told = body(Some(code), "bob@example.com").send().await.unwrap();
    assert_eq!(told.status(), StatusCode::CREATED);
    let bob = Person { cookie: session_cookie(&told) };
    let me = hub.get(&bob, "/api/v1/me").await;
    assert_eq!(me["organizations"][0]["role"], "viewer");
    hub.send(body(Some(code), "bob@example.com"), StatusCode::UNPROCESSABLE_ENTITY).await;
    // A viewer sees and changes nothing.
    hub.get(&bob, &format!("/api/v1/organizations/{organization}/clusters")).await;
    let receivers = format!("/api/v1/organizations/{organization}/receivers");
    let told = hub.post(&bob, &receivers, json!({ "name": "x" }), StatusCode::FORBIDDEN).await;
    assert_eq!(told["code"], "role-too-low");
}

#[tokio::test]
async fn of_many_who_would_be_the_first_user_one_is() {
    let hub = Hub::start_with(2, &["--signup", "first-user"]).await;
    let sign_up = async |number: usize| {
        let body = json!({ "email": format!("{number}@example.com"), "password": PASSWORD, "name": "Somebody" });
        let request = hub.http.post(format!("{}/api/v1/sign-up", hub.replicas[number % 2]));
        request.header(header::ORIGIN, &hub.origin).json(&body).send().await.unwrap().status()
    };
    let told = join_all((0..4).map(sign_up)).await;
    assert_eq!(told.iter().filter(|status| **status == StatusCode::CREATED).count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|status| **status == StatusCode::FORBIDDEN).count(), 3, "{told:?}");
}

#[tokio::test]
async fn by_invitation_alone_nobody_comes_in_without_one() {
    let hub = Hub::start_with(1, &["--signup", "invite"]).await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada" });
    let told = hub.send(hub.request(Method::POST, "/api/v1/sign-up").json(&body), StatusCode::FORBIDDEN).await;
    assert_eq!(told["code"], "invitation-needed");
}

#[tokio::test]
async fn an_invitation_that_was_taken_back_opens_nothing() {
    let hub = Hub::start().await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let bob = hub.sign_up("bob@example.com").await;
    let path = |rest: &str| format!("/api/v1/organizations/{organization}/{rest}");
    let invite = json!({ "email": "Bob@example.com", "role": "admin" });
    let withdrawn = hub.post(&ada, &path("invitations"), invite.clone(), StatusCode::CREATED).await;
    let withdrawn_path = path(&format!("invitations/{}", withdrawn["id"].as_str().unwrap()));
    hub.delete(&ada, &withdrawn_path, StatusCode::NO_CONTENT).await;
    hub.delete(&ada, &withdrawn_path, StatusCode::NOT_FOUND).await;
    let code = json!({ "code": withdrawn["code"] });
    hub.post(&bob, "/api/v1/invitations/accept", code, StatusCode::UNPROCESSABLE_ENTITY).await;

    let invited = hub.post(&ada, &path("invitations"), invite, StatusCode::CREATED).await;
    let pending = hub.get(&ada, &path("invitations")).await;
    assert_eq!(pending.as_array().unwrap().len(), 1);
    assert_eq!((&pending[0]["email"], &pending[0]["code"]), (&json!("bob@example.com"), &Value::Null));
    hub.post(&bob, "/api/v1/invitations/accept", json!({ "code": invited["code"] }), StatusCode::OK).await;
    assert_eq!(hub.get(&ada, &path("invitations")).await, json!([]));
    // An admin sees invitations and makes or ends none.
    let refused = hub.delete(&bob, &withdrawn_path, StatusCode::FORBIDDEN).await;
    assert_eq!(refused["code"], "role-too-low");
}

#[tokio::test]
async fn a_token_may_do_what_it_says_and_nothing_beyond() {
    let hub = Hub::start().await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let (_, other) = hub.settle("eve@example.com").await;
    let body = json!({ "name": "ci", "organization": organization, "role": "viewer", "expires_in_days": 30 });
    let made = hub.post(&ada, "/api/v1/tokens", body, StatusCode::CREATED).await;
    let secret = made["secret"].as_str().unwrap();
    let call = |method: Method, path: &str| hub.http.request(method, hub.url(path)).bearer_auth(secret);
    let own = format!("/api/v1/organizations/{organization}");
    hub.send(call(Method::GET, &format!("{own}/clusters")), StatusCode::OK).await;
    hub.send(call(Method::GET, &format!("/api/v1/organizations/{other}/clusters")), StatusCode::NOT_FOUND).await;
    let write = call(Method::POST, &format!("{own}/receivers")).json(&json!({ "name": "x" }));
    hub.send(write, StatusCode::FORBIDDEN).await;
    let more = call(Method::POST, "/api/v1/tokens").json(&json!({}));
    assert_eq!(hub.send(more, StatusCode::FORBIDDEN).await["code"], "session-needed");
    let listed = hub.get(&ada, "/api/v1/tokens").await;
    assert!(listed[0]["last_used_at"].is_string() && !listed.to_string().contains(secret));
    let path = format!("/api/v1/tokens/{}", made["token"]["id"].as_str().unwrap());
    hub.delete(&ada, &path, StatusCode::NO_CONTENT).await;
    hub.send(call(Method::GET, &format!("{own}/clusters")), StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn every_write_is_on_record_without_secrets() {
    let hub = Hub::start().await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let repository = hub.bind_repository(&organization, "acme/config").await;
    let cluster = hub.create_cluster(&ada, &organization, &repository, "prod").await;
    let own = format!("/api/v1/organizations/{organization}");
    let receiver = hub.post(&ada, &format!("{own}/receivers"), json!({ "name": "hub" }), StatusCode::CREATED).await;
    hub.post(&ada, &format!("{own}/clusters/{}/revoke", cluster.id), json!({}), StatusCode::NO_CONTENT).await;
    let audit = hub.get(&ada, &format!("{own}/audit")).await;
    let actions: Vec<_> =
        audit["items"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["cluster.revoke", "receiver.create", "cluster.create", "organization.create"]);
    assert_eq!(audit["items"][0]["actor"], "ada@example.com");
    let text = audit.to_string();
    assert!(!text.contains(receiver["secret"].as_str().unwrap()) && !text.contains(&cluster.bootstrap_token));
    let first = hub.get(&ada, &format!("{own}/audit?limit=3")).await;
    let rest = hub.get(&ada, &format!("{own}/audit?limit=3&after={}", first["next"].as_str().unwrap())).await;
    assert_eq!(rest["items"][0]["action"], "organization.create");
    assert!(rest["next"].is_null());
}

#[tokio::test]
async fn what_one_replica_does_the_other_knows_and_tells() {
    let hub = Hub::start_with(2, &["--signup", "open"]).await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let repository = hub.bind_repository(&organization, "acme/config").await;
    let second = format!("{}/api/v1/organizations/{organization}/events", hub.replicas[1]);
    let mut stream = ada.sign(hub.http.get(second)).send().await.unwrap();
    assert_eq!(stream.status(), StatusCode::OK);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    hub.create_cluster(&ada, &organization, &repository, "prod").await;
    let mut heard = String::new();
    while !heard.contains("\n\n") {
        let chunk = tokio::time::timeout(wait::LONG, stream.chunk()).await.expect("no event came").unwrap();
        heard.push_str(std::str::from_utf8(&chunk.expect("the stream ended")).unwrap());
    }
    assert!(heard.contains("event: changed") && heard.contains("\"topic\":\"clusters\""), "{heard}");
    // A logout at the first replica ends the stream of the second.
    hub.post(&ada, "/api/v1/logout", json!({}), StatusCode::NO_CONTENT).await;
    let ended = async { while stream.chunk().await.is_ok_and(|chunk| chunk.is_some()) {} };
    tokio::time::timeout(wait::LONG, ended).await.expect("the stream went on after the logout");
}

#[tokio::test]
async fn of_many_tries_at_once_no_more_are_made_than_may_be() {
    let hub = Hub::start().await;
    hub.sign_up("ada@example.com").await;
    let body = json!({ "email": "ada@example.com", "password": "another long password" });
    let tries = (0..40).map(|_| hub.request(Method::POST, "/api/v1/login").json(&body).send());
    let told = join_all(tries).await;
    let made = told.into_iter().filter(|told| told.as_ref().unwrap().status() == StatusCode::UNAUTHORIZED).count();
    assert_eq!(made, 10);
}

/// Signs Ada up; gives the cookie by which her browser is known.
async fn sign_up_in_a_browser(hub: &Hub) -> String {
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada" });
    let told = hub.request(Method::POST, "/api/v1/sign-up").json(&body).send().await.unwrap();
    let cookies: Vec<_> = told.headers().get_all(header::SET_COOKIE).iter().map(|one| one.to_str().unwrap()).collect();
    let device = cookies.iter().find(|cookie| cookie.starts_with("__Host-heddle-device=")).unwrap();
    device.split(';').next().unwrap().to_owned()
}

/// Strangers may stop each other, and never the person in their own browser.
#[tokio::test]
async fn a_browser_that_the_account_knows_is_not_locked_out_by_strangers() {
    let hub = Hub::start_with(1, &["--signup", "open", "--client-address-header", "x-forwarded-for"]).await;
    let device = sign_up_in_a_browser(&hub).await;
    let login = |address: String, password: &str| {
        let request = hub.request(Method::POST, "/api/v1/login").header("x-forwarded-for", address);
        request.json(&json!({ "email": "ada@example.com", "password": password }))
    };
    let strangers = (0..110).map(|number| login(format!("192.0.2.{}", number / 9), "another long password").send());
    join_all(strangers).await;
    let elsewhere = || login("198.51.100.7".to_owned(), PASSWORD);
    hub.send(elsewhere(), StatusCode::TOO_MANY_REQUESTS).await;
    hub.send(elsewhere().header(header::COOKIE, "__Host-heddle-device=hdld_other"), StatusCode::TOO_MANY_REQUESTS)
        .await;
    hub.send(elsewhere().header(header::COOKIE, device), StatusCode::OK).await;
}

#[tokio::test]
async fn strangers_behind_the_same_address_do_not_lock_out_a_browser_that_the_account_knows() {
    let hub = Hub::start_with(1, &["--signup", "open", "--client-address-header", "x-forwarded-for"]).await;
    let device = sign_up_in_a_browser(&hub).await;
    let login = |email: &str, password: &str| {
        let request = hub.request(Method::POST, "/api/v1/login").header("x-forwarded-for", "192.0.2.1");
        request.json(&json!({ "email": email, "password": password }))
    };
    let at_her = (0..12).map(|_| login("ada@example.com", "another long password").send());
    join_all(at_her).await;
    let at_others = (0..100).map(|number| login(&format!("{number}@example.com"), "another long password").send());
    join_all(at_others).await;
    hub.send(login("bob@example.com", PASSWORD), StatusCode::TOO_MANY_REQUESTS).await;
    hub.send(login("ada@example.com", PASSWORD), StatusCode::TOO_MANY_REQUESTS).await;
    let known = |password: &str| login("ada@example.com", password).header(header::COOKIE, &device);
    hub.send(known(PASSWORD), StatusCode::OK).await;
    // Whoever took the browser may not try for ever.
    for _ in 0..20 {
        hub.send(known("another long password"), StatusCode::UNAUTHORIZED).await;
    }
    hub.send(known(PASSWORD), StatusCode::TOO_MANY_REQUESTS).await;
}

#[tokio::test]
async fn a_quota_says_how_many_and_how_to_get_room() {
    let hub = Hub::start().await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let path = format!("/api/v1/organizations/{organization}/receivers");
    for number in 0..48 {
        hub.post(&ada, &path, json!({ "name": format!("r{number}") }), StatusCode::CREATED).await;
    }
    // Of several at once no more get in than there is room for.
    let body = json!({ "name": "at once" });
    let tries = (0..8).map(|_| ada.sign(hub.request(Method::POST, &path)).json(&body).send());
    let created =
        join_all(tries).await.into_iter().filter(|told| told.as_ref().unwrap().status() == StatusCode::CREATED);
    assert_eq!(created.count(), 2);
    let told = hub.post(&ada, &path, json!({ "name": "one more" }), StatusCode::CONFLICT).await;
    assert_eq!(told["code"], "quota-reached");
    assert!(told["message"].as_str().unwrap().contains("50 are the most"), "{told}");
}

const OTHER: &str = "another loom in the attic";

async fn log_in(hub: &Hub, password: &str, expected: StatusCode) -> Option<Person> {
    let body = json!({ "email": "ada@example.com", "password": password });
    let told = hub.request(Method::POST, "/api/v1/login").json(&body).send().await.unwrap();
    assert_eq!(told.status(), expected, "{password}");
    (expected == StatusCode::OK).then(|| Person { cookie: session_cookie(&told) })
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_every_other_session_ends() {
    let hub = Hub::start().await;
    let ada = hub.sign_up("ada@example.com").await;
    let thief = log_in(&hub, PASSWORD, StatusCode::OK).await.unwrap();
    let change = |current: &str, new: &str| json!({ "current": current, "password": new });
    let told = hub.post(&thief, "/api/v1/password", change(OTHER, OTHER), StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(told["fields"][0]["field"], "current", "{told}");
    let told = hub.post(&ada, "/api/v1/password", change(PASSWORD, "short"), StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(told["fields"][0]["field"], "password", "{told}");
    hub.post(&ada, "/api/v1/password", change(PASSWORD, OTHER), StatusCode::NO_CONTENT).await;

    hub.get(&ada, "/api/v1/me").await;
    hub.send(thief.sign(hub.request(Method::GET, "/api/v1/me")), StatusCode::UNAUTHORIZED).await;
    log_in(&hub, PASSWORD, StatusCode::UNAUTHORIZED).await;
    log_in(&hub, OTHER, StatusCode::OK).await;
}

#[tokio::test]
async fn whoever_has_a_session_does_not_guess_the_password_for_long() {
    let hub = Hub::start().await;
    let ada = hub.sign_up("ada@example.com").await;
    let guess = json!({ "current": "not her password at all", "password": OTHER });
    for _ in 0..10 {
        hub.post(&ada, "/api/v1/password", guess.clone(), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    hub.post(&ada, "/api/v1/password", guess, StatusCode::TOO_MANY_REQUESTS).await;
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_by_a_link_that_is_good_once() {
    let hub = Hub::start().await;
    let ada = hub.sign_up("ada@example.com").await;
    let older = hub.make_password_link("ada@example.com").await;
    let link = hub.make_password_link(" Ada@Example.com ").await;
    let reset = |link: &str, password: &str| {
        hub.request(Method::POST, "/api/v1/password/reset").json(&json!({ "link": link, "password": password }))
    };
    for wrong in [older.as_str(), "hdlw_nothing", ""] {
        let told = hub.send(reset(wrong, OTHER), StatusCode::GONE).await;
        assert_eq!(told["code"], "link-ended");
    }
    // A password that is not taken does not use the link up.
    hub.send(reset(&link, "password"), StatusCode::UNPROCESSABLE_ENTITY).await;
    hub.send(reset(&link, OTHER), StatusCode::NO_CONTENT).await;
    hub.send(reset(&link, PASSWORD), StatusCode::GONE).await;

    hub.send(ada.sign(hub.request(Method::GET, "/api/v1/me")), StatusCode::UNAUTHORIZED).await;
    log_in(&hub, PASSWORD, StatusCode::UNAUTHORIZED).await;
    log_in(&hub, OTHER, StatusCode::OK).await;

    let owner = hub.database.options();
    let url = hub.origin.parse().unwrap();
    let none = heddle_api::routes::accounts::password::make_link(&owner, &url, "eve@example.com").await.unwrap();
    assert_eq!(none, None);
}

#[tokio::test]
async fn a_password_that_is_replaced_while_it_is_looked_at_begins_no_session() {
    let hub = Hub::start().await;
    hub.sign_up("ada@example.com").await;
    let rows = sqlx::PgPool::connect_with(hub.database.options()).await.unwrap();
    let mut change = rows.begin().await.unwrap();
    sqlx::query("update users set password_hash = 'another'").execute(&mut *change).await.unwrap();
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let login = tokio::spawn(hub.request(Method::POST, "/api/v1/login").json(&body).send());
    let waits =
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    while !login.is_finished() && !sqlx::query_scalar::<_, bool>(waits).fetch_one(&rows).await.unwrap() {
        tokio::task::yield_now().await;
    }
    change.commit().await.unwrap();
    assert_eq!(login.await.unwrap().unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_changed_password_ends_the_link_for_a_forgotten_one() {
    let hub = Hub::start().await;
    let ada = hub.sign_up("ada@example.com").await;
    let link = hub.make_password_link("ada@example.com").await;
    let change = json!({ "current": PASSWORD, "password": OTHER });
    hub.post(&ada, "/api/v1/password", change, StatusCode::NO_CONTENT).await;
    let body = json!({ "link": link, "password": "a third loom in the attic" });
    hub.send(hub.request(Method::POST, "/api/v1/password/reset").json(&body), StatusCode::GONE).await;
}

#[tokio::test]
async fn a_link_ends_after_a_day() {
    let hub = Hub::start().await;
    hub.sign_up("ada@example.com").await;
    let link = hub.make_password_link("ada@example.com").await;
    let rows = sqlx::PgPool::connect_with(hub.database.options()).await.unwrap();
    let left: bool = sqlx::query_scalar(
        "select expires_at between now() + interval '23 hours' and now() + interval '25 hours' from password_links",
    )
    .fetch_one(&rows)
    .await
    .unwrap();
    assert!(left);
    sqlx::query("update password_links set expires_at = now()").execute(&rows).await.unwrap();
    let body = json!({ "link": link, "password": OTHER });
    let told = hub.send(hub.request(Method::POST, "/api/v1/password/reset").json(&body), StatusCode::GONE).await;
    assert!(told["message"].as_str().unwrap().contains("ask whoever runs this installation"), "{told}");
}
