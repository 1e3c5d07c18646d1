//! What followers lay over the values of a chart.

use super::Follower;
use crate::{
    find::{
        effective,
        live::Live,
        patches::{Change, Home},
    },
    kustomize::Inline,
    values,
    yaml::{Position, cursor::Cursor},
};

/// Something that is laid over the values of a chart.
#[derive(Debug)]
pub(super) enum Layer<'a> {
    /// A mapping of values.
    Values(Cursor<'a>),
    /// Values that stand as a text.
    Text(Inline),
    /// One value at its way.
    Value(String, Cursor<'a>),
    /// What cannot be read.
    Broken(Position),
}

impl Layer<'_> {
    /// Lays it over the images of a file of values.
    pub fn lay(&self, follower: &Follower<'_>, live: &mut Vec<Live>) {
        self.put(follower, live);
        // Which registry each image comes from then is not followed.
        if let Some(position) = self.registry() {
            effective::doubt(&follower.file, position, live);
        }
    }

    /// Where it says the registry of all images.
    fn registry(&self) -> Option<Position> {
        let of_values =
            |given: &Cursor<'_>| values::REGISTRIES.iter().find_map(|way| given.at(way)).map(|found| found.position);
        match self {
            Self::Values(given) => of_values(given),
            Self::Text(inline) => {
                let mut roots = inline.documents.roots.iter();
                roots.find_map(|root| of_values(&Cursor::root(root))).map(|_| inline.position())
            }
            Self::Value(way, value) => {
                let is_it = values::REGISTRIES.iter().any(|known| known.join(".") == *way);
                is_it.then_some(value.position)
            }
            Self::Broken(_) => None,
        }
    }

    fn put(&self, follower: &Follower<'_>, live: &mut Vec<Live>) {
        match self {
            Self::Values(given) => lay_values(given, &Home::of(&follower.file, None), &follower.object, live),
            Self::Text(inline) => {
                let home = Home::of(&follower.file, Some(inline));
                for root in &inline.documents.roots {
                    lay_values(&Cursor::root(root), &home, &follower.object, live);
                }
            }
            Self::Value(way, value) => {
                let home = Home::of(&follower.file, None);
                let change = Change { field: way.clone(), value: Some(value.clone()), is_merge: false };
                live.retain_mut(|image| change.on(image, &home));
                // A number tells another member than a name does, so nobody knows which one is meant.
                if let Some((list, _)) = way.split_once('[') {
                    let inside = format!("{list}[");
                    let may_be = |image: &&mut Live| image.fields.all().any(|field| field.starts_with(&inside));
                    let meant = live.iter_mut().filter(may_be);
                    meant.for_each(|image| {
                        effective::doubt(&follower.file, value.position, std::slice::from_mut(image))
                    });
                }
            }
            Self::Broken(position) => effective::doubt(&follower.file, *position, live),
        }
    }
}

/// Merges values, as Helm does: a list takes the place of the other.
fn lay_values(given: &Cursor<'_>, home: &Home<'_>, object: &str, live: &mut Vec<Live>) {
    let change = Change { field: String::new(), value: Some(given.clone()), is_merge: true };
    let known: Vec<String> = live.iter().flat_map(|image| image.fields.all().map(str::to_owned)).collect();
    live.retain_mut(|image| change.on(image, home));
    let prefix = if given.field.is_empty() { String::new() } else { format!("{}.", given.field) };
    for image in values::images(given, object) {
        let way = |field: &str| field.strip_prefix(&prefix).unwrap_or(field).to_owned();
        if !image.parts.spots().any(|spot| known.contains(&way(&spot.field))) {
            live.push(home.live(image));
        }
    }
}
