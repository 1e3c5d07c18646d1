//! The central web API of Heddle.

use std::process::ExitCode;

use heddle_api::{
    config::{Command, Config, Settings},
    doctor,
};
use heddle_wire::view::DoctorVerdict;

#[tokio::main]
async fn main() -> ExitCode {
    match start().await {
        Ok(code) => code,
        Err(error) => {
            #[allow(clippy::print_stderr, reason = "the start failed, maybe before there were logs")]
            {
                eprintln!("heddle-api: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn start() -> anyhow::Result<ExitCode> {
    let settings = Settings::from_environment()?;
    let command = settings.command;
    let config = Config::try_from(settings)?;
    heddle_service::telemetry::init_logs(&config.log)?;
    match command {
        None => {
            let shutdown = heddle_service::shutdown::on_signals()?;
            heddle_api::run(config, shutdown).await?;
        }
        Some(Command::RotateSecrets) => print(&heddle_api::rotate_secrets(config).await?),
        Some(Command::Admin(command)) => print(&heddle_api::administer(config, command).await?),
        Some(Command::Doctor { json }) => {
            let report = heddle_api::examine(config).await?;
            let said = if json { serde_json::to_string_pretty(&report)? } else { doctor::render(&report) };
            print(said.trim_end());
            if report.checks.iter().any(|check| check.verdict == DoctorVerdict::Fault) {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[allow(clippy::print_stdout, reason = "it is what was asked for")]
fn print(said: &str) {
    println!("{said}");
}
