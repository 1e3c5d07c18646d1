//! The JSON Schema of `.heddle.yaml`, generated from types that have the file's shape.
//!
//! The reader goes over nodes, because it must know the place of each mistake; a test holds the keys of both together.
#![expect(dead_code, reason = "only the shape of these types is used")]

use heddle_core::{change::Mode, policy::TagPolicy};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::Value;

/// What a person decides: which environments there are, which images are updated, how, and when not.
#[derive(JsonSchema)]
#[schemars(title = ".heddle.yaml", deny_unknown_fields)]
struct ConfigFile {
    /// The version of this language.
    #[schemars(extend("const" = 1))]
    version: u8,
    /// The stages, in the order of promotion.
    #[schemars(default)]
    environments: Vec<EnvironmentEntry>,
    /// Rules for images; the first that matches governs.
    #[schemars(default)]
    images: Vec<RuleEntry>,
    /// Rules for charts and other artifacts of registries; the first that matches governs.
    #[schemars(default)]
    charts: Vec<ChartRuleEntry>,
    /// Where custom resources hold images.
    #[schemars(default)]
    resources: Vec<ResourceEntry>,
    /// What somebody must look at with other tools, and how often.
    #[schemars(default)]
    drift: Vec<DriftEntry>,
    /// How changes are written.
    updates: Option<Updates>,
    /// Times in which nothing is written.
    #[schemars(default)]
    freezes: Vec<FreezeEntry>,
    /// Images that stay at a tag.
    #[schemars(default)]
    holds: Vec<HoldEntry>,
}

/// A stage.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct EnvironmentEntry {
    /// Its name.
    #[schemars(regex(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))]
    name: String,
    /// A directory within the repository.
    path: String,
    /// Its branch; the default branch where none is written.
    branch: Option<String>,
    /// Follow what was healthy in an environment above.
    promote: Option<Promotion>,
}

/// From where tags are promoted.
#[derive(JsonSchema)]
struct Promotion {
    /// The environment that goes before.
    from: String,
    /// How long it must have been healthy there, such as `30m`.
    after: Option<String>,
}

/// A rule for images.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct RuleEntry {
    /// The image repository, as a glob; `*` alone is every image.
    name: String,
    /// Names of environments. Default: all.
    environments: Option<Vec<String>>,
    /// Globs over the file that holds the image. Default: every file.
    paths: Option<Vec<String>>,
    /// Names of containers. Default: all.
    containers: Option<Vec<String>>,
    /// Which tag is to run.
    policy: TagPolicy,
    /// How often the registry is asked, from `15s` to `24h`. Default: adapts.
    interval: Option<String>,
    /// How its changes are written.
    #[schemars(default)]
    mode: Mode,
}

/// A rule for charts and other artifacts of registries.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ChartRuleEntry {
    /// The chart, as a glob: its name alone, or with its registry; `*` alone is every chart.
    name: String,
    /// Names of environments. Default: all.
    environments: Option<Vec<String>>,
    /// Globs over the file that holds the version. Default: every file.
    paths: Option<Vec<String>>,
    /// Which version is to run.
    policy: TagPolicy,
    /// How often the registry is asked, from `15s` to `24h`. Default: adapts.
    interval: Option<String>,
    /// How its changes are written.
    #[schemars(default)]
    mode: Mode,
}

/// Where a kind of custom resource holds images.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ResourceEntry {
    /// The kind.
    kind: String,
    /// The API group, as a glob. Default: every group.
    group: Option<String>,
    /// The path of an image that is one text, such as `spec.image`.
    image: Option<String>,
    /// Paths of such images; `[*]` leads to every member of a list.
    images: Option<Vec<String>>,
    /// The path of the registry's host, where an image stands in parts.
    registry: Option<String>,
    /// The path of the repository, where an image stands in parts.
    repository: Option<String>,
    /// The path of the tag, where an image stands in parts.
    tag: Option<String>,
    /// The path of the digest, where an image stands in parts.
    digest: Option<String>,
    /// The path of a mapping that is written as the values of a chart are.
    values: Option<String>,
}

/// Something that somebody must look at.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct DriftEntry {
    /// The tool that looks.
    tool: DriftTool,
    /// A folder or a playbook, by its path in the repository that it lies in.
    source: String,
    /// That repository, as `owner/name`. Default: the one that this file lies in.
    repository: Option<String>,
    /// The name of the environment.
    environment: String,
    /// How often, such as `1d`.
    every: String,
}

/// The tool that looks.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum DriftTool {
    Terraform,
    Ansible,
    Kubernetes,
}

/// How changes are written.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Updates {
    /// What shares a proposal.
    group: Option<Grouping>,
    /// How long more changes are waited for.
    batch_window: Option<String>,
    /// How much may be proposed.
    limit: Option<Limit>,
    /// Labels of pull requests.
    labels: Option<Vec<String>>,
    /// Reviewers of pull requests.
    reviewers: Option<Vec<String>>,
    /// Whether GitHub merges by itself.
    automerge: Option<bool>,
    /// The title of pull requests.
    title: Option<String>,
    /// When changes are written. Default: always.
    schedule: Option<Vec<WindowEntry>>,
}

/// What shares a proposal.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum Grouping {
    Environment,
    None,
    All,
}

/// How much may be proposed.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Limit {
    /// Pull requests that may be open at once.
    open: Option<u32>,
    /// Writes an hour.
    per_hour: Option<u32>,
}

/// A time of the week.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct WindowEntry {
    /// `mon`, or `mon-fri`. Default: every day.
    days: Option<Vec<String>>,
    /// Such as `"08:00"`.
    from: Option<String>,
    /// Such as `"17:00"`, up to `"24:00"`.
    to: Option<String>,
    /// Such as `Europe/Berlin`. Default: UTC.
    time_zone: Option<String>,
}

/// A time in which nothing is written.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct FreezeEntry {
    /// Names of environments. Default: all.
    environments: Option<Vec<String>>,
    /// Such as `2026-12-20T00:00`.
    from: String,
    /// Such as `2027-01-03T00:00`.
    to: String,
    /// Such as `Europe/Berlin`. Default: UTC.
    time_zone: Option<String>,
    /// Why; shown with each change that waits.
    reason: Option<String>,
}

/// Images that stay at a tag.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct HoldEntry {
    /// The image repository, as a glob. Default: all.
    image: Option<String>,
    /// The environment. Default: all.
    environment: Option<String>,
    /// A change to this tag alone is written. Without it whatever runs stays.
    tag: Option<String>,
    /// Who holds it.
    by: Option<String>,
    /// Why; shown with each change that waits.
    reason: Option<String>,
    /// Such as `2026-12-01`, in UTC. Default: until it is taken out.
    until: Option<String>,
}

/// The schema, in the 2020-12 dialect.
pub fn json_schema() -> Value {
    let generator: SchemaGenerator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<ConfigFile>().to_value();
    without_null(&mut schema);
    schema
}

/// A key that may be left out is not one that may be empty.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [kind] = types.as_slice() {
                    let kind = kind.clone();
                    object.insert("type".to_owned(), kind);
                }
            }
            if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
                choices.retain(|choice| choice["type"] != "null");
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    object.remove("anyOf");
                    object.extend(only);
                }
            }
            object.retain(|key, value| key != "default" || !value.is_null());
            object.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}
