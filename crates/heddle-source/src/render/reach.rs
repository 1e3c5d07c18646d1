//! What a kustomization reads: its directory, those of the kustomizations that it refers to, and files that lie elsewhere.
//!
//! Kustomize is let read in and below the directory of each kustomization alone, as is its own rule, so that nothing of this
//! machine is in its reach whatever a step of it makes up. A file of the repository that lies elsewhere gets a stand-in of
//! the same name within the directory of the kustomization that names it, and in the copy that kustomization names the
//! stand-in.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use heddle_manifest::{
    documents::{parse_document, read_documents},
    without_login,
};
use serde_json::Value;

use super::{
    Files, KUSTOMIZATIONS, RenderError, Rendered, Run,
    chart::{Inflations, Part},
    fields, plain,
    unread::{WhyUnread, obstacle},
};
use crate::{Address, FileMode, Kind, ReadError, Tree, TreePath, limits::MAX_RENDER_VALUES};

/// How the directories of stand-ins begin.
const STAND_INS: &str = ".heddle-";

/// What a kustomization reads.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// The file of the kustomization that is built.
    pub(super) kustomization: TreePath,
    /// The directories of kustomizations.
    pub(super) roots: BTreeSet<TreePath>,
    /// The kustomizations that are not copied as they are, by their file.
    pub(super) edited: BTreeMap<TreePath, Value>,
    /// What lies in the copy and not in the repository.
    pub(super) stand_ins: Vec<StandIn>,
}

/// A file of the copy that stands for one of the repository.
#[derive(Debug)]
pub(super) struct StandIn {
    /// Where it lies in the copy.
    pub(super) at: TreePath,
    /// The file of the repository.
    pub(super) file: TreePath,
    /// Its text, where that is another.
    pub(super) text: Option<String>,
    /// The place of the chart that it was made of, where it was.
    chart: Option<usize>,
    /// The kustomization's directory.
    directory: TreePath,
    /// How the file is named in the repository, and how in the copy.
    names: (String, String),
}

impl Reach {
    /// Looks through the kustomization of a loaded directory, with what is added to it, and those that it refers to. What is
    /// wrong with them is told, and that the time is over.
    ///
    /// # Errors
    /// When the tree cannot be read, or the path holds too much with what is kept of them.
    pub(super) fn find(
        files: &mut Files<'_, impl Tree>,
        (root, mut generated): (&TreePath, Option<Value>),
        inflations: &mut Inflations,
        run: Run<'_>,
        rendered: &mut Rendered,
    ) -> Result<Self, ReadError> {
        let Run { overlay, until, .. } = run;
        let mut reach = Self { roots: BTreeSet::from([root.clone()]), ..Self::default() };
        let mut queue = VecDeque::from([root.clone()]);
        // Charts go into the namespace of their kustomization, else into that of the nearest around it.
        let mut namespaces: BTreeMap<TreePath, String> = BTreeMap::new();
        while let Some(directory) = queue.pop_front() {
            if until.is_over() {
                rendered.cut_short(until);
                break;
            }
            let is_generated = generated.is_some();
            let own = match generated.take() {
                Some(value) => Some(Written {
                    file: root.resolve(KUSTOMIZATIONS[0]).unwrap_or_default(),
                    text: String::new(),
                    value,
                }),
                None => Written::read(files, &directory, rendered),
            };
            let Some(Written { file, text, mut value }) = own else { continue };
            let added = Some(&overlay.kustomization).filter(|_| directory == *root);
            let own = added.into_iter().chain([&value]).filter_map(|one| one["namespace"].as_str());
            let own = own.filter(|namespace| !namespace.is_empty()).map(str::to_owned).next();
            let namespace = own.or_else(|| namespaces.get(&directory).cloned());
            let place = (&file, text.as_str(), namespace.as_deref());
            let has_charts = inflations.take(files, place, &mut value, run, rendered)?;
            let known = queue.len();
            for (wrong, message) in reach.take(files, &directory, &value, rendered, &mut queue)?.0 {
                rendered.fail(&file, line_of(&text, &wrong), message);
            }
            let mut edited = value.clone();
            if directory == *root {
                let faults = reach.take(files, &directory, &overlay.kustomization, rendered, &mut queue)?;
                let error = |message| RenderError {
                    file: None,
                    line: None,
                    message: format!("of the fields of the Sync: {message}"),
                };
                rendered.errors.extend(faults.0.into_iter().map(|(_, message)| error(message)));
                overlay.put_on(&mut edited);
                reach.kustomization = file.clone();
            }
            if let Some(namespace) = namespace {
                namespaces.extend(queue.iter().skip(known).map(|inner| (inner.clone(), namespace.clone())));
            }
            reach.add_parts(files, &directory, inflations.parts(&directory), &mut edited, rendered)?;
            reach.put_stand_ins(files, &directory, &mut edited, rendered)?;
            if (is_generated || has_charts || edited != value) && !reach.keep(file, edited, rendered)? {
                break;
            }
        }
        Ok(reach)
    }

    /// Adds what was made of charts to the resources of a kustomization, behind its own: Kustomize runs generators then.
    fn add_parts(
        &mut self,
        files: &mut Files<'_, impl Tree>,
        directory: &TreePath,
        parts: Vec<(usize, Part)>,
        kustomization: &mut Value,
        rendered: &mut Rendered,
    ) -> Result<(), ReadError> {
        let mut names = Vec::new();
        for (chart, Part { file, text }) in parts {
            if plain::is_blank(text.as_bytes()) {
                continue;
            }
            rendered.admit_bytes(text.as_bytes())?;
            let named = file.to_string();
            names.push(self.put_stand_in(files, directory, (&named, file), Some(text))?);
            if let Some(made) = self.stand_ins.last_mut() {
                made.chart = Some(chart);
            }
        }
        if let Some(resources) = kustomization.as_object_mut().filter(|_| !names.is_empty()) {
            let resources = resources.entry("resources").or_insert_with(|| Value::Array(Vec::new()));
            let names = names.into_iter().map(|name| Value::String(format!("./{name}")));
            resources.as_array_mut().into_iter().for_each(|own| own.extend(names.clone()));
        }
        Ok(())
    }

    /// Keeps a kustomization that is not copied as it is. False when the path holds too many values with it, which is told.
    fn keep(&mut self, file: TreePath, edited: Value, rendered: &mut Rendered) -> Result<bool, ReadError> {
        rendered.admit_bytes(edited.to_string().as_bytes())?;
        let has_room = rendered.admit(&edited);
        if !has_room {
            let message = format!("with it the path holds more than {MAX_RENDER_VALUES} values: split the path");
            rendered.fail(&file, None, message);
        }
        self.edited.insert(file, edited);
        Ok(has_room)
    }

    /// Takes in what one kustomization refers to.
    fn take(
        &mut self,
        files: &mut Files<'_, impl Tree>,
        directory: &TreePath,
        kustomization: &Value,
        rendered: &mut Rendered,
        queue: &mut VecDeque<TreePath>,
    ) -> Result<Faults, ReadError> {
        let mut faults = Faults::default();
        faults.judge_addresses(files, kustomization)?;
        for plugin in fields::plugins(kustomization) {
            faults.judge_addresses_in_plugin(files, directory, plugin)?;
        }
        faults.refuse_out_of_reach(files, directory, kustomization);
        for reference in &fields::references(kustomization) {
            match files.target(directory, reference).ok() {
                _ if faults.has(reference) => {}
                Some(path) if files.has_file(&path)? => {
                    // Kustomize takes it for a file with no objects, whatever was in it before.
                    if files.tree.read(&path).is_ok_and(|text| plain::is_blank(&text)) {
                        rendered.pass_over(&path, WhyUnread::NoManifest);
                    }
                }
                Some(path) if files.load_directory(&path)? && files.kustomization(&path).is_some() => {
                    if self.roots.insert(path.clone()) {
                        queue.push_back(path);
                    }
                }
                _ => faults.add(
                    reference,
                    format!("`{reference}` is neither a file nor a directory with a kustomization in the repository"),
                ),
            }
        }
        Ok(faults)
    }

    /// Makes a kustomization what it is in the copy.
    fn put_stand_ins(
        &mut self,
        files: &mut Files<'_, impl Tree>,
        directory: &TreePath,
        kustomization: &mut Value,
        rendered: &mut Rendered,
    ) -> Result<(), ReadError> {
        for field in fields::PLUGINS {
            for plugin in kustomization.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten() {
                let Some(text) = plugin.as_str() else { continue };
                let known = self.stand_ins.len();
                if let Some(other) = self.plugin(files, directory, text)? {
                    *plugin = Value::String(other);
                }
                for text in self.stand_ins[known..].iter().filter_map(|stand_in| stand_in.text.as_deref()) {
                    rendered.admit_bytes(text.as_bytes())?;
                }
            }
        }
        self.redirect(files, directory, kustomization).map(drop)
    }

    /// What stands for a plugin that names files which lie elsewhere: its own text, or its file.
    fn plugin(
        &mut self,
        files: &mut Files<'_, impl Tree>,
        directory: &TreePath,
        plugin: &str,
    ) -> Result<Option<String>, ReadError> {
        if fields::is_inline(plugin) {
            return self.plugin_text(files, directory, plugin);
        }
        let Ok(file) = files.resolve(directory, plugin) else { return Ok(None) };
        let Ok(bytes) = files.tree.read(&file) else { return Ok(None) };
        let Some(text) = self.plugin_text(files, directory, &String::from_utf8_lossy(&bytes))? else { return Ok(None) };
        self.stand_in(files, directory, (plugin, file), Some(text)).map(Some)
    }

    fn plugin_text(
        &mut self,
        files: &mut Files<'_, impl Tree>,
        directory: &TreePath,
        text: &str,
    ) -> Result<Option<String>, ReadError> {
        let mut documents = Vec::new();
        let mut is_other = false;
        for document in read_documents(text) {
            // What cannot be read is kustomize's to complain about.
            let Ok(mut value) = document.value else { return Ok(None) };
            is_other |= self.redirect(files, directory, &mut value)?;
            documents.push(value.to_string());
        }
        Ok(is_other.then(|| documents.join("\n---\n")))
    }

    /// Has a value name stand-ins in the place of files that lie elsewhere. Says whether it names any.
    fn redirect(
        &mut self,
        files: &mut Files<'_, impl Tree>,
        directory: &TreePath,
        value: &mut Value,
    ) -> Result<bool, ReadError> {
        let (mut is_other, mut failed) = (false, None);
        fields::redirect(value, &mut |named| {
            let is_remote = fields::is_remote(named);
            let path = files.target(directory, named).ok().filter(|path| is_remote || !path.is_in(directory))?;
            let stand_in = match files.has_file(&path) {
                Ok(false) if is_remote => Ok(path.seen_from(directory)),
                Ok(false) => return None,
                Ok(true) => self.stand_in(files, directory, (named, path), None),
                Err(error) => Err(error),
            };
            is_other |= stand_in.is_ok();
            stand_in.map_err(|error| failed = Some(error)).ok()
        });
        failed.map_or(Ok(is_other), Err)
    }

    /// The name of a stand-in as seen from a kustomization's directory.
    fn stand_in(
        &mut self,
        files: &mut Files<'_, impl Tree>,
        directory: &TreePath,
        (named, file): (&str, TreePath),
        text: Option<String>,
    ) -> Result<String, ReadError> {
        let is_same = |one: &&StandIn| (&one.directory, &one.file, &one.text) == (directory, &file, &text);
        if let Some(known) = self.stand_ins.iter().find(is_same) {
            return Ok(known.names.1.clone());
        }
        self.put_stand_in(files, directory, (named, file), text)
    }

    fn put_stand_in(
        &mut self,
        files: &mut Files<'_, impl Tree>,
        directory: &TreePath,
        (named, file): (&str, TreePath),
        text: Option<String>,
    ) -> Result<String, ReadError> {
        files.count()?;
        let base = file.names().last().unwrap_or_default();
        let mut number = self.stand_ins.len();
        let (name, at) = loop {
            let name = format!("{STAND_INS}{number}/{base}");
            let at = directory
                .resolve(&name)
                .map_err(|source| ReadError::BadTree { directory: directory.clone(), source })?;
            // Whatever the repository itself holds under such a name stays its own.
            if files.under(&at.parent()).next().is_none() {
                break (name, at);
            }
            number += 1;
        };
        let names = (named.to_owned(), name.clone());
        self.stand_ins.push(StandIn { at, file, text, chart: None, directory: directory.clone(), names });
        Ok(name)
    }

    /// The kustomization of a directory, as it is in the copy, and its file; none where it has none that can be read.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub(super) fn kustomization_of(
        &self,
        files: &Files<'_, impl Tree>,
        directory: &TreePath,
    ) -> Result<Option<(TreePath, Value)>, ReadError> {
        let edited = self.edited.iter().find(|(file, _)| file.parent() == *directory);
        if let Some((file, value)) = edited {
            return Ok(Some((file.clone(), value.clone())));
        }
        let Some((file, _)) = files.kustomization(directory).filter(|(_, mode)| *mode != FileMode::Symlink) else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&files.tree.read(&file)?).into_owned();
        Ok(Some((file, parse_document(&text).unwrap_or_default())))
    }

    /// The file of the repository that a file of the copy is, or stands for, and the chart that it was made of.
    pub(super) fn origin_of(&self, file: TreePath) -> (TreePath, Option<usize>) {
        let stand_in = self.stand_ins.iter().find(|stand_in| stand_in.at == file);
        stand_in.map_or((file, None), |stand_in| (stand_in.file.clone(), stand_in.chart))
    }

    /// Words about the copy, in names of the repository.
    pub(super) fn in_names_of_the_repository(&self, words: &str) -> String {
        self.stand_ins.iter().fold(words.to_owned(), |words, stand_in| {
            words.replace(stand_in.at.as_str(), &stand_in.file).replace(&stand_in.names.1, &stand_in.names.0)
        })
    }

    /// Every file that is copied as it is, with how git keeps it.
    pub(super) fn files<'a>(
        &'a self,
        files: &'a Files<'_, impl Tree>,
    ) -> impl Iterator<Item = (&'a TreePath, FileMode)> {
        let outer =
            self.roots.iter().filter(|root| !self.roots.iter().any(|other| other != *root && root.is_in(other)));
        outer.flat_map(|root| files.under(root))
    }
}

/// A kustomization as it stands in the repository.
struct Written {
    file: TreePath,
    text: String,
    value: Value,
}

impl Written {
    /// That of a directory; none where it cannot be read, which is told.
    fn read(files: &Files<'_, impl Tree>, directory: &TreePath, rendered: &mut Rendered) -> Option<Self> {
        let (file, mode) = files.kustomization(directory)?;
        if mode == FileMode::Symlink {
            rendered.fail(&file, None, "it is a symbolic link, and links are not followed".to_owned());
            return None;
        }
        let text = match files.tree.read(&file) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => {
                rendered.fail(&file, None, error.to_string());
                return None;
            }
        };
        match parse_document(&text) {
            Ok(value) => Some(Self { file, text, value }),
            Err(error) => {
                rendered.fail(&file, Some(error.line), error.message);
                None
            }
        }
    }
}

/// What is wrong with a kustomization, each with the text that says so in it.
#[derive(Default)]
struct Faults(Vec<(String, String)>);

impl Faults {
    fn add(&mut self, wrong: &str, message: String) {
        self.0.push((wrong.to_owned(), message));
    }

    fn has(&self, wrong: &str) -> bool {
        self.0.iter().any(|(known, _)| known == wrong)
    }

    /// Addresses from which nothing was fetched, and those that lead to something else than is wanted there.
    fn judge_addresses(&mut self, files: &Files<'_, impl Tree>, value: &Value) -> Result<(), ReadError> {
        for (field, address) in fields::remote(value) {
            let told = without_login(address);
            if field != "repo" && !fields::takes_addresses(field) {
                self.add(
                    address,
                    format!("`{told}` configures a step of kustomize, and such a file is not fetched: copy it in"),
                );
                continue;
            }
            let found = if fields::takes_addresses(field) { files.tree.address(address) } else { Address::Unknown };
            let path = match found {
                Address::At(path) => path,
                Address::Refused(why) => {
                    self.add(address, format!("`{told}` {why}"));
                    continue;
                }
                Address::Unknown => {
                    let message = "lies outside of the repository, and nothing is fetched while rendering: copy it in, or name \
                                   its host in `spec.remote.hosts`";
                    self.add(address, format!("`{told}` {message}"));
                    continue;
                }
            };
            let is_other = match (files.tree.find(&path)?, obstacle(files, &path)) {
                (_, Some((at, why))) => Some(format!("leads to `{at}`, which is {why}")),
                (None, None) => Some(format!("leads to `{path}`, and there is no such file or directory")),
                (Some(Kind::Directory), None) if !fields::takes_directories(field) => {
                    Some("leads to a directory, and a file is wanted here".to_owned())
                }
                (Some(_), None) => None,
            };
            if let Some(why) = is_other {
                self.add(address, format!("`{told}` {why}"));
            }
        }
        Ok(())
    }

    /// What configures a step of kustomize may stand in the kustomization, or in a file.
    fn judge_addresses_in_plugin(
        &mut self,
        files: &Files<'_, impl Tree>,
        directory: &TreePath,
        plugin: &str,
    ) -> Result<(), ReadError> {
        let text = if fields::is_inline(plugin) {
            plugin.to_owned()
        } else {
            let file = files.resolve(directory, plugin).ok().and_then(|path| files.tree.read(&path).ok());
            file.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
        };
        for document in read_documents(&text) {
            if let Ok(value) = document.value {
                self.judge_addresses(files, &value)?;
            }
        }
        Ok(())
    }

    /// What is no file of the repository, and what is behind a link. Kustomize's own words would be about the copy.
    fn refuse_out_of_reach(&mut self, files: &Files<'_, impl Tree>, directory: &TreePath, kustomization: &Value) {
        for named in fields::files(kustomization) {
            if self.has(named) {
                continue;
            }
            match files.resolve(directory, named) {
                Err(error) => self.add(
                    named,
                    format!("`{named}` cannot be read: {error}; only files of the repository are read, so copy it in"),
                ),
                Ok(path) => {
                    let Some((at, why)) = obstacle(files, &path) else { continue };
                    let put = if at == path { "what it stands for" } else { "a directory" };
                    self.add(named, format!("`{named}` cannot be read: `{at}` is {why}; put {put} in its place"));
                }
            }
        }
    }
}

/// The line on which a reference is written.
fn line_of(text: &str, reference: &str) -> Option<u32> {
    (1u32..).zip(text.lines()).find(|(_, line)| line.contains(reference)).map(|(number, _)| number)
}
