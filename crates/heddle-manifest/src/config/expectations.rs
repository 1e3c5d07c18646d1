//! What somebody must look at, and how often: the entries of `drift`. They keep nothing from being written, so a broken one
//! stops nothing; what it was to ask for is not asked for, and its finding says so.

use chrono::TimeDelta;
use heddle_core::{
    drift::{DriftSource, DriftTool},
    git::RepoName,
    name::EnvironmentName,
    policy::parse_age,
};

use super::{
    Environment,
    fields::{Report, shown},
};
use crate::yaml::Node;

const KEYS: &[&str] = &["tool", "source", "repository", "environment", "every"];

/// The tools that something other than an agent looks with.
const TOOLS: &[(&str, DriftTool)] =
    &[("terraform", DriftTool::Terraform), ("ansible", DriftTool::Ansible), ("kubernetes", DriftTool::Kubernetes)];

/// The most entries of `drift` that are asked for.
pub const MAX_EXPECTATIONS: usize = 500;

/// How often somebody may have to look, at most and at least.
const MOST_OFTEN: TimeDelta = TimeDelta::minutes(5);
const LEAST_OFTEN: TimeDelta = TimeDelta::days(366);

/// Something that somebody must look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// Its line in the file.
    pub line: u32,
    /// The tool.
    pub tool: DriftTool,
    /// What is looked at.
    pub source: DriftSource,
    /// The repository that it lies in; `None` for the one that the file lies in.
    pub repository: Option<RepoName>,
    /// The environment it belongs to.
    pub environment: EnvironmentName,
    /// How often.
    pub every: TimeDelta,
}

pub(super) fn read_expectations(node: &Node, environments: &[Environment], report: &mut Report) -> Vec<Expectation> {
    let mut own = Report::default();
    let mut all: Vec<Expectation> = Vec::new();
    for item in own.list(node, "drift") {
        let Some(one) = read(item, environments, &mut own) else { continue };
        let same = |other: &&Expectation| {
            let is_there = match (&other.repository, &one.repository) {
                (Some(other), Some(one)) => other.is_same(one),
                (other, one) => other == one,
            };
            is_there && (other.tool, &other.source, &other.environment) == (one.tool, &one.source, &one.environment)
        };
        match all.iter().find(same) {
            Some(first) => {
                let message = format!("`{}` is asked for already in line {}: keep one", one.source, first.line);
                own.wrong(item, message);
            }
            None if all.len() == MAX_EXPECTATIONS => {
                own.wrong(item, format!("`drift` asks for more than {MAX_EXPECTATIONS}: look at folders above these"));
                break;
            }
            None => all.push(one),
        }
    }
    report.take_notes(own);
    all
}

fn read(node: &Node, environments: &[Environment], report: &mut Report) -> Option<Expectation> {
    let before = report.faults();
    let fields = report.fields(node, "an entry of `drift`", KEYS)?;
    let field = |key: &str, report: &mut Report| {
        let found = fields.get(key);
        if found.is_none() {
            report.add(fields.position, "missing-key", format!("the entry of `drift` has no `{key}`"));
        }
        found
    };
    let tool = field("tool", report).and_then(|node| report.word(node, "tool", TOOLS));
    let source = field("source", report).and_then(|node| {
        let text = report.text(node, "source")?;
        text.parse::<DriftSource>().map_err(|error| report.wrong(node, error.to_string())).ok()
    });
    let repository = match fields.get("repository") {
        Some(node) => Some(read_repository(node, report)?),
        None => None,
    };
    let environment = field("environment", report).and_then(|node| read_environment(node, environments, report));
    let every = field("every", report).and_then(|node| read_every(node, report));
    let one = Expectation {
        line: node.position.line,
        tool: tool?,
        source: source?,
        repository,
        environment: environment?,
        every: every?,
    };
    (report.faults() == before).then_some(one)
}

fn read_repository(node: &Node, report: &mut Report) -> Option<RepoName> {
    let text = report.text(node, "repository")?;
    text.parse::<RepoName>()
        .map_err(|_| {
            let message = format!("`{}` is no repository: write `owner/name`, such as `acme/infra`", shown(text));
            report.wrong(node, message)
        })
        .ok()
}

fn read_environment(node: &Node, known: &[Environment], report: &mut Report) -> Option<EnvironmentName> {
    let text = report.text(node, "environment")?;
    match text.parse::<EnvironmentName>() {
        Ok(name) if known.is_empty() || known.iter().any(|known| known.name == name) => Some(name),
        _ => {
            report.wrong(node, format!("there is no environment `{}`", shown(text)));
            None
        }
    }
}

fn read_every(node: &Node, report: &mut Report) -> Option<TimeDelta> {
    let text = report.text(node, "every")?;
    let every = parse_age(text).filter(|every| (MOST_OFTEN..=LEAST_OFTEN).contains(every));
    if every.is_none() {
        let message =
            format!("`every` has no `{}`: write a length of time from `5m` to `366d`, such as `1d`", shown(text));
        report.wrong(node, message);
    }
    every
}
