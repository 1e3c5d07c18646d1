//! The tag walker against a real registry, and against one that misbehaves.
#![allow(clippy::unwrap_used, clippy::panic)]

mod charts;
mod cloud;
mod describe;
mod faulty;
mod index_memory;
mod limits;
mod login;
mod quirks;
mod real;
mod redirect;
mod signatures;

use heddle_core::image::ImageRepository;
use heddle_registry::{Access, Credential, Keys, Login, Session, TagPage};

/// A session at a registry on loopback that the operator allows.
async fn session(host: &str, credential: Option<Credential>) -> Session {
    let access = Access::new(&[host.to_owned()], None).unwrap();
    Session::new(access, host, credential.map(own))
}

/// A login that nobody confirmed another token server for.
fn own(credential: Credential) -> Login {
    Login { keys: Keys::Own(credential), auth_host: None }
}

async fn list(host: &str, path: &str) -> TagPage {
    session(host, None).await.list_tags(&image(host, path), None).await
}

fn image(host: &str, path: &str) -> ImageRepository {
    format!("{host}/{path}").parse().unwrap()
}

fn tags(page: &TagPage) -> Vec<&str> {
    match page {
        TagPage::Complete { tags, .. } => tags.iter().map(|tag| tag.as_str()).collect(),
        other => panic!("{other:?}"),
    }
}

fn reason(page: TagPage) -> String {
    match page {
        TagPage::Failed(failure) => failure.reason,
        other => panic!("{other:?}"),
    }
}
