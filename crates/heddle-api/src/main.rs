//! The central web API of Heddle.

use std::process::ExitCode;

use heddle_api::config::{Command, Config, Settings};

#[tokio::main]
async fn main() -> ExitCode {
    let started = async {
        let settings = Settings::from_environment()?;
        let command = settings.command;
        let config = Config::try_from(settings)?;
        heddle_service::telemetry::init_logs(&config.log)?;
        if let Some(Command::RotateSecrets) = command {
            let said = heddle_api::rotate_secrets(config).await?;
            #[allow(clippy::print_stdout, reason = "it is what was asked for")]
            {
                println!("{said}");
            }
            return Ok(());
        }
        let shutdown = heddle_service::shutdown::on_signals()?;
        heddle_api::run(config, shutdown).await
    };
    match started.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[allow(clippy::print_stderr, reason = "the start failed, maybe before there were logs")]
            {
                eprintln!("heddle-api: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}
