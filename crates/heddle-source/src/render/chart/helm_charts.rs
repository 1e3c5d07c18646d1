//! `helmCharts` of a kustomization: charts that lie in the repository or elsewhere, carried out by the one that runs all charts.
//!
//! What they mean is what they mean for Kustomize, so that the same objects come out as from `kustomize build
//! --enable-helm`. Source: `api/types/helmchartargs.go` and `api/internal/builtins/HelmChartInflationGenerator.go` of
//! `sigs.k8s.io/kustomize`.

use std::ffi::OsString;

use heddle_manifest::{
    documents::{line_of, read_documents},
    without_login,
};
use serde_json::{Map, Value};

use super::{
    Call, ChartFiles, ClusterView, Inflated, Name, Unit, missing_helm,
    release::{self, Values},
    word,
};
use crate::{
    Address, Kind, ReadError, RemoteChart, Tree, TreePath,
    render::{Files, Rendered, Run, unread::obstacle},
};

/// Where charts lie from a kustomization on, where it does not say so.
const CHART_HOME: &str = "charts";

/// The fields that Kustomize knows. `debug` and `devel` change what helm says, and what it fetches.
const FIELDS: [&str; 17] = [
    "additionalValuesFiles",
    "apiVersions",
    "debug",
    "devel",
    "includeCRDs",
    "kubeVersion",
    "name",
    "nameTemplate",
    "namespace",
    "releaseName",
    "repo",
    "skipHooks",
    "skipTests",
    "valuesFile",
    "valuesInline",
    "valuesMerge",
    "version",
];

const HELM_GENERATED: &str = "internal.config.kubernetes.io/helm-generated";

/// What became of an entry.
pub(super) enum Ended {
    /// It was carried out.
    Done(Box<Inflated>),
    /// The cluster has to be asked first.
    Waiting,
    /// It could not be carried out, which was told.
    Failed,
}

/// A kustomization.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// Its file.
    pub(super) file: &'a TreePath,
    /// Its text.
    pub(super) text: &'a str,
    /// Its directory, which is loaded.
    pub(super) directory: &'a TreePath,
    /// Its namespace, or that of the nearest around it. Source: `kusttarget_configplugin.go` of kustomize.
    pub(super) namespace: Option<&'a str>,
}

impl Place<'_> {
    /// Says what is wrong with a field, by its way behind `helmCharts`.
    pub(super) fn fail(self, field: &str, message: String, rendered: &mut Rendered) {
        let document = read_documents(self.text).next().map(|document| document.line);
        let line = document.and_then(|line| line_of(self.text, line, &format!("helmCharts{field}")));
        rendered.fail(self.file, line, message);
    }
}

/// Has helm carry out one entry.
///
/// # Errors
/// When the tree cannot be read, or the path holds too much with what helm wrote.
pub(super) fn inflate(
    files: &mut Files<'_, impl Tree>,
    place: Place<'_>,
    (index, entry, globals): (usize, &Value, Option<&Value>),
    run: Run<'_>,
    rendered: &mut Rendered,
) -> Result<Ended, ReadError> {
    let before = rendered.errors.len();
    let entry = Entry { place, index, fields: entry };
    entry.judge(rendered);
    if rendered.errors.len() > before || rendered.is_full() {
        return Ok(Ended::Failed);
    }
    let Some(directory) = entry.find_chart(files, globals, rendered)? else { return Ok(Ended::Failed) };
    let unit = Unit { file: &directory.resolve("Chart.yaml").unwrap_or_default(), is_of_path: true };
    let Some(chart) = ChartFiles::find(files, unit, rendered)? else { return Ok(Ended::Failed) };
    // Where no more is wanted than to look for addresses, all of it was asked for by now.
    let Some(tools) = run.tools else { return Ok(Ended::Failed) };
    let values = entry.values(files, &directory, rendered)?;
    if !tools.helm.is_file() {
        rendered.fail(&chart.file, None, missing_helm(tools));
    }
    rendered.needs_cluster = true;
    if rendered.errors.len() > before {
        return Ok(Ended::Failed);
    }
    let cluster = &run.overlay.charts.cluster;
    if *cluster == ClusterView::Unknown {
        return Ok(Ended::Waiting);
    }
    let own = Some(entry.text("namespace")).filter(|namespace| !namespace.is_empty());
    let namespace = own.or(place.namespace).map(str::to_owned);
    let call = Call {
        name: entry.release(),
        namespace: namespace.clone().unwrap_or_else(|| "default".to_owned()),
        arguments: entry.arguments(cluster),
        values,
    };
    let Some(mut inflated) = call.carry_out(files, chart, run, rendered)? else { return Ok(Ended::Failed) };
    inflated.turns.iter_mut().flatten().for_each(|part| part.text = as_helms(&part.text));
    Ok(Ended::Done(Box::new(Inflated { namespace, ..inflated })))
}

/// Documents with the annotation by which kustomize knows what helm made: it leaves the namespace of these alone, and takes the
/// annotation off at the end. Source: `konfig/general.go` and `NamespaceTransformer.go` of kustomize.
fn as_helms(text: &str) -> String {
    let mut documents = Vec::new();
    for document in read_documents(text) {
        // What cannot be read is kustomize's to complain about.
        let Ok(mut value) = document.value else { return text.to_owned() };
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            let annotations = metadata.entry("annotations").or_insert(Value::Null);
            if annotations.is_null() {
                *annotations = Value::Object(Map::new());
            }
            if let Some(annotations) = annotations.as_object_mut() {
                annotations.insert(HELM_GENERATED.to_owned(), "true".into());
            }
        }
        if !value.is_null() {
            documents.push(value.to_string());
        }
    }
    documents.join("\n---\n")
}

/// An entry of `helmCharts`.
struct Entry<'a> {
    place: Place<'a>,
    index: usize,
    fields: &'a Value,
}

impl Entry<'_> {
    fn text(&self, field: &str) -> &str {
        word(self.fields, field)
    }

    fn texts(&self, field: &str) -> Vec<&str> {
        self.fields[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    fn fail(&self, field: &str, message: String, rendered: &mut Rendered) {
        let field = if field.is_empty() { String::new() } else { format!(".{field}") };
        self.place.fail(&format!("[{}]{field}", self.index), message, rendered);
    }

    /// Says what is wrong with its fields. Kustomize refuses what it does not know, too.
    fn judge(&self, rendered: &mut Rendered) {
        let Some(fields) = self.fields.as_object() else {
            return self.fail("", "an entry of `helmCharts` must be a mapping".to_owned(), rendered);
        };
        for (field, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let wanted = match field.as_str() {
                name if !FIELDS.contains(&name) => {
                    self.fail(field, format!("`helmCharts` has no field `{field}`: correct it"), rendered);
                    continue;
                }
                "additionalValuesFiles" | "apiVersions" => value
                    .as_array()
                    .is_none_or(|items| !items.iter().all(Value::is_string))
                    .then_some("a list of texts"),
                "debug" | "devel" | "includeCRDs" | "skipHooks" | "skipTests" => {
                    (!value.is_boolean()).then_some("a boolean")
                }
                "valuesInline" => (!value.is_object()).then_some("a mapping"),
                _ => (!value.is_string()).then_some("a text"),
            };
            if let Some(wanted) = wanted {
                self.fail(field, format!("`{field}` of `helmCharts` must be {wanted}"), rendered);
            }
        }
        if self.text("name").is_empty() {
            return self.fail("", "an entry of `helmCharts` must have the `name` of its chart".to_owned(), rendered);
        }
        if !["", "merge", "override", "replace"].contains(&self.text("valuesMerge")) {
            let message = "`valuesMerge` must be `merge`, `override` or `replace`";
            self.fail("valuesMerge", message.to_owned(), rendered);
        }
        match (self.text("releaseName"), self.text("nameTemplate")) {
            ("", "") => {
                // A release without a name is called as its chart.
                if let Err(message) = release::check_name(self.text("name")) {
                    self.fail("name", format!("{message}; name it in `releaseName`"), rendered);
                }
            }
            ("", _) => {}
            (name, "") => {
                if let Err(message) = release::check_name(name) {
                    self.fail("releaseName", message, rendered);
                }
            }
            (_, _) => {
                let message = "helm takes `releaseName` or `nameTemplate`, and not both";
                self.fail("nameTemplate", message.to_owned(), rendered);
            }
        }
    }

    /// The directory of the chart; none where there is no chart, which is told.
    fn find_chart(
        &self,
        files: &mut Files<'_, impl Tree>,
        globals: Option<&Value>,
        rendered: &mut Rendered,
    ) -> Result<Option<TreePath>, ReadError> {
        let (name, version, repo) = (self.text("name"), self.text("version"), self.text("repo"));
        let home = globals.map(|globals| word(globals, "chartHome")).filter(|home| !home.is_empty());
        let home = home.unwrap_or(CHART_HOME);
        let is_of_version = !version.is_empty() && !repo.is_empty();
        let home = if is_of_version { format!("{home}/{name}-{version}") } else { home.to_owned() };
        let directory = match files.resolve(self.place.directory, &format!("{home}/{name}")) {
            Ok(directory) => directory,
            Err(error) => {
                self.fail("name", format!("the chart cannot be read: {error}"), rendered);
                return Ok(None);
            }
        };
        rendered.inputs.note(files.tree, &directory);
        if let Some((at, why)) = obstacle(files, &directory) {
            self.fail("name", format!("the chart cannot be read: `{at}` is {why}"), rendered);
            return Ok(None);
        }
        let has_chart = files.load_directory(&directory)?
            && files.has_file(&directory.resolve("Chart.yaml").unwrap_or_default())?;
        if has_chart {
            return Ok(Some(directory));
        }
        if repo.is_empty() {
            self.fail("name", format!("there is no chart in `{directory}`"), rendered);
            return Ok(None);
        }
        let chart = match RemoteChart::parse(repo, name, version, self.fields["devel"] == true) {
            Ok(chart) => chart,
            Err(why) => {
                self.fail("repo", format!("there is no chart in `{directory}`, and {why}"), rendered);
                return Ok(None);
            }
        };
        match files.tree.chart(&chart) {
            Address::At(found) => return Ok(files.load_directory(&found)?.then_some(found)),
            Address::Refused(why) => {
                self.fail("name", format!("there is no chart in `{directory}`, and `{chart}` {why}"), rendered);
            }
            Address::Unknown => {
                let message = format!(
                    "there is no chart in `{directory}`, and nothing is fetched while rendering: run `{} --untar --untardir \
                     {home}` in `{}`, and commit it, or name its host in `spec.remote.hosts`",
                    self.pull(),
                    self.place.directory
                );
                self.fail("name", message, rendered);
            }
        }
        Ok(None)
    }

    /// How a person gets the chart.
    fn pull(&self) -> String {
        let (name, version, repo) = (self.text("name"), self.text("version"), without_login(self.text("repo")));
        let version = if version.is_empty() { String::new() } else { format!(" --version {version}") };
        match repo.strip_prefix("oci://") {
            Some(_) => format!("helm pull {}/{name}{version}", repo.trim_end_matches('/')),
            None => format!("helm pull {name} --repo {repo}{version}"),
        }
    }

    /// How the release is called. Kustomize calls one that says nothing otherwise each time; here it is called as its chart is.
    fn release(&self) -> Name {
        match (self.text("releaseName"), self.text("nameTemplate")) {
            ("", "") => Name::Given(self.text("name").to_owned()),
            ("", template) => Name::Template(template.to_owned()),
            (name, _) => Name::Given(name.to_owned()),
        }
    }

    fn arguments(&self, cluster: &ClusterView) -> Vec<OsString> {
        let mut arguments = cluster.arguments_with(self.text("kubeVersion"), self.texts("apiVersions"));
        for (field, flag) in
            [("includeCRDs", "--include-crds"), ("skipTests", "--skip-tests"), ("skipHooks", "--no-hooks")]
        {
            if self.fields[field] == true {
                arguments.push(flag.into());
            }
        }
        arguments
    }

    /// What helm is given, in the order of strength. What is wrong is told.
    fn values(
        &self,
        files: &Files<'_, impl Tree>,
        chart: &TreePath,
        rendered: &mut Rendered,
    ) -> Result<Vec<Values>, ReadError> {
        let own = chart.resolve("values.yaml").unwrap_or_default();
        let first = match self.text("valuesFile") {
            "" if files.has_file(&own)? => release::load(files, own, rendered),
            "" => None,
            named => self.load(files, ("valuesFile", named), rendered)?,
        };
        let mut all: Vec<Values> = match self.fields["valuesInline"].as_object().filter(|inline| !inline.is_empty()) {
            Some(inline) => match self.with_inline(first, inline) {
                Ok(values) => vec![values],
                Err(message) => {
                    self.fail("valuesInline", message, rendered);
                    Vec::new()
                }
            },
            None => first.into_iter().collect(),
        };
        for named in self.texts("additionalValuesFiles") {
            all.extend(self.load(files, ("additionalValuesFiles", named), rendered)?);
        }
        Ok(all)
    }

    fn load(
        &self,
        files: &Files<'_, impl Tree>,
        (field, named): (&str, &str),
        rendered: &mut Rendered,
    ) -> Result<Option<Values>, ReadError> {
        let path = match files.resolve(self.place.directory, named) {
            Ok(path) => path,
            Err(error) => {
                self.fail(field, format!("`{named}` cannot be read: {error}"), rendered);
                return Ok(None);
            }
        };
        rendered.inputs.note(files.tree, &path);
        if let Some((at, why)) = obstacle(files, &path) {
            self.fail(field, format!("`{named}` cannot be read: `{at}` is {why}"), rendered);
            return Ok(None);
        }
        match files.tree.find(&path)? {
            Some(Kind::File(_)) => Ok(release::load(files, path, rendered)),
            _ => {
                self.fail(field, format!("there is no file `{named}`: correct it, or bring it back"), rendered);
                Ok(None)
            }
        }
    }

    /// The values of a file and those in the kustomization, in one.
    ///
    /// # Errors
    /// When they cannot be merged, as for Kustomize.
    fn with_inline(&self, file: Option<Values>, inline: &Map<String, Value>) -> Result<Values, String> {
        let inline = Value::Object(inline.clone());
        let of_file = file.map(|values| heddle_manifest::documents::parse_document(&values.text).unwrap_or_default());
        let merged = match (self.text("valuesMerge"), of_file) {
            ("replace", _) | (_, None) => inline,
            ("merge", Some(of_file)) => merge(of_file, inline, "")?,
            (_, Some(of_file)) => merge(inline, of_file, "")?,
        };
        let name = format!("`helmCharts[{}].valuesInline` in {}", self.index, self.place.file);
        Ok(Values { text: merged.to_string(), name })
    }
}

/// Puts values over others, both at `way`: mappings by their keys, everything else as a whole; nothing takes a value away.
/// Source: `kyaml/yaml/merge2`, and `kyaml/yaml/walk/walk.go` for what is not merged.
///
/// # Errors
/// When they are of two kinds.
fn merge(over: Value, under: Value, way: &str) -> Result<Value, String> {
    if kind_of(&over).zip(kind_of(&under)).is_some_and(|(over, under)| over != under) {
        let (over, under) = (kind_of(&over).unwrap_or_default(), kind_of(&under).unwrap_or_default());
        return Err(format!(
            "`{way}` is {over} in the one and {under} in the other of `valuesInline` and the values file, which Kustomize does \
             not merge: correct one of them, or set `valuesMerge: replace`"
        ));
    }
    let Value::Object(over) = over else { return Ok(if over.is_null() { under } else { over }) };
    // Over what is not there it is merged as over an empty one, so that no `null` gets to helm, which would take the chart's own
    // value away.
    let mut fields = if let Value::Object(fields) = under { fields } else { Map::new() };
    for (key, value) in over {
        let before = fields.remove(&key).unwrap_or_default();
        if !value.is_null() {
            let way = if way.is_empty() { key.clone() } else { format!("{way}.{key}") };
            fields.insert(key, merge(value, before, &way)?);
        }
    }
    Ok(Value::Object(fields))
}

/// What values of one kind are called; nothing for none.
fn kind_of(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null => None,
        Value::Object(_) => Some("a mapping"),
        Value::Array(_) => Some("a list"),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Some("a single value"),
    }
}

#[cfg(test)]
mod tests;
