//! Tries one attack after the other, and writes down what each cost.

use std::{
    fmt::Write as _,
    fs,
    future::Future,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use heddle_tests::{World, service::Service};

use crate::{bystander::Bystander, tell};

/// A program that is attacked.
#[derive(Debug, Clone, Copy)]
pub enum Victim {
    Api,
    Automator,
    Agent,
}

impl Victim {
    fn service(self, world: &World) -> &Service {
        match self {
            Self::Api => &world.api,
            Self::Automator => &world.automator,
            Self::Agent => &world.agent,
        }
    }

    /// What the program may have of the machine's memory at most; an agent's renderers are not in it.
    fn most_mebibytes(self) -> u64 {
        match self {
            Self::Api | Self::Automator => 512,
            Self::Agent => 256,
        }
    }
}

/// One attack, over.
struct Attempt {
    name: &'static str,
    victim: Victim,
    peak_mebibytes: u64,
    took: Duration,
    /// The longest that the other person waited for a page, and how many pages failed.
    others: (Duration, usize),
    /// What was answered, or why it does not hold.
    said: Result<String, String>,
}

/// A World under attack.
pub struct Siege<'a> {
    pub world: &'a World,
    bystander: Bystander,
    attempts: Vec<Attempt>,
}

impl<'a> Siege<'a> {
    /// Somebody of another organization is at work from now on.
    pub async fn begin(world: &'a World) -> Result<Self> {
        Ok(Self { world, bystander: Bystander::settle(&world.api_url).await?, attempts: Vec::new() })
    }

    /// Tries an attack. What it gives is what the attacker was told; an error says that the attack went through.
    pub async fn attempt(
        &mut self,
        name: &'static str,
        victim: Victim,
        attack: impl Future<Output = Result<String>>,
    ) -> Result<()> {
        tell(name);
        let process = victim.service(self.world).running()?.id();
        forget_peak(process)?;
        let watch = self.bystander.watch();
        let began_at = Instant::now();
        let said = attack.await.map_err(|error| format!("{error:#}"));
        let took = began_at.elapsed();
        let others = watch.end().await?;
        let same = victim.service(self.world).running()?.check_running();
        same.with_context(|| format!("{name}: {}", self.world.complaints()))?;
        let peak_mebibytes = peak_mebibytes(process)?;
        self.attempts.push(Attempt { name, victim, peak_mebibytes, took, others, said });
        Ok(())
    }

    /// A table in Markdown, and whether everything held.
    pub fn end(self) -> (String, bool) {
        let mut table = String::from(
            "| attack | program | peak memory, limit | took | others waited at most | held | what was said |\n|---|---|---|---|---|---|---|\n",
        );
        let mut all = true;
        for attempt in &self.attempts {
            let most = attempt.victim.most_mebibytes();
            let held = attempt.said.is_ok() && attempt.peak_mebibytes <= most && attempt.others.1 == 0;
            all &= held;
            let (Ok(said) | Err(said)) = &attempt.said;
            let failed = match attempt.others.1 {
                0 => String::new(),
                failed => format!(", {failed} failed"),
            };
            writeln!(
                table,
                "| {} | {:?} | {} MiB, {most} MiB | {:.1} s | {} ms{failed} | {} | {} |",
                attempt.name,
                attempt.victim,
                attempt.peak_mebibytes,
                attempt.took.as_secs_f64(),
                attempt.others.0.as_millis(),
                if held { "yes" } else { "**no**" },
                said.replace(['\n', '|'], " "),
            )
            .expect("a String takes everything");
        }
        (table, all)
    }
}

/// Lets the kernel count the most memory that a process had anew (proc(5), `clear_refs`).
fn forget_peak(process: u32) -> Result<()> {
    fs::write(format!("/proc/{process}/clear_refs"), "5").context("the peak of memory is not counted anew")
}

/// The most memory that a process had since, which the kernel gives in KiB (proc(5), `VmHWM`).
fn peak_mebibytes(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel tells no peak")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? >> 10)
}
