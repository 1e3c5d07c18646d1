//! The command line.

use std::process::ExitCode;

use heddle_cli::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    heddle_cli::run(Config::from_environment()).await.into()
}
