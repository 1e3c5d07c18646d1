//! The central web API of Heddle.

use std::process::ExitCode;

use heddle_api::{
    config::{Command, Config, Settings},
    doctor,
};
use heddle_wire::view::{DoctorReport, DoctorVerdict};

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
    let command = settings.command.clone();
    let shown = settings.shown.clone();
    let config = match (Config::try_from(settings), &command) {
        // A wrong setting is why an API does not start.
        (Err(error), Some(Command::Doctor { json })) => {
            return tell(&doctor::of_wrong_setting(&error, shown), *json);
        }
        (config, _) => config?,
    };
    heddle_service::telemetry::init_logs(&config.log)?;
    match command {
        None => {
            let shutdown = heddle_service::shutdown::on_signals()?;
            heddle_api::run(config, shutdown).await?;
        }
        Some(Command::RotateSecrets) => print(&heddle_api::rotate_secrets(config).await?),
        Some(Command::PasswordLink { email }) => print(&heddle_api::make_password_link(config, &email).await?),
        Some(Command::Admin(command)) => print(&heddle_api::administer(config, command).await?),
        Some(Command::Doctor { json }) => {
            return tell(&heddle_api::examine(config).await?, json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(report: &DoctorReport, json: bool) -> anyhow::Result<ExitCode> {
    let said = if json { serde_json::to_string_pretty(report)? } else { doctor::render(report) };
    print(said.trim_end());
    let is_well = report.checks.iter().all(|check| check.verdict != DoctorVerdict::Fault);
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[allow(clippy::print_stdout, reason = "it is what was asked for")]
fn print(said: &str) {
    println!("{said}");
}
