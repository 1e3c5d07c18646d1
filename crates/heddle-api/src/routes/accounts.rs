//! The asker's account.

pub mod password;
mod session;
mod sign_up;
mod token;

pub(super) use self::sign_up::is_email;

use heddle_core::id::{OrganizationId, UserId};
use heddle_db::{Tx, organizations, users};
use heddle_wire::view::{Me, OrganizationView};
use utoipa_axum::routes;

use super::Routes;
use crate::{
    app::App,
    extract::Json,
    permission::{Permission, parse_role},
    principal::{Credential, Person},
    problem::{ApiError, ApiResult},
};

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .merge(sign_up::routes())
        .merge(session::routes())
        .merge(password::routes())
        .merge(token::routes())
        .add(Permission::Person, routes!(load_me))
}

/// Who asks.
#[utoipa::path(get, path = "/api/v1/me", tag = "accounts", responses((status = 200, body = Me)))]
async fn load_me(app: App, person: Person) -> ApiResult<Json<Me>> {
    let only = match person.credential {
        Credential::Session(_) => None,
        Credential::Token { organization, .. } => Some(organization),
    };
    let mut tx = app.db.user(person.user).await?;
    let me = read_me(&mut tx, person.user, only).await?;
    tx.commit().await?;
    Ok(Json(me))
}

async fn read_me(tx: &mut Tx, id: UserId, only: Option<OrganizationId>) -> ApiResult<Me> {
    let user = users::find(&mut **tx, id).await?.ok_or_else(|| ApiError::unauthorized("this account is gone"))?;
    let organizations = organizations::list_of(&mut **tx, id).await?;
    Ok(Me {
        id,
        email: user.email,
        name: user.name,
        organizations: organizations
            .into_iter()
            .filter(|known| only.is_none_or(|only| only == known.id))
            .map(|known| Ok(OrganizationView { id: known.id, name: known.name, role: parse_role(&known.role)? }))
            .collect::<ApiResult<_>>()?,
        github_login: user.github_login,
    })
}
