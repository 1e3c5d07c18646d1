//! What the programs hold of the machine's memory.

use std::fs;

use anyhow::{Context, Result};
use heddle_tests::{World, service::Service};

use crate::table::Row;

/// Resident memory of each program, now and at most.
pub fn measure(world: &World, when: &str) -> Result<Vec<Row>> {
    let many = when.contains("1,000");
    let programs: [(&str, &Service, &'static str); 3] = [
        ("heddle-api", &world.api, ""),
        ("heddle-automator", &world.automator, ""),
        ("heddle-synchronizer", &world.agent, if many { "60 MiB" } else { "30 MiB" }),
    ];
    let rows = programs.into_iter().map(|(program, service, target)| {
        let status = fs::read_to_string(format!("/proc/{}/status", service.running()?.id()))?;
        let heddle = format!("{:.0} MiB, {:.0} MiB", mebibytes(&status, "VmRSS")?, mebibytes(&status, "VmHWM")?);
        let what = format!("memory of {program}, {when}: now, at most");
        Ok(Row { what, heddle, beside: String::new(), target, name: "memory" })
    });
    rows.collect()
}

/// A field of `/proc/<pid>/status`, which the kernel gives in KiB (proc(5)).
fn mebibytes(status: &str, field: &str) -> Result<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()).with_context(|| format!("no {field}"))?;
    Ok(number.parse::<f64>()? / 1024.0)
}
