//! Charts, through the official `helm template`.
//!
//! It runs on a private copy of the chart, in an empty environment, without `PATH`, plugins and sockets. What the templates
//! learn of the cluster is given to it. A chart that calls what does not give the same each time is rendered again, and what
//! differs is marked ([`generated`]).

mod complaint;
mod dependencies;
mod files;
mod generated;
mod helm_charts;
mod inflations;
mod lock;
mod namesakes;
mod release;
mod templates;

use std::{
    ffi::{OsStr, OsString},
    io,
    process::Command,
};

use serde_json::Value;

pub(super) use self::inflations::Inflations;
use self::{
    complaint::Scene,
    files::{ChartFiles, Moment},
    release::Values,
    templates::{Calls, values_at_another_time},
};
pub use self::{
    generated::Generated,
    release::{Capabilities, Charts, ClusterView, GivenValues, Release},
};
use super::{
    Files, RenderError, RenderTools, Rendered, Run,
    copy::PrivateCopy,
    decrypt::Opened,
    plain,
    process::{self, ProcessFault},
    unread::WhyUnread,
};
use crate::{ReadError, Tree, TreePath, limits::CHILD_HEAP_BYTES};

/// How many API versions stand in one argument; the kernel bounds the length of each.
const VERSIONS_AN_ARGUMENT: usize = 200;

/// How many times more a chart is rendered that calls what often gives the same twice.
const MORE_RENDERS: usize = 12;

/// What of helm's output comes from one template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The template, or what holds it.
    pub(super) file: TreePath,
    /// Documents.
    pub(super) text: String,
}

/// A chart that is rendered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit<'a> {
    /// Its `Chart.yaml`, in a directory that is loaded.
    pub(super) file: &'a TreePath,
    /// Whether it lies at the path itself, so that what is said of a release is said of its own.
    pub(super) is_of_path: bool,
}

/// A chart, carried out.
pub(super) struct Inflated {
    /// What helm gave, each time that it was asked.
    turns: Vec<Vec<Part>>,
    /// The namespace of objects that name none, where somebody says it.
    namespace: Option<String>,
    chart: ChartFiles,
    calls: Calls,
}

impl Inflated {
    /// How often helm was asked: once where the chart calls nothing that may differ.
    pub(super) fn turns(&self) -> usize {
        self.turns.len()
    }

    /// What helm gave at one time; where it was not asked as often, it gives the same.
    pub(super) fn parts_of(&self, turn: usize) -> &[Part] {
        self.turns.get(turn).or(self.turns.last()).map_or(&[], Vec::as_slice)
    }
}

/// Renders a chart.
///
/// # Errors
/// When the tree cannot be read, or the path holds too much with what helm wrote.
pub(super) fn render(
    files: &mut Files<'_, impl Tree>,
    unit: Unit<'_>,
    run: Run<'_>,
    rendered: &mut Rendered,
) -> Result<(), ReadError> {
    let directory = unit.file.parent();
    let before = (rendered.objects.len(), rendered.errors.len());
    let Some(inflated) = inflate(files, unit, run, rendered)? else { return Ok(()) };
    read(inflated.parts_of(0), &directory, rendered);
    let read_apart = |turn| {
        let mut apart = Rendered::default();
        read(inflated.parts_of(turn), &directory, &mut apart);
        apart
    };
    let others: Vec<Rendered> = (1..inflated.turns()).map(read_apart).collect();
    if (rendered.objects.len(), rendered.errors.len()) == before {
        rendered.pass_over(&directory, WhyUnread::NothingRendered);
    }
    rendered.made_by.extend((before.0..rendered.objects.len()).map(|object| (object, 0)));
    finish(&[inflated], files, before.0, &others, rendered);
    Ok(())
}

/// Reads what helm wrote.
fn read(parts: &[Part], directory: &TreePath, rendered: &mut Rendered) {
    for Part { file, text } in parts {
        plain::read(plain::Source::Template { directory, file }, text.as_bytes(), &Opened::default(), rendered);
    }
}

/// Completes the objects from a place on, among which are those of charts: their namespace, and what of them is generated, as
/// `others`, which came of what helm gave at other times, tell. Which chart has made which was noted when they were read.
pub(super) fn finish(
    charts: &[Inflated],
    files: &Files<'_, impl Tree>,
    from: usize,
    others: &[Rendered],
    rendered: &mut Rendered,
) {
    let objects = &mut rendered.objects[from..];
    let mut wrong: Vec<_> = others.iter().flat_map(|other| generated::mark(objects, &other.objects)).collect();
    wrong.sort();
    wrong.dedup_by_key(|(index, _)| *index);
    for (index, object) in (from..).zip(objects.iter_mut()) {
        let made = rendered.made_by.remove(&index).and_then(|chart| charts.get(chart));
        let Some(made) = made else { continue };
        object.namespace.clone_from(&made.namespace);
        if made.calls.lookup && object.value["kind"] == "Secret" && object.value["apiVersion"] == "v1" {
            generated::mark_secret(object);
        }
        object.generated.fields.sort();
        if !object.generated.fields.is_empty() {
            object.generated.values = made.chart.values_beside_calls(files, object.file.as_deref());
        }
    }
    for (index, message) in wrong {
        let object = &rendered.objects[from + index];
        rendered.errors.push(RenderError { file: object.file.clone(), line: object.line, message });
    }
}

/// Has helm carry out a chart. Nothing where that cannot be done, which is told.
///
/// # Errors
/// When the tree cannot be read, or the path holds too much with what helm wrote.
pub(super) fn inflate(
    files: &mut Files<'_, impl Tree>,
    unit: Unit<'_>,
    run: Run<'_>,
    rendered: &mut Rendered,
) -> Result<Option<Inflated>, ReadError> {
    if rendered.is_full() {
        return Ok(None);
    }
    let Some(chart) = ChartFiles::find(files, unit, rendered)? else { return Ok(None) };
    // Where no more is wanted than to look for addresses, all that it depends on was asked for by now.
    let Some(call) = Call::prepare(files, &chart, unit, run, rendered)? else { return Ok(None) };
    let namespace = Some(call.namespace.clone());
    Ok(call.carry_out(files, chart, run, rendered)?.map(|inflated| Inflated { namespace, ..inflated }))
}

/// A call of helm, but for the copy of the chart.
struct Call {
    name: Name,
    namespace: String,
    arguments: Vec<OsString>,
    values: Vec<Values>,
}

/// How a release is called.
enum Name {
    Given(String),
    /// By a template of helm.
    Template(String),
}

/// What helm is given at one time.
struct Given {
    copy: PrivateCopy,
    /// Helm's own folder, with the values.
    home: PrivateCopy,
}

impl Call {
    /// Has helm carry out a chart, at as many times as it takes. Nothing where that cannot be done, which is told.
    ///
    /// # Errors
    /// When the path holds too much with what helm wrote.
    fn carry_out(
        &self,
        files: &Files<'_, impl Tree>,
        chart: ChartFiles,
        run: Run<'_>,
        rendered: &mut Rendered,
    ) -> Result<Option<Inflated>, ReadError> {
        let Some((mut given, calls)) = self.give(files, &chart, Moment::Now, rendered) else { return Ok(None) };
        let Some(parts) = self.output(files, &chart, &given, run, rendered)? else { return Ok(None) };
        let mut turns = vec![parts];
        if calls.vary() {
            if calls.clock {
                let Some((another, _)) = self.give(files, &chart, Moment::Another, rendered) else { return Ok(None) };
                given = another;
            }
            for _ in 0..if calls.few { MORE_RENDERS } else { 1 } {
                let Some(parts) = self.output(files, &chart, &given, run, rendered)? else { return Ok(None) };
                // The same once more tells nothing, and each turn is built by kustomize where there is one.
                if !turns.contains(&parts) {
                    turns.push(parts);
                }
            }
        }
        Ok(Some(Inflated { turns, namespace: None, chart, calls }))
    }

    /// Says everything that is wrong with what a Sync says of the chart; then there is no call.
    fn prepare(
        files: &Files<'_, impl Tree>,
        chart: &ChartFiles,
        unit: Unit<'_>,
        Run { overlay, tools, .. }: Run<'_>,
        rendered: &mut Rendered,
    ) -> Result<Option<Self>, ReadError> {
        let Some(tools) = tools else { return Ok(None) };
        let charts = &overlay.charts;
        let release = charts.release.as_ref().filter(|_| unit.is_of_path);
        let before = rendered.errors.len();
        let said = release.and_then(|release| release.name.as_deref());
        let name = said.or(charts.name.as_deref().filter(|_| unit.is_of_path));
        let name = name.unwrap_or_else(|| chart.default_release_name()).to_owned();
        if let Err(message) = release::check_name(&name) {
            rendered.fail(&chart.file, None, format!("{message}; name it in `spec.helm.releaseName`"));
        }
        let namespace = release.and_then(|release| release.namespace.clone()).or_else(|| charts.namespace.clone());
        if namespace.is_none() {
            rendered.fail(&chart.file, None, release::NO_NAMESPACE.to_owned());
        }
        if !tools.helm.is_file() {
            rendered.fail(&chart.file, None, missing_helm(tools));
        }
        let values = release.map(|release| release.load_values(files, &chart.directory(), rendered));
        let values = values.transpose()?.unwrap_or_default();
        rendered.needs_cluster = true;
        if charts.cluster == ClusterView::Unknown {
            return Ok(None);
        }
        let Some(namespace) = namespace.filter(|_| rendered.errors.len() == before) else { return Ok(None) };
        let mut arguments = charts.cluster.arguments();
        arguments.push("--skip-tests".into());
        if !release.is_some_and(|release| release.skip_crds) {
            arguments.push("--include-crds".into());
        }
        Ok(Some(Self { name: Name::Given(name), namespace, arguments, values }))
    }

    /// Copies the chart and its values for helm, and says what they call. Nothing where that cannot be done, which is told.
    fn give(
        &self,
        files: &Files<'_, impl Tree>,
        chart: &ChartFiles,
        moment: Moment,
        rendered: &mut Rendered,
    ) -> Option<(Given, Calls)> {
        let copied = chart.copy(files, moment, rendered);
        let given =
            copied.and_then(|(copy, calls)| Ok((Given { copy, home: write_home(&self.values, moment)? }, calls)));
        match given {
            Ok((given, mut calls)) => {
                self.values.iter().for_each(|values| calls.take_values(&values.text));
                if let Name::Template(text) = &self.name {
                    calls.take(text);
                }
                Some((given, calls))
            }
            Err(error) => {
                rendered.fail(&chart.file, None, format!("it could not be copied for rendering: {error}"));
                None
            }
        }
    }

    /// What helm gives of the chart.
    fn output(
        &self,
        files: &Files<'_, impl Tree>,
        chart: &ChartFiles,
        given: &Given,
        Run { tools, until, .. }: Run<'_>,
        rendered: &mut Rendered,
    ) -> Result<Option<Vec<Part>>, ReadError> {
        let Some(tools) = tools else { return Ok(None) };
        match process::run(self.command(tools, given), None, tools.limit, until, &tools.slots) {
            Ok(output) => {
                rendered.admit_bytes(&output)?;
                return Ok(Some(chart.parts(&String::from_utf8_lossy(&output))));
            }
            Err(ProcessFault::Failed(words)) => {
                let folders = [given.copy.path(), given.home.path()];
                Scene { files, chart, folders, values: &self.values }.tell(&words.0, rendered);
            }
            Err(ProcessFault::Ended) => rendered.cut_short(until),
            Err(fault) => rendered.fail(&chart.file, None, format!("`{}` {fault}", tools.helm.display())),
        }
        Ok(None)
    }

    fn command(&self, tools: &RenderTools, Given { copy, home }: &Given) -> Command {
        let mut command = Command::new(&tools.helm);
        // Each flag is one word with its value, and what stands behind `--` is none, whatever it begins with.
        command.arg("template").arg(flag("namespace", &self.namespace)).args(&self.arguments);
        for index in 0..self.values.len() {
            command.arg(flag("values", home.path().join(values_name(index))));
        }
        match &self.name {
            Name::Given(name) => command.args(["--", name]),
            Name::Template(text) => command.arg(flag("name-template", text)).arg("--"),
        };
        command
            .arg(copy.path())
            .env_clear()
            .env("HOME", home.path())
            .env("TMPDIR", home.path())
            .env("HELM_NO_PLUGINS", "1")
            .env("GOMEMLIMIT", CHILD_HEAP_BYTES.to_string())
            .env("HTTP_PROXY", "http://127.0.0.1:9")
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .current_dir(home.path());
        command
    }
}

/// A flag with its value.
fn flag(name: &str, value: impl AsRef<OsStr>) -> OsString {
    let mut flag = OsString::from(format!("--{name}="));
    flag.push(value);
    flag
}

fn values_name(index: usize) -> String {
    format!("values-{index}.yaml")
}

fn write_home(values: &[Values], moment: Moment) -> io::Result<PrivateCopy> {
    let home = PrivateCopy::new(None)?;
    for (index, Values { text, .. }) in values.iter().enumerate() {
        let later = (moment == Moment::Another).then(|| values_at_another_time(text)).flatten();
        let text = later.as_deref().unwrap_or(text);
        home.write(&TreePath::parse(&values_name(index)).map_err(io::Error::other)?, text.as_bytes())?;
    }
    Ok(home)
}

fn missing_helm(tools: &RenderTools) -> String {
    format!(
        "it is a Helm chart, and there is no program `{}`: install the official helm, version 4, or name it by HEDDLE_HELM",
        tools.helm.display()
    )
}

/// The text of a value, for what is no text of a person.
fn word<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}
