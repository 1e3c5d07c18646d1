//! Arguments of `image` and of `import`: images in files.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use heddle_core::{
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
};
use heddle_manifest::is_version;

use super::value::{parse_digest, parse_repository, parse_tag};

/// Arguments of `list`.
#[derive(Debug, Args)]
#[command(
    after_help = "Images, versions of charts and artifacts (HelmRelease, HelmChart, OCIRepository, Application, ApplicationSet,\n\
                  helmCharts of Kustomize, dependencies in Chart.yaml) and of other git repositories (remote bases,\n\
                  GitRepository), each with its place, where it comes from, and what moves it or why nothing does.\n\
                  Exits with 0, and with 2 when a file cannot be read; what can be is listed all the same.

Examples:
  heddle list .
  heddle list . --kind chart
  heddle list . --kind chart --environment prod -o json"
)]
pub struct ListArguments {
    /// A file, or a folder; the root of a config repository brings its `.heddle.yaml` with it.
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Only these; may be given several times.
    #[arg(long, value_enum, value_name = "KIND")]
    pub kind: Vec<ListKind>,
    /// Only what counts in this folder below PATH.
    #[arg(long, value_name = "DIR", conflicts_with = "environment")]
    pub root: Option<PathBuf>,
    /// Only what counts in this environment of `.heddle.yaml`.
    #[arg(long, value_name = "NAME")]
    pub environment: Option<EnvironmentName>,
}

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListKind {
    /// Images.
    Image,
    /// Versions of charts and of artifacts in registries.
    Chart,
    /// Versions of other git repositories.
    Ref,
}

/// What to do with charts.
#[derive(Debug, Subcommand)]
pub enum ChartCommand {
    /// Write another version, and change no other byte.
    Set(ChartSetArguments),
}

/// Arguments of `chart set`.
#[derive(Debug, Args)]
#[command(
    after_help = "Every place of the chart gets the version, or none does: the bytes of each value change and no other.\n\
                  Exits with 0 when something was changed, 3 when there is nothing to change, and 2 when a place cannot\n\
                  be edited or holds a range; then no file is touched.

Examples:
  heddle chart set . --chart cert-manager --version v1.18.2 --dry-run
  heddle chart set . --chart postgresql --from oci://registry-1.docker.io/bitnamicharts --version 16.7.0"
)]
pub struct ChartSetArguments {
    /// A file, or a folder.
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// The chart's name, as `heddle list --kind chart` has it.
    #[arg(long, value_name = "NAME")]
    pub chart: String,
    /// Only where it comes from this address: needed where it comes from several.
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<String>,
    /// The version to write.
    #[arg(long, value_parser = parse_version, value_name = "VERSION")]
    pub version: Tag,
    /// Print the difference and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// A version of a chart. What stands behind `+` says nothing of its order, and a registry has no tag for it.
fn parse_version(text: &str) -> Result<Tag, String> {
    let version = parse_tag(text).ok().filter(|version| is_version(version.as_str()));
    version.ok_or_else(|| {
        format!("`{text}` is no version such as `1.2.3` or `1.2.3-rc.1`, which a registry could hold too")
    })
}

/// What to do with images.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// List the images that stand in a file or below a folder, with the rules that govern them.
    List(ImageListArguments),
    /// Write another tag, and change no other byte.
    Set(ImageSetArguments),
}

/// Arguments of `image list`.
#[derive(Debug, Args)]
#[command(
    after_help = "Finds images in workloads, kustomizations, values of charts, Flux HelmReleases, Argo CD Applications and\n\
                  ApplicationSets, and where `resources` in .heddle.yaml says that custom resources hold them.\n\
                  Exits with 0, and with 2 when a file cannot be read or .heddle.yaml has a mistake that keeps something\n\
                  from being updated; the images are listed all the same.

Examples:
  heddle image list .
  heddle image list clusters/prod -o json
  heddle image list . --environment prod
  heddle image list . --root overlays/prod"
)]
pub struct ImageListArguments {
    /// A file, or a folder; the root of a config repository brings its `.heddle.yaml` with it.
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Only what runs in this folder below PATH, each image at the place that wins: as `kustomize build` would have it.
    #[arg(long, value_name = "DIR", conflicts_with = "environment")]
    pub root: Option<PathBuf>,
    /// Only what runs in this environment of `.heddle.yaml`, each image at the place that wins.
    #[arg(long, value_name = "NAME")]
    pub environment: Option<EnvironmentName>,
}

/// Arguments of `image set`.
#[derive(Debug, Args)]
#[command(
    after_help = "Every place of the image gets the tag, or none does: the bytes of each value change and no other.\n\
                  Exits with 0 when something was changed, 3 when there is nothing to change, and 2 when a place cannot\n\
                  be edited; then no file is touched.

Examples:
  heddle image set . --image ghcr.io/acme/api --tag 1.4.2 --dry-run
  heddle image set prod --image nginx --tag 1.27.1 --digest sha256:6745aaad46d795c9836632e1fb62f24b7e7f4c843144da8e47a5465c411a14be
  heddle image set prod --image nginx --tag 1.27.1 --at values.yaml:web.image.tag
  heddle image set prod --image nginx --tag 1.27.1 --at 'kustomization.yaml:images[name=nginx].newTag'"
)]
pub struct ImageSetArguments {
    /// A file, or a folder.
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// The image repository that stands there now.
    #[arg(long, value_parser = parse_repository, value_name = "NAME")]
    pub image: ImageRepository,
    /// The tag to write.
    #[arg(long, value_parser = parse_tag, value_name = "TAG")]
    pub tag: Tag,
    /// The digest to write beside the tag. A place that has one needs the new one.
    #[arg(long, value_parser = parse_digest, value_name = "DIGEST")]
    pub digest: Option<Digest>,
    /// Another repository to write in the place of the image's; in a kustomization as `newName`.
    #[arg(long, value_parser = parse_new_name, value_name = "NAME")]
    pub name_new: Option<String>,
    /// Only at this place: a file below PATH and a path in it, such as `values.yaml:image.tag` or
    /// `kustomization.yaml:images[name=api].newTag`. What is missing at a named place is added.
    #[arg(long, value_name = "FILE:PATH")]
    pub at: Option<String>,
    /// Print the difference and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(
    after_help = "Reads markers and objects of Flux 2 (ImagePolicy, ImageRepository, ImageUpdateAutomation), annotations of Flux 1,\n\
                  annotations of Argo CD Image Updater on Applications and its ImageUpdater objects, annotations of Keel, the\n\
                  configuration of Renovate, and the paths that Flux's Kustomizations and Argo CD's Applications follow. The\n\
                  rules go to stdout, and what will differ from today to stderr, each with file and line.\n\
                  Exits with 0, and with 2 when a file cannot be read.

Examples:
  heddle import . > .heddle.yaml
  heddle import clusters/prod -o json | jq -r '.differs[] | \"\\(.file):\\(.line) \\(.message)\"'"
)]
pub struct ImportArguments {
    /// A file or a folder, best the root of the config repository.
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Print the `Sync`s that stand for Flux's Kustomizations and Argo CD's Applications, in the place of `.heddle.yaml`.
    #[arg(long)]
    pub syncs: bool,
}

/// A repository as a person writes it: `nginx` stays `nginx`.
fn parse_new_name(text: &str) -> Result<String, String> {
    parse_repository(text).map(|_| text.to_owned())
}
