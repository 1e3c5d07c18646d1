//! Charts of repositories with an index.

use std::{
    io::{Read, Seek},
    sync::Arc,
};

use heddle_egress::is_private_on_its_way;
use heddle_registry::{charts::Index, limits::MAX_INDEX_BYTES};
use reqwest::{
    StatusCode,
    header::{ETAG, HeaderMap, IF_NONE_MATCH},
};

use super::{
    fault::Fault,
    reference::RemoteChart,
    repositories::{Buyer, Offer, Place},
};
use crate::{
    FetchError,
    bases::fetcher::{Answer, Fetcher, read_into},
};

impl Fetcher {
    /// The version that is meant, as the index of its repository has it, or had it a moment ago.
    pub(super) async fn find_in_index(&self, chart: &RemoteChart, buyer: Buyer<'_>) -> Result<Offer, Fault> {
        let index = self.index(chart, buyer).await?;
        let versions = index.of(chart.name());
        let version = chart.choose(versions.iter().map(|entry| entry.version()));
        let entry = version.and_then(|version| versions.iter().find(|entry| entry.version() == version));
        let entry = entry.ok_or_else(|| match (versions.len(), index.unread(chart.name())) {
            (0, 0) => "its repository has no chart of this name".to_owned(),
            (_, 0) => "its repository has no such version of it".to_owned(),
            (_, unread) => format!(
                "its repository has no such version of it that can be read: {unread} of its entries have no version, or \
                 one that is too long"
            ),
        })?;
        let way = entry.way().ok_or_else(|| "its repository does not say where its package lies".to_owned())?;
        if let Some((repository, _)) = way.strip_prefix("oci://").and_then(|image| image.rsplit_once('/')) {
            return Err(Fault::Told(format!(
                "its package lies in a registry, to which an index does not lead: name `oci://{repository}` as its repository"
            )));
        }
        let url = chart.below(way).ok().filter(is_private_on_its_way);
        let url = url.ok_or_else(|| "its package lies at what is no address of https".to_owned())?;
        // What a package was a moment ago is known where the index does not say it.
        let packages = &self.charts.memory.packages;
        let sha256 = entry.sha256().or_else(|| packages.find(url.as_str(), buyer.at(&url).owners()));
        Ok(Offer { version: entry.version().to_owned(), sha256, place: Place::Address(url) })
    }

    async fn index(&self, chart: &RemoteChart, buyer: Buyer<'_>) -> Result<Arc<Index>, Fault> {
        let url = chart.below("index.yaml").map_err(|error| format!("its repository is no address: {error}"))?;
        let (asker, memory) = (buyer.at(&url), &self.charts.memory);
        let known = match memory.indices.find(&url, asker.owners()) {
            Some(known) if known.is_fresh() => return Ok(known.index),
            known => known,
        };
        let etag = known.as_ref().and_then(|known| known.etag.clone());
        let headers: HeaderMap = etag.map(|etag| (IF_NONE_MATCH, etag)).into_iter().collect();
        let answer = self.ask(&url, headers, asker).await?;
        let (etag, is_led) = (answer.response.headers().get(ETAG).cloned(), answer.is_led);
        let index = match known.filter(|_| answer.response.status() == StatusCode::NOT_MODIFIED) {
            Some(known) => known.index,
            None => Arc::new(self.read_index(answer).await?),
        };
        memory.indices.keep(&url, &asker.owner_of(is_led), etag, Arc::clone(&index));
        Ok(index)
    }

    /// Reads an index as it comes onto disk, and then in its turn: many large ones that came into memory at once would not fit.
    async fn read_index(&self, answer: Answer) -> Result<Index, Fault> {
        let (room, file) = self.charts.rooms.take().map_err(FetchError::Store)?;
        let mut file = tokio::fs::File::from_std(file);
        read_into(answer, MAX_INDEX_BYTES as u64, &mut file).await?;
        let mut file = file.into_std().await;
        let turn = Arc::clone(&self.charts.memory.reading).acquire_owned().await;
        let read = tokio::task::spawn_blocking(move || {
            let (_room, _turn, mut bytes) = (room, turn, Vec::new());
            file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(FetchError::Store)?;
            Ok(Index::read(&bytes).map_err(|why| format!("its `index.yaml` {why}"))?)
        });
        read.await.map_err(|_| "its index could not be read".to_owned())?
    }
}
