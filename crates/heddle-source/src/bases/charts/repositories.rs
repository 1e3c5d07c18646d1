//! What repositories of charts have, and their packages: asked for within bounds, and kept on disk.

use std::{path::PathBuf, sync::Arc};

use heddle_core::image::{Digest, ImageRepository};
use heddle_egress::{Egress, Route};
use heddle_registry::Access;
use reqwest::header::HeaderMap;
use url::Url;

use super::{
    fault::Fault,
    memory::{Memory, Turn},
    package::ChartTree,
    reference::RemoteChart,
    room::Rooms,
};
use crate::{
    FetchError,
    bases::{
        fetcher::{Asker, Fetcher, read},
        files::{KeptFiles, digest_of},
        hosts::Login,
    },
    limits::{MAX_CHART_BYTES, MAX_KEPT_CHARTS_BYTES},
};

/// Repositories of charts, and what is known of them. Clones share it.
#[derive(Debug, Clone)]
pub(in crate::bases) struct ChartRepositories {
    kept: KeptFiles,
    pub(super) rooms: Rooms,
    pub(super) registries: Access,
    pub(super) memory: Arc<Memory>,
}

/// The version that a repository has of what is wanted.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) version: String,
    /// The SHA-256 of its package, where the repository says it.
    pub(super) sha256: Option<String>,
    pub(super) place: Place,
}

/// Where a package lies.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Address(Url),
    Blob(ImageRepository, Digest),
}

impl Offer {
    /// The host of the package, at which `repository` is to lead.
    pub(super) fn host(&self, repository: &Url) -> Url {
        match &self.place {
            Place::Address(url) => url.clone(),
            Place::Blob(..) => repository.clone(),
        }
    }
}

/// Who asks for a chart: with the logins of a Sync.
#[derive(Clone, Copy)]
pub(super) struct Buyer<'a> {
    pub(super) logins: &'a [Login],
    pub(super) asker: Asker<'a>,
}

impl<'a> Buyer<'a> {
    pub(super) fn at(&self, url: &Url) -> Asker<'a> {
        Asker { login: Login::find(self.logins, url), ..self.asker }
    }
}

impl ChartRepositories {
    pub(in crate::bases) fn open(dir: PathBuf, egress: Egress) -> Self {
        let rooms = Rooms::open(dir.join("unpacked"));
        let kept = KeptFiles::open(dir.join("packages"), MAX_CHART_BYTES, MAX_KEPT_CHARTS_BYTES);
        Self { kept, rooms, registries: Access::over(egress), memory: Arc::default() }
    }
}

impl Fetcher {
    /// A turn to ask for what the repository has: of an index for all of its charts, of a registry for this one.
    pub(super) async fn turn_for(&self, chart: &RemoteChart, buyer: Buyer<'_>) -> Turn {
        let what = if chart.is_in_registry() { chart.to_string() } else { chart.address().to_string() };
        let owner = buyer.at(&chart.address()).owner_of(false);
        self.charts.memory.flights.take_turn(format!("{owner} {what}")).await
    }

    /// The version that is meant, as its repository has it now, or had it a moment ago. Whoever asks has the turn to.
    pub(super) async fn find_chart(&self, chart: &RemoteChart, buyer: Buyer<'_>) -> Result<Offer, Fault> {
        match chart.image() {
            Some(image) => self.find_in_registry(chart, &image, buyer).await,
            None => self.find_in_index(chart, buyer).await,
        }
    }

    /// The package that is offered, with its SHA-256. It is kept for all, unless it took a login or leave of the Sync's own to
    /// come to it.
    pub(super) async fn fetch_chart(
        &self,
        chart: &RemoteChart,
        offer: &Offer,
        buyer: Buyer<'_>,
    ) -> Result<(String, Arc<ChartTree>), Fault> {
        let asker = buyer.at(&chart.address());
        let what = format!("{} {} {chart}", asker.owner_of(false), offer.version);
        let _turn = self.charts.memory.flights.take_turn(what).await;
        if let Some(sha256) = &offer.sha256
            && let Some(tree) = self.kept_chart(chart, sha256, buyer).await?
        {
            return Ok((sha256.clone(), tree));
        }
        let (bytes, asker, is_led) = match &offer.place {
            Place::Address(url) => self.package(chart, url, buyer).await?,
            Place::Blob(image, digest) => {
                let (bytes, is_led) = self.pull(image, digest, buyer).await?;
                (bytes, asker, is_led)
            }
        };
        let sha256 = digest_of(&bytes);
        if let Some(told) = offer.sha256.as_ref().filter(|told| **told != sha256) {
            return Err(Fault::Told(format!(
                "its repository says that its package has the SHA-256 {told}, and what it sent has {sha256}"
            )));
        }
        let owner = asker.owner_of(is_led);
        if let Place::Address(url) = &offer.place {
            let owner = buyer.at(url).owner_of(is_led);
            self.charts.memory.packages.keep(url.as_str(), &owner, sha256.clone());
        }
        let (charts, url) = (self.charts.clone(), with_name(chart.address(), chart.name()));
        let done = tokio::task::spawn_blocking(move || -> Result<_, String> {
            let tree = ChartTree::unpack(&bytes, &charts.rooms).map_err(|why| format!("its package {why}"))?;
            let tree = Arc::new(tree);
            let is_in_use = |place: &PathBuf| charts.memory.unpacked.find(place).is_some();
            let place = charts.kept.keep(&url, &owner, &sha256, &bytes, is_in_use);
            let place = place.map_err(|error| FetchError::Store(error).to_string())?;
            charts.memory.unpacked.hold(place, &tree);
            Ok((sha256, tree))
        });
        Ok(done.await.map_err(|_| "its package could not be unpacked".to_owned())??)
    }

    /// A package at an address, with the asker by whose login it or its index was had, and whether it was led to. Where an index
    /// leads to what the operator listed, the Sync has to name that host too: whoever wrote the index may not.
    async fn package<'b>(
        &self,
        chart: &RemoteChart,
        url: &Url,
        buyer: Buyer<'b>,
    ) -> Result<(Vec<u8>, Asker<'b>, bool), Fault> {
        let is_led = url.origin() != chart.address().origin() && self.egress.route(url) == Ok(Route::Listed);
        if is_led && !buyer.asker.hosts.allow(url) {
            let host = url.host_str().unwrap_or_default();
            let words = format!("its package lies at `{host}`, which `spec.remote.hosts` has to name too");
            return Err(Fault::Told(words));
        }
        let (asker, of_index) = (buyer.at(url), buyer.at(&chart.address()));
        let answer = self.ask(url, HeaderMap::new(), asker).await?;
        let is_led = is_led || answer.is_led;
        let asker = if of_index.login.is_some() { of_index } else { asker };
        Ok((read(answer, MAX_CHART_BYTES).await?, asker, is_led))
    }

    /// A package that was fetched before, by its SHA-256; none that is not kept any more.
    ///
    /// # Errors
    /// When it is kept, and there is no room to unpack it.
    pub(super) async fn kept_chart(
        &self,
        chart: &RemoteChart,
        sha256: &str,
        buyer: Buyer<'_>,
    ) -> Result<Option<Arc<ChartTree>>, String> {
        let url = with_name(chart.address(), chart.name());
        // Its index may be open to all, and the package of one of the logins.
        for owner in buyer.asker.all_owners(!buyer.logins.is_empty()) {
            let (charts, place) = (self.charts.clone(), self.charts.kept.place(&url, &owner, sha256));
            // Whoever else unpacks it meanwhile unpacks it for all.
            let _turn = charts.memory.flights.take_turn(place.display().to_string()).await;
            if let Some(held) = charts.memory.unpacked.find(&place) {
                KeptFiles::touch(&place);
                return Ok(Some(held));
            }
            let (url, sha256, charts) = (url.clone(), sha256.to_owned(), charts.clone());
            let read = tokio::task::spawn_blocking(move || {
                let Some(bytes) = charts.kept.find(&url, &owner, &sha256) else { return Ok(None) };
                let tree = ChartTree::unpack(&bytes, &charts.rooms)?;
                let tree = Arc::new(tree);
                charts.memory.unpacked.hold(place, &tree);
                Ok(Some(tree))
            });
            let kept = read.await.unwrap_or_else(|_| Err("cannot be unpacked".to_owned()));
            if let Some(kept) = kept.map_err(|why: String| format!("its package, which is kept here, {why}"))? {
                return Ok(Some(kept));
            }
        }
        Ok(None)
    }
}

/// One index is of many charts, and each is kept by itself.
fn with_name(mut url: Url, name: &str) -> Url {
    url.set_fragment(Some(name));
    url
}
