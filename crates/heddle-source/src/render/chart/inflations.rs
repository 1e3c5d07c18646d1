//! The charts that a build of kustomize is made with.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Inflated, Part, helm_charts};
use crate::{
    ReadError, Tree, TreePath,
    render::{Files, Rendered, Run},
};

/// Charts, carried out, by the directory of the kustomization whose resources they are. They are carried out once, for every
/// build.
#[derive(Default)]
pub(in super::super) struct Inflations {
    charts: Vec<Inflated>,
    by_directory: BTreeMap<TreePath, Vec<usize>>,
    /// Which of the times is built that helm was asked at.
    turn: usize,
    /// Whether a chart could not be carried out, because the cluster is not known yet.
    pub(in super::super) is_waiting: bool,
}

impl Inflations {
    /// Adds a chart to the resources of a directory's kustomization.
    pub(in super::super) fn add(&mut self, directory: &TreePath, chart: Inflated) {
        self.by_directory.entry(directory.clone()).or_default().push(self.charts.len());
        self.charts.push(chart);
    }

    /// Whether there is none.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.charts.is_empty()
    }

    /// All of them; the others know each by its place.
    pub(in super::super) fn charts(&self) -> &[Inflated] {
        &self.charts
    }

    /// Goes on to the next of the times that helm was asked at. False when there is none.
    pub(in super::super) fn next_turn(&mut self) -> bool {
        self.turn += 1;
        self.charts.iter().any(|chart| self.turn < chart.turns())
    }

    /// Takes the fields about charts off a kustomization, and has helm carry out what they say. Says whether there were any.
    ///
    /// # Errors
    /// When the tree cannot be read, or the path holds too much with what helm wrote.
    pub(in super::super) fn take(
        &mut self,
        files: &mut Files<'_, impl Tree>,
        (file, text, namespace): (&TreePath, &str, Option<&str>),
        kustomization: &mut Value,
        run: Run<'_>,
        rendered: &mut Rendered,
    ) -> Result<bool, ReadError> {
        let Some(fields) = kustomization.as_object_mut() else { return Ok(false) };
        let globals = fields.remove("helmGlobals");
        let Some(charts) = fields.remove("helmCharts") else { return Ok(globals.is_some()) };
        let directory = file.parent();
        if self.turn > 0 {
            return Ok(true);
        }
        let place = helm_charts::Place { file, text, directory: &directory, namespace };
        let Value::Array(charts) = charts else {
            place.fail("", "`helmCharts` must be a list".to_owned(), rendered);
            return Ok(true);
        };
        for (index, chart) in charts.iter().enumerate() {
            match helm_charts::inflate(files, place, (index, chart, globals.as_ref()), run, rendered)? {
                helm_charts::Ended::Done(inflated) => self.add(&directory, *inflated),
                helm_charts::Ended::Waiting => self.is_waiting = true,
                helm_charts::Ended::Failed => {}
            }
        }
        Ok(true)
    }

    /// What helm gave for a directory's kustomization, each with the place of its chart.
    pub(in super::super) fn parts(&self, directory: &TreePath) -> Vec<(usize, Part)> {
        let charts = self.by_directory.get(directory).into_iter().flatten();
        charts
            .flat_map(|chart| self.charts[*chart].parts_of(self.turn).iter().map(|part| (*chart, part.clone())))
            .collect()
    }
}
