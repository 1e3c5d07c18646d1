//! Which images the operations of a JSON patch set, take away, bring or copy. Source: RFC 6902.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use super::{
    closure::Reader,
    live::{Fields, Live},
    patches::{Change, Home, Refusal, keep, meant},
};
use crate::{
    image::ImageValue,
    kustomize::Patch,
    object::text,
    read::object_images,
    yaml::{Node, Value, cursor::Cursor},
};

/// Where a pointer leads in an object.
struct Way {
    /// As places have it; nothing where the object has no such place.
    field: Option<String>,
    /// What is written there becomes a member of a list beside those that are there.
    is_insert: bool,
    /// It comes behind them, so that they keep their numbers.
    is_append: bool,
    /// The lists on the way of which a number tells one member.
    numbered: Vec<Numbered>,
    /// The first step that leads to nothing in the object as it is written, where it is not the last: a patch may have
    /// brought it.
    lost: Option<String>,
    /// The object with nothing but the value, at that place.
    alone: Option<Node>,
}

/// A member of a list that a number tells.
struct Numbered {
    /// The list, with the bracket behind it.
    list: String,
    /// The way from the member on.
    rest: String,
    /// The object as it is written has so many members.
    is_written: bool,
}

impl Numbered {
    /// Whether it may be the member that holds a field.
    fn may_hold(&self, field: &str) -> bool {
        let member = field.strip_prefix(self.list.as_str()).and_then(|inner| inner.split_once(']'));
        member.is_some_and(|(_, inner)| is_under(inner.trim_start_matches('.'), &self.rest))
    }
}

/// Carries out an operation on the images of the objects that a patch is for.
pub(super) fn operate(
    reader: &mut Reader<'_>,
    home: &Home<'_>,
    patch: &Patch,
    operation: &Cursor<'_>,
    live: &mut Vec<Live>,
) -> Result<(), Refusal> {
    let (kind, pointer) = (text(operation.node, "op"), text(operation.node, "path"));
    if !matches!(kind, "add" | "replace" | "remove" | "test" | "copy" | "move") {
        let message = format!("`{kind}` is no operation of a JSON patch, so what it may change is not updated");
        return Err(Some(("broken-patch", message)));
    }
    if !matches!(patch.target, Ok(Some(_))) {
        let message = "a JSON patch needs a `target`, so what this one may change is not updated";
        return Err(Some(("broken-patch", message.to_owned())));
    }
    if kind == "test" {
        return Ok(());
    }
    let value = operation.key("value").filter(|_| matches!(kind, "add" | "replace"));
    let indices = meant(reader, patch, operation.node, live);
    let objects: BTreeSet<(Arc<str>, String)> =
        indices.iter().map(|index| (Arc::clone(&live[*index].origin), live[*index].object.clone())).collect();
    for (origin, object) in objects {
        let read = reader.with_object(&origin, &object, |root| {
            let from = way(root, text(operation.node, "from"), None);
            (way(root, pointer, value.as_ref().map(|value| value.node)), from)
        });
        let Some((to, from)) = read else { continue };
        let own: Vec<usize> =
            (0..live.len()).filter(|index| live[*index].origin == origin && live[*index].object == object).collect();
        let touches = |way: &Way| {
            let is_brought = |field: &str| way.lost.as_deref().is_some_and(|lost| is_under(field, lost));
            own.iter().map(|index| &live[*index]).any(|image| {
                let numbered = || way.numbered.iter().filter(|one| image.is_shifted || !one.is_written);
                let is_unknown = |field: &str| numbered().any(|one| one.may_hold(field)) || is_brought(field);
                (image.is_shifted || image.is_appended) && image.fields.all().any(is_unknown)
            })
        };
        if touches(&to) || touches(&from) {
            return Err(Some((
                "broken-patch",
                "this patch counts members of a list that another one moved, so what it may change is not updated: name \
                 the member in a merge"
                    .to_owned(),
            )));
        }
        match kind {
            "copy" | "move" => copy(&from, &to, kind == "move", &own, live)?,
            _ => put(reader, home, &to, kind, value.as_ref(), (&own, &object), live),
        }
    }
    Ok(())
}

/// Adds, replaces or takes away what stands at a place of an object.
fn put(
    reader: &Reader<'_>,
    home: &Home<'_>,
    to: &Way,
    kind: &str,
    value: Option<&Cursor<'_>>,
    (own, object): (&[usize], &str),
    live: &mut Vec<Live>,
) {
    let is_insert = to.is_insert && kind == "add";
    // What has no name is told by a number, which is not that of a member as it is written.
    let has_name =
        value.is_some_and(|value| value.node.get("name").and_then(Node::text).is_some_and(|name| !name.is_empty()));
    let is_append = to.is_append && has_name;
    let mut gone = HashSet::new();
    if let (Some(field), false) = (&to.field, is_insert) {
        let change = Change { field: field.clone(), value: value.cloned(), is_merge: false };
        gone.extend(own.iter().copied().filter(|index| !change.on(&mut live[*index], home)));
    }
    let mut known: HashSet<(Arc<str>, usize)> = HashSet::new();
    let mut fields: HashSet<String> = HashSet::new();
    for index in own.iter().filter(|index| !gone.contains(index)) {
        known.insert((Arc::clone(&live[*index].file), live[*index].value.span().start));
        fields.extend(live[*index].fields.all().map(str::to_owned));
    }
    let (renamed, origin) = match own.first() {
        Some(first) => (Arc::clone(&live[*first].renamed), Arc::clone(&live[*first].origin)),
        None => return,
    };
    let has_chart = own.iter().any(|index| live[*index].value.chart.is_some());
    let brought: Vec<Live> = to
        .alone
        .iter()
        .flat_map(|root| object_images(&Cursor::root(root), reader.rules()))
        .filter(|image| image.chart.is_none() || !has_chart)
        .filter(|image| is_insert || !image.parts.spots().any(|spot| fields.contains(&spot.field)))
        .map(|image| Live {
            object: object.to_owned(),
            origin: Arc::clone(&origin),
            renamed: Arc::clone(&renamed),
            is_shifted: !is_append,
            is_appended: is_append,
            ..home.live(ImageValue { object: object.to_owned(), ..image })
        })
        .filter(|image| !known.contains(&(Arc::clone(&image.file), image.value.span().start)))
        .collect();
    if is_insert && !is_append && !brought.is_empty() || !gone.is_empty() {
        own.iter().for_each(|index| live[*index].is_shifted = true);
    }
    keep(live, |index| !gone.contains(&index));
    live.extend(brought);
}

/// Copies what stands at one place to another. Where that is more than the text of one image, nobody knows what comes of it.
fn copy(from: &Way, to: &Way, is_move: bool, own: &[usize], live: &mut Vec<Live>) -> Result<(), Refusal> {
    let at = |way: &Way| own.iter().copied().find(|index| way.field.is_some() && live[*index].fields.name == way.field);
    let holds = |way: &Way| {
        let under = |field: &str| way.field.as_deref().is_some_and(|outer| is_under(field, outer));
        own.iter().any(|index| live[*index].fields.all().any(under))
    };
    match (at(from), at(to)) {
        (Some(source), Some(target)) if live[source].fields.is_whole() && live[target].fields.is_whole() => {
            let Live { name, build, file, value, .. } = live[source].clone();
            let container = live[target].container();
            let image = &mut live[target];
            (image.name, image.build, image.file) = (name, build, file);
            image.value = Arc::new(ImageValue { container, ..(*value).clone() });
            if is_move {
                keep(live, |index| index != source);
            }
            Ok(())
        }
        // A container that is copied as a whole brings its image with it.
        (None, None) if to.is_insert && holds(from) => {
            let outer = from.field.clone().unwrap_or_default();
            let copies = own.iter().filter(|index| live[**index].fields.all().any(|field| is_under(field, &outer)));
            let copies: Vec<Live> = copies
                .map(|index| Live { fields: Arc::new(Fields::default()), is_shifted: true, ..live[*index].clone() })
                .collect();
            own.iter().for_each(|index| live[*index].is_shifted = true);
            if is_move {
                let gone: HashSet<usize> = own
                    .iter()
                    .copied()
                    .filter(|index| live[*index].fields.all().any(|field| is_under(field, &outer)))
                    .collect();
                keep(live, |index| !gone.contains(&index));
            }
            live.extend(copies);
            Ok(())
        }
        _ if !holds(from) && !holds(to) => Ok(()),
        _ => {
            let message = "this patch copies more than one image, which is not followed, so what it may change is not updated: write the values out";
            Err(Some(("broken-patch", message.to_owned())))
        }
    }
}

/// Whether a place is another one, or lies in it.
fn is_under(field: &str, outer: &str) -> bool {
    field.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || outer.is_empty() || rest.starts_with(['.', '[']))
}

/// The way that a pointer leads in an object, as places have it.
fn way(object: &Cursor<'_>, pointer: &str, value: Option<&Node>) -> Way {
    let mut way =
        Way { field: None, is_insert: false, is_append: false, numbered: Vec::new(), lost: None, alone: None };
    let Some(pointer) = pointer.strip_prefix('/') else { return way };
    let steps: Vec<String> = pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    let mut cursor = Some(object.clone());
    let mut lists = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let is_last = index + 1 == steps.len();
        let is_list = match &cursor {
            Some(cursor) => cursor.node.is_list(),
            None => step == "-" || step.bytes().all(|b| b.is_ascii_digit()),
        };
        lists.push(is_list);
        way.is_insert = is_list;
        way.is_append = is_list && step == "-";
        let Some(here) = cursor.take() else { continue };
        if is_list && step != "-" {
            let is_written = step.parse().is_ok_and(|number: usize| number < here.node.items().len());
            let (list, rest) = (format!("{}[", here.field), steps[index + 1..].join("."));
            way.numbered.push(Numbered { list, rest, is_written });
        }
        cursor = match (is_list, step.parse::<usize>()) {
            (true, Ok(number)) => here.items().nth(number),
            (true, Err(_)) => None,
            (false, _) => here.key(step),
        };
        match &cursor {
            Some(found) if is_last => way.field = Some(found.field.clone()),
            // The last one may be new.
            None if is_last && here.node.is_mapping() => way.field = Some(format!("{}.{step}", here.field)),
            None if !is_last && !is_list => way.lost = Some(format!("{}.{step}", here.field)),
            _ => {}
        }
    }
    way.alone = value.filter(|value| !value.is_scalar()).map(|value| alone(object.node, &steps, &lists, value));
    way
}

/// An object that has nothing but a value, and what says which kind it is.
fn alone(object: &Node, steps: &[String], lists: &[bool], value: &Node) -> Node {
    let with = |value: Value, like: &Node| Node { value, position: like.position, span: like.span.clone(), tag: None };
    let inner = steps.iter().zip(lists).rev().fold(value.clone(), |inner, (step, is_list)| {
        if *is_list {
            return with(Value::Sequence(vec![inner.clone()]), &inner);
        }
        let key = with(Value::Scalar(step.clone(), granit_parser::ScalarStyle::Plain), value);
        with(Value::Mapping(vec![(key, inner.clone())]), &inner)
    });
    let head = object.entries().iter().filter(|(key, _)| {
        matches!(key.text(), Some("apiVersion" | "kind" | "metadata"))
            && steps.first().map(String::as_str) != key.text()
    });
    with(Value::Mapping(head.chain(inner.entries()).cloned().collect()), value)
}
