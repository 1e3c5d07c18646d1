//! Somebody of another organization, who looks at the dashboard while the attack goes on.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use heddle_client::{Http, UserClient};
use heddle_wire::view::{CreateOrganization, SignUpRequest};
use tokio::{sync::oneshot, task::JoinHandle};
use url::Url;

/// How often the person opens a page.
const PACE: Duration = Duration::from_millis(100);

/// The person.
pub struct Bystander {
    user: UserClient,
}

/// The person's pages while an attack goes on.
pub struct Watch {
    ends: oneshot::Sender<()>,
    looks: JoinHandle<(Duration, usize)>,
}

impl Bystander {
    /// Signs up and makes an organization.
    pub async fn settle(api: &Url) -> Result<Self> {
        let request = SignUpRequest {
            email: "bea@example.org".to_owned(),
            password: "a shuttle goes to and fro".to_owned().into(),
            name: "Bea".to_owned(),
            invitation: None,
        };
        let user = UserClient::sign_up(Http::new(api.clone(), None)?, &request).await.context("Bea's sign-up")?;
        user.create_organization(&CreateOrganization { name: "weavers".to_owned() }).await?;
        Ok(Self { user })
    }

    /// Begins to look.
    pub fn watch(&self) -> Watch {
        let (ends, mut ended) = oneshot::channel();
        let user = self.user.clone();
        let looks = tokio::spawn(async move {
            let (mut longest, mut failed) = (Duration::ZERO, 0);
            let mut pace = tokio::time::interval(PACE);
            loop {
                tokio::select! {
                    _ = &mut ended => return (longest, failed),
                    _ = pace.tick() => {}
                }
                let began_at = Instant::now();
                failed += usize::from(user.me().await.is_err());
                longest = longest.max(began_at.elapsed());
            }
        });
        Watch { ends, looks }
    }
}

impl Watch {
    /// The longest wait, and how many pages failed.
    pub async fn end(self) -> Result<(Duration, usize)> {
        // A task that ended by itself panicked, which joining it says.
        self.ends.send(()).ok();
        Ok(self.looks.await?)
    }
}
