//! Heddle's agent in a cluster.

use std::process::ExitCode;

use heddle_synchronizer::config::{Config, Settings};

#[tokio::main]
async fn main() -> ExitCode {
    let started = async {
        let config = Config::try_from(Settings::from_environment()?)?;
        // kube logs each refused request as an error; its callers say what they make of it.
        heddle_service::telemetry::init_logs(&format!("kube_client::client::builder=off,{}", config.log))?;
        let shutdown = heddle_service::shutdown::on_signals()?;
        heddle_synchronizer::run(config, shutdown).await
    };
    match started.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[allow(clippy::print_stderr, reason = "the start failed, maybe before there were logs")]
            {
                eprintln!("heddle-synchronizer: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}
