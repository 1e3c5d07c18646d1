//! From programs and files to images in a layout.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::{
    config::{Build, Inputs, Roots},
    elf::{self, Closure},
    image::{API, HOME, IMAGES, Image, NAMED_BY_API, Part, USER},
    inventory::{self, Package},
    layer::{self, Layer},
    layout::{CONFIG_TYPE, Descriptor, EMPTY_TYPE, LAYER_TYPE, Layout, MANIFEST_TYPE, Manifest, Platform, REFERENCE},
    root::Root,
    spdx,
};

/// The release: that of the workspace.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where programs look for one another.
const PATH: &str = "/usr/local/bin";

/// What the list of an image's contents is, as a type of media.
pub const SPDX_TYPE: &str = "application/spdx+json";

/// An image that was made.
#[derive(Debug)]
pub struct Made {
    /// What it is of.
    pub image: &'static Image,
    /// Of its manifest: `sha256:…`.
    pub digest: String,
    /// `amd64` or `arm64`.
    pub architecture: &'static str,
    /// Its layers, as they are pulled.
    pub packed_bytes: u64,
    /// Its files.
    pub unpacked_bytes: u64,
}

/// Everything that was read.
struct Read {
    programs: BTreeMap<PathBuf, Vec<u8>>,
    closure: Closure,
}

/// Makes every image.
///
/// # Errors
/// When an input is missing or is not what it should be, or the layout cannot be written.
pub fn build(arguments: &Build) -> Result<Vec<Made>> {
    let inputs = &arguments.inputs;
    let read = read(inputs)?;
    let time = u64::try_from(arguments.created.timestamp()).context("the time lies before 1970")?;
    let base = layer::pack(&base(inputs, &read.closure)?, time)?;
    let system = inventory::debian(read.closure.files.keys());
    let mut layout = Layout::create(&arguments.out)?;
    let mut made: Vec<Made> = Vec::new();
    for image in &IMAGES {
        let own = layer::pack(&own(image, inputs, &read)?, time)?;
        let mut environment =
            image.environment.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        if image.name == API {
            for (name, setting) in NAMED_BY_API {
                let named = made.iter().find(|made| made.image.name == name);
                let digest = &named.with_context(|| format!("the image `{name}` comes before the API's"))?.digest;
                environment.push(format!("{setting}={}/{name}:{VERSION}@{digest}", arguments.registry));
            }
        }
        let config = Settings { image, arguments, architecture: read.closure.architecture, environment };
        let manifest = add_image(&mut layout, &config, [&base, &own])?;
        let contents = [system.clone(), contents(image, inputs)?].concat();
        add_contents(&mut layout, image, arguments.created, &manifest, &contents)?;
        made.push(Made {
            image,
            digest: manifest.digest,
            architecture: read.closure.architecture,
            packed_bytes: (base.packed.len() + own.packed.len()) as u64,
            unpacked_bytes: base.unpacked_bytes + own.unpacked_bytes,
        });
    }
    layout.finish()?;
    Ok(made)
}

/// Writes what each image holds to a folder of its name, and the state's folder, which has another owner, to `home`.
///
/// # Errors
/// When an input is missing, or the folder cannot be written.
pub fn write_roots(arguments: &Roots) -> Result<String> {
    let read = read(&arguments.inputs)?;
    let mut base = base(&arguments.inputs, &read.closure)?;
    let mut home = Root::default();
    home.folder(HOME, 0o700, USER);
    base.remove(HOME);
    for image in &IMAGES {
        let folder = arguments.out.join(image.name);
        base.write(&folder)?;
        own(image, &arguments.inputs, &read)?.write(&folder)?;
    }
    home.write(&arguments.out.join("home"))?;
    Ok(format!("wrote the files of {} images to {}\n", IMAGES.len(), arguments.out.display()))
}

fn read(inputs: &Inputs) -> Result<Read> {
    let mut paths: Vec<PathBuf> = IMAGES.iter().map(|image| inputs.programs.join(image.program)).collect();
    paths.extend([inputs.kustomize.clone(), inputs.helm.clone(), inputs.sops.clone()]);
    let mut programs = BTreeMap::new();
    for path in paths {
        let bytes = read_file(&path)?;
        programs.insert(path, bytes);
    }
    let files: Vec<(&Path, &[u8])> = programs.iter().map(|(path, bytes)| (path.as_path(), bytes.as_slice())).collect();
    let closure = elf::closure(&files)?;
    Ok(Read { closure, programs })
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// What all images share: the loader and the libraries, whom to trust, who is who.
fn base(inputs: &Inputs, closure: &Closure) -> Result<Root> {
    let mut root = Root::default();
    root.file("etc/passwd", format!("root:x:0:0:root:/:/none\nheddle:x:{USER}:{USER}:heddle:/{HOME}:/none\n"));
    root.file("etc/group", format!("root:x:0:\nheddle:x:{USER}:\n"));
    root.file("etc/nsswitch.conf", "hosts: files dns\n");
    root.file("etc/ssl/certs/ca-certificates.crt", read_file(&inputs.authorities)?);
    root.file("usr/share/doc/heddle/LICENSE", read_file(&inputs.sources.join("LICENSE"))?);
    root.folder("tmp", 0o1777, 0);
    root.folder(HOME, 0o700, USER);
    for (path, library) in &closure.files {
        root.program(path, library.clone());
    }
    for path in inventory::copyrights(closure.files.keys()) {
        let text = read_file(&path)?;
        root.file(&path.display().to_string(), text);
    }
    Ok(root)
}

/// What an image has for itself.
fn own(image: &Image, inputs: &Inputs, read: &Read) -> Result<Root> {
    let mut root = Root::default();
    root.program(
        &format!("usr/local/bin/{}", image.program),
        read.programs[&inputs.programs.join(image.program)].clone(),
    );
    for part in image.parts {
        match part {
            Part::Dashboard => {
                let index = inputs.dashboard.join("index.html");
                anyhow::ensure!(index.is_file(), "there is no {}: build the dashboard", index.display());
                root.tree("usr/share/heddle/web", &inputs.dashboard)?;
            }
            Part::Kustomize => root.program("usr/local/bin/kustomize", read.programs[&inputs.kustomize].clone()),
            Part::Helm => root.program("usr/local/bin/helm", read.programs[&inputs.helm].clone()),
            Part::Sops => root.program("usr/local/bin/sops", read.programs[&inputs.sops].clone()),
        }
    }
    Ok(root)
}

/// What was built into an image.
fn contents(image: &Image, inputs: &Inputs) -> Result<Vec<Package>> {
    let mut packages = inventory::crates(&inputs.sources, image.name)?;
    for part in image.parts {
        packages.extend(match part {
            Part::Dashboard => inventory::npm(&read_file(&inputs.sources.join("web/package-lock.json"))?)?,
            Part::Kustomize => inventory::go(&read_file(&inputs.sources.join("tests/tools/kustomize/go.mod"))?),
            Part::Helm => inventory::go(&read_file(&inputs.sources.join("tests/tools/helm/go.mod"))?),
            Part::Sops => inventory::go(&read_file(&inputs.sources.join("tests/tools/sops/go.mod"))?),
        });
    }
    Ok(packages)
}

/// How an image is run.
struct Settings<'a> {
    image: &'static Image,
    arguments: &'a Build,
    architecture: &'static str,
    environment: Vec<String>,
}

impl Settings<'_> {
    /// What is said of an image, in itself and in its manifest.
    ///
    /// Source: OCI image specification 1.1, "Pre-Defined Annotation Keys".
    fn labels(&self) -> BTreeMap<String, String> {
        [
            ("title", self.image.name),
            ("description", self.image.description),
            ("version", VERSION),
            ("revision", &self.arguments.revision),
            ("created", &instant(self.arguments.created)),
            ("licenses", env!("CARGO_PKG_LICENSE")),
            ("vendor", env!("CARGO_PKG_AUTHORS")),
            ("url", env!("CARGO_PKG_REPOSITORY")),
            ("source", env!("CARGO_PKG_REPOSITORY")),
        ]
        .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value.to_owned()))
        .into()
    }

    /// Source: OCI image specification 1.1, "Image Configuration".
    fn config(&self, layers: [&Layer; 2]) -> Value {
        let ports = self.image.ports.iter().map(|port| (format!("{port}/tcp"), json!({})));
        let environment: Vec<String> = [format!("PATH={PATH}")].into_iter().chain(self.environment.clone()).collect();
        let created = instant(self.arguments.created);
        let history = |what: &str| json!({ "created": created, "created_by": format!("heddle-images: {what}") });
        json!({
            "created": created,
            "author": env!("CARGO_PKG_AUTHORS"),
            "architecture": self.architecture,
            "os": "linux",
            "config": {
                "User": format!("{USER}:{USER}"),
                "ExposedPorts": ports.collect::<serde_json::Map<_, _>>(),
                "Env": environment,
                "Cmd": self.image.command,
                "WorkingDir": format!("/{HOME}"),
                "Labels": self.labels(),
            },
            "rootfs": { "type": "layers", "diff_ids": layers.map(|layer| &layer.diff_id) },
            "history": [history("the system"), history(self.image.name)],
        })
    }
}

fn add_image(layout: &mut Layout, settings: &Settings<'_>, layers: [&Layer; 2]) -> Result<Descriptor> {
    let config = layout.add(CONFIG_TYPE, &serde_json::to_vec(&settings.config(layers))?)?;
    let layers = layers.into_iter().map(|layer| layout.add(LAYER_TYPE, &layer.packed)).collect::<Result<_>>()?;
    let manifest = Manifest {
        schema_version: 2,
        media_type: MANIFEST_TYPE.to_owned(),
        artifact_type: None,
        config,
        layers,
        subject: None,
        annotations: settings.labels(),
    };
    let described = layout.add_manifest(&manifest)?;
    let platform = Platform { architecture: settings.architecture.to_owned(), os: "linux".to_owned() };
    let reference = (REFERENCE.to_owned(), format!("{}:{VERSION}", settings.image.name));
    layout.list(Descriptor { platform: Some(platform), annotations: [reference].into(), ..described.clone() });
    Ok(described)
}

/// Adds the list of an image's contents, as an artifact that belongs to it.
///
/// Source: OCI image specification 1.1, "Guidelines for Artifact Usage".
fn add_contents(
    layout: &mut Layout,
    image: &Image,
    created: DateTime<Utc>,
    manifest: &Descriptor,
    packages: &[Package],
) -> Result<()> {
    let document = spdx::document(image, &manifest.digest, &instant(created), packages);
    let document = layout.add(SPDX_TYPE, &serde_json::to_vec_pretty(&document)?)?;
    let artifact = Manifest {
        schema_version: 2,
        media_type: MANIFEST_TYPE.to_owned(),
        artifact_type: Some(SPDX_TYPE.to_owned()),
        config: layout.add(EMPTY_TYPE, b"{}")?,
        layers: vec![document],
        subject: Some(manifest.clone()),
        annotations: [("org.opencontainers.image.created".to_owned(), instant(created))].into(),
    };
    let artifact = layout.add_manifest(&artifact)?;
    layout.list(artifact);
    Ok(())
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
