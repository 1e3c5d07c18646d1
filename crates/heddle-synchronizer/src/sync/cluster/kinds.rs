//! Which kinds the cluster serves, asked for as seldom as can be.

use std::sync::Arc;

use heddle_kube::{Kinds, KubeError};
use heddle_reconcile::{GroupKind, Inventory};

use super::{
    super::{desired::has_unknown_kinds, source::Content},
    ClusterFault, ClusterState,
};

impl ClusterState {
    /// The kinds, asked for anew when one of a content or of the inventory is not among them, or a definition has changed.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn kinds_for(&mut self, content: &Content) -> Result<Arc<Kinds>, ClusterFault> {
        if let Some(kinds) = self.kinds.as_ref().filter(|kinds| self.knows_all(content, kinds)) {
            return Ok(Arc::clone(kinds));
        }
        Ok(self.renew_kinds().await?)
    }

    fn knows_all(&self, content: &Content, kinds: &Kinds) -> bool {
        let mut held = self.inventory().into_iter().flat_map(Inventory::iter);
        !self.kinds_are_old
            && !has_unknown_kinds(content, kinds)
            && held.all(|entry| kinds.preferred(&entry.key.kind).is_some())
    }

    /// From here on tools may have been installed that were not there before.
    pub fn expect_new_kinds(&mut self) {
        self.kinds_are_of_now = false;
    }

    /// The kinds, asked for anew where any of these is not among them, but once for all that are asked about between two looks.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn kinds_with(&mut self, wanted: &[&GroupKind]) -> Result<Arc<Kinds>, KubeError> {
        let knows_all = |kinds: &Kinds| wanted.iter().all(|kind| kinds.preferred(kind).is_some());
        let is_enough = |kinds: &&Arc<Kinds>| self.kinds_are_of_now || knows_all(kinds);
        match self.kinds.as_ref().filter(is_enough) {
            Some(kinds) => Ok(Arc::clone(kinds)),
            None => self.renew_kinds().await,
        }
    }

    /// The kinds as they are now, asked for once between two looks.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn kinds_of_now(&mut self) -> Result<Arc<Kinds>, KubeError> {
        match self.kinds.as_ref().filter(|_| self.kinds_are_of_now) {
            Some(kinds) => Ok(Arc::clone(kinds)),
            None => self.renew_kinds().await,
        }
    }

    /// Asks for the kinds anew.
    ///
    /// # Errors
    /// When the API server cannot be asked. Then those stay that were known.
    pub async fn renew_kinds(&mut self) -> Result<Arc<Kinds>, KubeError> {
        let kinds = Arc::new(self.client.list_kinds().await?);
        // What was seen to change meanwhile is taken in after this.
        (self.kinds_are_old, self.kinds_are_of_now) = (false, true);
        self.kinds = Some(Arc::clone(&kinds));
        Ok(kinds)
    }
}
