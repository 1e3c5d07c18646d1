//! Watches registries and brings new tags into config repositories.

use std::process::ExitCode;

use heddle_automator::config::{Config, Settings};

#[tokio::main]
async fn main() -> ExitCode {
    let started = async {
        let config = Config::try_from(Settings::from_environment()?)?;
        heddle_service::telemetry::init_logs(&config.log)?;
        let shutdown = heddle_service::shutdown::on_signals()?;
        heddle_automator::run(config, shutdown).await
    };
    match started.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[allow(clippy::print_stderr, reason = "the start failed, maybe before there were logs")]
            {
                eprintln!("heddle-automator: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}
