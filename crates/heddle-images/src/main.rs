//! Makes the images of a release, and pushes them.

use std::process::ExitCode;

use heddle_images::{config::Config, run};

#[tokio::main]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this program speaks to the person who builds")]
async fn main() -> ExitCode {
    match run(Config::from_environment()).await {
        Ok(told) => {
            print!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("heddle-images: {error:#}");
            ExitCode::FAILURE
        }
    }
}
