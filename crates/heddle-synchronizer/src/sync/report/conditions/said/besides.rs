//! Conditions that are there only while there is something to say, besides those that every Sync has.

use heddle_core::name::SyncName;
use heddle_kube::{ControllerState, FirstSync, KubeError, WatchPlace, WatchVerb, sync::APPROVE_REMOTE_ANNOTATION};
use heddle_reconcile::{ObjectKey, generated_paths};
use heddle_source::Resolved;
use serde_json::Value;

use super::{
    super::{
        super::super::{
            drift::LeftAlone,
            run::Heritage,
            source::{Content, Raw},
        },
        ConditionKind,
    },
    NAMED, Said, list,
};

/// What there is to say of the install manifest: that it was applied again with another text, which changes nothing.
pub(in crate::sync) fn manifest(found: &FirstSync, sync: &str) -> Option<Said> {
    let FirstSync::Differs { name, fields } = found else { return None };
    let message =
        format!("the install manifest says something else about {}: edit the Sync if you mean it", fields.join(", "));
    (name == sync).then(|| Said::new(ConditionKind::InstallManifest, Some(false), "Differs", message))
}

/// What a person ought to know of fields that charts make anew each time: they are written once.
pub(in crate::sync) fn generated(content: &Content) -> Option<Said> {
    let objects: Vec<&Raw> = content.objects.iter().filter(|raw| !raw.generated.fields.is_empty()).collect();
    let name = |raw: &&Raw| {
        let object: Value = serde_json::from_str(&raw.text).unwrap_or_default();
        let fields = list(generated_paths(&object, &raw.generated.fields).into_iter());
        let key = ObjectKey::of(&object);
        match raw.generated.values.as_slice() {
            [] => format!("{key}: {fields}"),
            values => format!("{key}: {fields} (set by `{}`)", values.join("`, `")),
        }
    };
    let message = format!(
        "a chart makes these fields anew each time, or keeps them by a look into the cluster, so they are written where \
         they are not there and stay as they are after that; values of the chart make them fixed: {}",
        list(objects.iter().map(name))
    );
    (!objects.is_empty()).then(|| Said::new(ConditionKind::Generated, Some(true), "WrittenOnce", message))
}

/// What a person ought to know of places that cannot be watched: what becomes of objects there is not seen.
pub(in crate::sync) fn unwatched(blind: &[(&WatchPlace, WatchVerb, &KubeError)]) -> Option<Said> {
    let (_, _, first) = blind.first()?;
    let reason = match first {
        KubeError::Forbidden(_) => "Forbidden",
        KubeError::NotServed(_) => "NotServed",
        _ => "Failed",
    };
    let name = |((kind, namespace), verb, _): &(&WatchPlace, WatchVerb, &KubeError)| match namespace {
        Some(namespace) => format!("{kind} in {namespace} ({verb})"),
        None => format!("{kind} ({verb})"),
    };
    let message = format!(
        "what others change or delete is not seen of {}, until the next comparison by a dry run: {first}",
        list(blind.iter().map(name))
    );
    Some(Said::new(ConditionKind::Watched, Some(false), reason, message))
}

/// What a person ought to know of objects that no Sync has any more, and about which nothing is done.
pub(in crate::sync) fn leftovers(left: &[ObjectKey]) -> Option<Said> {
    let named = list(left.iter().map(ToString::to_string));
    let message =
        format!("no Sync has {named} any more, and nothing deletes them: delete them, or put them into a path");
    (!left.is_empty()).then(|| Said::new(ConditionKind::Leftovers, Some(true), "Found", message))
}

/// What a person ought to know before fields go that others applied and no file has.
pub(in crate::sync) fn take_over(heritage: &Heritage) -> Option<Said> {
    let going = &heritage.going;
    let name = |(key, managers, fields): &(ObjectKey, Vec<String>, Vec<String>)| {
        format!("{key}: {} (of {})", fields.join(", "), managers.join(", "))
    };
    let named: Vec<String> = going.iter().take(NAMED).map(name).collect();
    let more =
        if going.len() > NAMED { format!("; and of {} more objects", going.len() - NAMED) } else { String::new() };
    let message = format!(
        "others applied what no file has; it goes with the next change of its object, unless you write it into the file or \
         set `spec.takeOver: keep`: {}{more}",
        named.join("; ")
    );
    (!going.is_empty()).then(|| Said::new(ConditionKind::TakeOver, Some(true), "FieldsGo", message))
}

/// What a person ought to know of objects that controllers of other tools have too.
pub(in crate::sync) fn other_controller(heritage: &Heritage) -> Option<Said> {
    let others = &heritage.others;
    let (first, (controller, state)) = others.first_key_value()?;
    let more = if others.len() > 1 {
        format!(", and {} more objects are another one's", others.len() - 1)
    } else {
        String::new()
    };
    let (reason, message) = match state {
        ControllerState::Unknown(why) => (
            "Unknown",
            format!(
                "{first} says that it is of {controller}, and it cannot be told whether that one is still there: allow the \
                 account to get it, or take its labels and annotations off the object ({why}); nothing is taken over{more}"
            ),
        ),
        ControllerState::NotHere => (
            "NotHere",
            format!(
                "{first} says that it is of {controller}, which is not in this cluster and may be one of another cluster that \
                 writes into this one; nothing is taken over. Where it is gone for good, set `spec.takeOver: orphaned`, or \
                 take its {} off the object{more}",
                controller.mark()
            ),
        ),
        ControllerState::Alive | ControllerState::Suspended => (
            "Alive",
            format!(
                "{first} is applied by {controller} too, and nothing is taken over: suspend or delete that one, or take the \
                 object out of one of the two{more}"
            ),
        ),
    };
    Some(Said::new(ConditionKind::OtherController, Some(true), reason, message))
}

/// What is left as others have it, because it was put back again and again: the Sync is not as Git wants it.
pub(in crate::sync) fn fought_over(left: &[LeftAlone]) -> Option<Said> {
    let name = |one: &LeftAlone| {
        let LeftAlone { key, field, manager, is_gone, named_owner, until } = one;
        let who = manager.as_deref().unwrap_or("somebody");
        let what = match (field, named_owner) {
            (Some(field), _) => format!("{who} changes `{field}` of {key} again and again"),
            (None, Some(owner)) if *is_gone => {
                format!(
                    "{key} is deleted again and again, as Kubernetes does where the owner that it names, {owner}, does not exist"
                )
            }
            (None, _) if *is_gone => format!("{key} is deleted again and again"),
            (None, _) => format!("{who} changes {key} again and again"),
        };
        format!("{what}; it is left so until {}", until.format("%H:%M:%S UTC"))
    };
    let named: Vec<String> = left.iter().take(NAMED).map(name).collect();
    let more = if left.len() > NAMED { format!("; and {} more", left.len() - NAMED) } else { String::new() };
    let message = format!(
        "{}{more}. Leave it to one of the two: take it out of the file, name the field in `spec.ignore`, or stop the other",
        named.join("; ")
    );
    (!left.is_empty()).then(|| Said::new(ConditionKind::FoughtOver, Some(true), "LeftAlone", message).lasting())
}

/// What a person ought to know of remote bases: those that moved and wait for an approval, and those whose host is away.
pub(in crate::sync) fn remote_bases(resolved: &[Resolved], sync: &SyncName) -> Option<Said> {
    let moved: Vec<_> = resolved.iter().filter_map(|one| Some((one, one.moved_to.as_ref()?))).collect();
    let name = |(one, now): &(&Resolved, &String)| {
        format!("`{}` is {} by now, and {} goes on", one.address, short(now), short(&one.id))
    };
    let away = resolved.iter().filter_map(|one| Some((one, one.away.as_ref()?)));
    let away: Vec<String> = away
        .map(|(one, why)| {
            format!("what `{}` stands for by now is not known, and {} goes on: {why}", one.address, short(&one.id))
        })
        .collect();
    let mut words = Vec::new();
    if !moved.is_empty() {
        let ids: Vec<&str> = moved.iter().map(|(_, now)| now.as_str()).collect();
        words.push(format!(
            "{}. To let it move: kubectl annotate sync -n {} {} {APPROVE_REMOTE_ANNOTATION}={} --overwrite",
            list(moved.iter().map(name)),
            sync.namespace,
            sync.name,
            ids.join(",")
        ));
    }
    if !away.is_empty() {
        words.push(list(away.into_iter()));
    }
    let reason = if moved.is_empty() { "Away" } else { "Moved" };
    (!words.is_empty()).then(|| Said::new(ConditionKind::RemoteBases, Some(false), reason, words.join("; ")))
}

/// The first digits of a commit or a digest.
fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
