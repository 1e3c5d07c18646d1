//! Where going back leads: what stood at places before, and whether it may stand there again without being named.

use std::collections::BTreeSet;

use heddle_core::{
    id::{OrganizationId, RepositoryId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    place::Place,
    request::ShownPlace,
};
use heddle_db::{Tx, changes, images, occurrences::Occurrence, tags};
use heddle_wire::automator::Barred;

use crate::problem::ApiResult;

/// A tag, with the digest beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Build<'a> {
    pub tag: &'a Tag,
    pub digest: Option<&'a Digest>,
}

/// Places of an image that go back.
pub(super) struct Back<'a> {
    pub repository: RepositoryId,
    pub image: &'a ImageRepository,
    /// What the change wrote that stands there.
    pub wrote: Build<'a>,
    /// What stood there before.
    pub before: Option<Build<'a>>,
    pub places: &'a [ShownPlace],
    /// What people took back in the repository.
    pub barred: &'a [Barred],
}

/// What is written.
#[derive(Debug)]
pub(super) struct Target {
    pub to: Tag,
    /// Where one belongs there and it is known.
    pub to_digest: Option<Digest>,
    /// What else is to be known, a sentence each.
    pub notes: Vec<String>,
}

/// What is known of a tag.
struct Known {
    digest: Option<Digest>,
    /// Whether the registry lists it; `None` where that is not known.
    listed: Option<bool>,
}

impl Back<'_> {
    /// What is written: the tag that is `named`, else what stood there before; or why that cannot be, in words.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn target(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
        named: Option<&Tag>,
    ) -> ApiResult<Result<Target, String>> {
        let name_it = |why: &str| Ok(Err(format!("{why}; name the tag to go back to")));
        let Some(to) = named.or(self.before.map(|before| before.tag)) else {
            return name_it("no tag stood there before");
        };
        // The digest that stood beside it there.
        let digest = self.before.filter(|before| before.tag == to).and_then(|before| before.digest);
        if to == self.wrote.tag && (digest.is_none() || digest == self.wrote.digest) {
            return name_it(&format!("`{to}` is what the change wrote"));
        }
        let known = known(tx, organization, self.image, to).await?;
        if known.listed == Some(false) {
            return Ok(Err(format!("{} has no tag `{to}` any more", self.image)));
        }
        let pins = self.places.iter().any(|place| place.digest.is_some());
        let to_digest = digest.cloned().or(known.digest).filter(|_| pins);
        let why_not = match (pins, &to_digest) {
            (true, None) if named.is_none() => Some(format!("which digest stood beside `{to}` there is not known")),
            (true, None) => None,
            _ => self.why_not(tx, organization, Build { tag: to, digest: to_digest.as_ref() }).await?,
        };
        let mut notes = Vec::new();
        match why_not {
            Some(why) if named.is_none() => return name_it(&why),
            Some(why) => notes.push(format!("{why}; it was chosen by name")),
            None => {}
        }
        if known.listed.is_none() {
            let image = self.image;
            notes.push(format!("nobody has read the tags of {image} to their end, so it may have no `{to}`"));
        }
        match (pins, digest, &to_digest) {
            (true, None, Some(_)) => notes.push(format!(
                "which digest stood beside `{to}` there is not known; the one that the tag has now is written"
            )),
            (true, None, None) if known.listed == Some(true) => {
                notes
                    .push(format!("a digest belongs beside `{to}` there, and a scan looks it up before it is written"));
            }
            (true, None, None) | (false, ..) | (true, Some(_), _) => {}
        }
        Ok(Ok(Target { to: to.clone(), to_digest, notes }))
    }

    /// Why a tag does not come back by itself: in each environment of the places it must have been healthy,
    /// and must not have been taken back.
    async fn why_not(&self, tx: &mut Tx, organization: OrganizationId, before: Build<'_>) -> ApiResult<Option<String>> {
        let Build { tag, digest } = before;
        let stood = if self.before.is_some_and(|before| before.tag == tag) { "stood there before, and " } else { "" };
        for environment in environments_of(self.places) {
            let place = (&environment, self.image);
            if !changes::was_healthy(&mut **tx, organization, self.repository, place, (tag, digest)).await? {
                return Ok(Some(format!("`{tag}` {stood}was not seen healthy in {environment}")));
            }
            let is_barred = |one: &&Barred| {
                one.environment == environment
                    && one.image == *self.image
                    && one.tag == *tag
                    && (one.digest.is_none() || one.digest.as_ref() == digest)
            };
            if let Some(barred) = self.barred.iter().find(is_barred) {
                let reason = &barred.reason;
                return Ok(Some(format!("`{tag}` {stood}was taken back itself ({reason})")));
            }
        }
        Ok(None)
    }
}

async fn known(tx: &mut Tx, organization: OrganizationId, image: &ImageRepository, tag: &Tag) -> ApiResult<Known> {
    let watched = images::list_named(&mut **tx, organization, &[image.to_string()]).await?.pop();
    let asked: Vec<_> = watched.iter().map(|image| (image.id, tag)).collect();
    let info = tags::list_named(&mut **tx, &asked).await?.pop();
    let listed = match (&watched, &info) {
        (_, Some((_, _, true))) => Some(true),
        (Some(image), Some((_, _, false))) if image.scanned_at.is_some() => Some(false),
        _ => None,
    };
    Ok(Known { digest: info.and_then(|(_, info, _)| info.digest), listed })
}

/// The environments of these places.
pub(super) fn environments_of(places: &[ShownPlace]) -> BTreeSet<EnvironmentName> {
    places.iter().flat_map(|place| place.environments.iter().cloned()).collect()
}

/// The place as it is now where a change wrote, in the same file, else wherever the object moved; or why it is left.
pub(super) fn carried(
    standing: &[Occurrence],
    (environment, image): (&EnvironmentName, &ImageRepository),
    place: &Place,
    wrote: Build<'_>,
) -> Result<ShownPlace, String> {
    let here = at(standing, environment, place);
    let Some(first) = here.first() else {
        return Err(format!("`{}` holds no {image} at `{}` for {environment} any more", place.file, place.field));
    };
    let is_carried =
        first.tag.as_ref() == Some(wrote.tag) && (wrote.digest.is_none() || first.digest.as_ref() == wrote.digest);
    if !is_carried {
        let (file, line) = (&first.place.file, first.place.line);
        let now = first.tag.as_ref().map_or("no tag", Tag::as_str);
        return Err(format!("`{file}:{line}` says `{now}` by now, and the change wrote `{}`", wrote.tag));
    }
    let environments: BTreeSet<EnvironmentName> = here.iter().filter_map(|one| one.environment.clone()).collect();
    Ok(ShownPlace {
        place: first.place.clone(),
        tag: first.tag.clone(),
        digest: first.digest.clone(),
        environments: environments.into_iter().collect(),
    })
}

/// The object of all places in kustomizations.
const UNNAMED: &str = "Kustomization";

/// What stands at a place that counts in an environment, once for each of its environments: in its file, else where its object
/// moved. A kustomization has no name, so its entry is the same nowhere else; and of an object in several files nobody knows.
fn at<'a>(standing: &'a [Occurrence], environment: &EnvironmentName, place: &Place) -> Vec<&'a Occurrence> {
    let same: Vec<&Occurrence> = standing.iter().filter(|one| one.place.key() == place.key()).collect();
    let counting = same.iter().filter(|one| one.environment.as_ref() == Some(environment));
    let files: BTreeSet<&str> = counting.map(|one| one.place.file.as_str()).collect();
    let moved = || files.first().filter(|_| files.len() == 1 && place.object != UNNAMED);
    let Some(file) = files.get(place.file.as_str()).or_else(moved).map(|file| (*file).to_owned()) else {
        return Vec::new();
    };
    same.into_iter().filter(|one| one.place.file == file).collect()
}
