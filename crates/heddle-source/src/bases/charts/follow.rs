//! From a chart that is named to the package that is used.

use std::sync::Arc;

use tokio::time::timeout_at;

use super::{
    fault::Fault,
    package::ChartTree,
    reference::RemoteChart,
    repositories::{Buyer, Offer},
};
use crate::{
    TreePath,
    bases::{
        gather::{Pinned, Resolved, Walk, name_of},
        mounted::{Content, Mount},
        patience::Silence,
    },
    limits::FILE_LIMIT,
};

/// How a commit is told from the digest of a package among what is approved.
const SHA256_DIGITS: usize = 64;

/// What came of an offer.
enum Taken {
    /// This package, with its SHA-256.
    Package(String, Arc<ChartTree>),
    /// The version has another package by now, of this SHA-256, and nobody has approved it.
    Moved(String),
}

impl<'a> Walk<'a> {
    /// Fetches a chart that is named. A fault comes in words that follow its name.
    ///
    /// A range is followed to another version unasked, since it is meant to move; a version is not to become other bytes.
    pub(in crate::bases) async fn chart(&mut self, chart: &RemoteChart) -> Result<Mount, String> {
        let url = chart.address();
        if !self.rules.hosts.allow(&url) {
            return Err(
                "lies below no prefix of `spec.remote.hosts`, and nothing is fetched from elsewhere: add its host \
                        there, or put the chart into the repository"
                    .to_owned(),
            );
        }
        if self.rules.pinned == Pinned::Required && !chart.is_exact() {
            return Err("is not fetched: it names no single version, which `spec.remote.pinned: required` asks for; write the \
                        version, commit the `Chart.lock` that `helm dependency update` makes of a range, or set `pinned: \
                        resolve`"
                .to_owned());
        }
        self.is_settled = false;
        let address = chart.to_string();
        let before = self.before(&address).cloned();
        let taken = self.ask_for(chart, before.as_ref()).await;
        let (resolved, tree) = match (taken, before) {
            (Ok((version, Taken::Package(id, tree))), _) => {
                let is_branch = !chart.is_exact();
                let version = Some(version);
                (Resolved { address, id, version, is_branch, moved_to: None, away: None }, Ok(Some(tree)))
            }
            (Ok((_, Taken::Moved(now))), Some(before)) => {
                let tree = self.fetcher.kept_chart(chart, &before.id, self.buyer(&url)).await;
                (Resolved { moved_to: Some(now), away: None, ..before }, tree)
            }
            (Err(why), Some(before)) => {
                let tree = self.fetcher.kept_chart(chart, &before.id, self.buyer(&url)).await;
                (Resolved { moved_to: None, away: Some(why), ..before }, tree)
            }
            (Ok((_, Taken::Moved(_))), None) => return Err("is not used: what it was before is not known".to_owned()),
            (Err(why), None) => return Err(format!("cannot be fetched: {why}")),
        };
        let words = lost(&resolved);
        let (id, version) = (resolved.id.clone(), resolved.version.clone().unwrap_or_default());
        // What is kept of it must not be forgotten with its package, else another one would be taken unasked.
        self.resolved.push(resolved);
        let tree = tree.map_err(|why| format!("cannot be used: {why}"))?.ok_or(words)?;
        self.count(&id, tree.bytes())?;
        let mut place = url;
        let path = place.path().trim_end_matches('/').to_owned();
        let name = if chart.is_in_registry() { String::new() } else { format!("/{}", chart.name()) };
        place.set_path(&format!("{path}{name}-{version}"));
        Ok(Mount { name: name_of(&place, &id), id, way: TreePath::root(), content: Content::Chart(tree) })
    }

    /// What the repository has by now of what is wanted, with its version.
    async fn ask_for(&mut self, chart: &RemoteChart, before: Option<&Resolved>) -> Result<(String, Taken), String> {
        let url = chart.address();
        let offer = self.ask_in_turn(chart, &url).await?;
        let taken = self.take_offer(chart, &offer, before).await?;
        Ok((offer.version, taken))
    }

    /// What the repository has, asked for when nobody else is asking: waiting for that is no silence of it.
    async fn ask_in_turn(&mut self, chart: &RemoteChart, url: &url::Url) -> Result<Offer, String> {
        let buyer = self.buyer(url);
        let turn = timeout_at(self.patience.until(), self.fetcher.turn_for(chart, buyer)).await;
        let mut turn = turn.map_err(|_| "others ask for it, and all together take too long".to_owned())?;
        if let Some(fault) = turn.fault() {
            return Err(fault.to_owned());
        }
        let asked = self.patience.ask(url, FILE_LIMIT, self.fetcher.find_chart(chart, buyer)).await;
        asked.map_err(|fault: Fault| {
            let is_silence = fault.is_silence();
            let words = fault.said();
            if is_silence {
                turn.tell(&words);
            }
            words
        })
    }

    /// The package of an offer: the one that is kept, where the repository has no other.
    async fn take_offer(
        &mut self,
        chart: &RemoteChart,
        offer: &Offer,
        before: Option<&Resolved>,
    ) -> Result<Taken, String> {
        // Another build (`1.4.2+x`) of the one version that is named is the same version, and where it is not known which one
        // it was, it may have been this one.
        let is_of_it = |before: &&Resolved| {
            chart.is_exact() || before.version.as_ref().is_none_or(|version| *version == offer.version)
        };
        let known = before.filter(is_of_it).map(|before| &before.id);
        if let Some(now) = offer.sha256.as_ref()
            && self.is_other(known, now)
        {
            return Ok(Taken::Moved(now.clone()));
        }
        let url = chart.address();
        // A repository that does not say what its package is has to be asked for it where another one is approved.
        let is_of_another = |approved: &String| {
            let others =
                self.known.resolved.iter().filter(|one| before.is_none_or(|before| one.address != before.address));
            others.into_iter().any(|one| one.id == *approved || one.moved_to.as_ref() == Some(approved))
        };
        let is_other =
            |approved: &String| approved.len() == SHA256_DIGITS && known != Some(approved) && !is_of_another(approved);
        let is_awaited = self.known.approved.iter().any(is_other);
        if let Some(id) = offer.sha256.as_ref().or(known.filter(|_| !is_awaited))
            && let Some(tree) = self.fetcher.kept_chart(chart, id, self.buyer(&url)).await?
        {
            return Ok(Taken::Package(id.clone(), tree));
        }
        let question = self.fetcher.fetch_chart(chart, offer, self.buyer(&url));
        let (id, tree) = self.patience.ask(&offer.host(&url), FILE_LIMIT, question).await.map_err(Fault::said)?;
        Ok(if self.is_other(known, &id) { Taken::Moved(id) } else { Taken::Package(id, tree) })
    }

    /// Whether a package is another one than that which is known, and nobody has approved it.
    fn is_other(&self, known: Option<&String>, now: &str) -> bool {
        known.is_some_and(|known| known != now) && !self.is_approved(now)
    }

    fn buyer(&self, url: &url::Url) -> Buyer<'a> {
        Buyer { logins: &self.rules.logins, asker: self.asker(url) }
    }
}

/// Why something that was used before cannot be used any more.
fn lost(Resolved { id, moved_to, away, .. }: &Resolved) -> String {
    match (moved_to, away) {
        (Some(now), _) => format!(
            "is not used: when it was first fetched its package had the SHA-256 {id}, which is not kept here any more, and by \
             now the same version has {now}: if that is meant, approve that one"
        ),
        (None, Some(why)) => format!("cannot be fetched, and is not kept here any more: {why}"),
        (None, None) => "is not kept here any more".to_owned(),
    }
}
