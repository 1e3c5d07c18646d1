//! `heddle`, the command line: what the dashboard can do, over the same API, for shells and CI.
//!
//! Data goes to stdout and everything else to stderr. Commands print for people by default and one JSON document with
//! `-o json`, whose members are those of the API.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod ansible;
mod ask;
mod command;
pub mod config;
mod exit;
mod files;
pub mod limits;
mod login;
mod objects;
mod report;
mod screen;
mod secrets;
mod session;
mod table;
mod terraform;
mod thread;
mod told;
mod tool;
mod words;

pub use exit::Exit;

use config::{ChartCommand, Command, Config, ImageCommand, PolicyCommand, SyncCommand};
use exit::Failure;
use screen::Screen;

/// Runs the command and gives the program's exit code.
pub async fn run(config: Config) -> Exit {
    let mut screen = Screen::new(&config);
    match dispatch(&config, &mut screen).await {
        Ok(exit) => exit,
        Err(failure) => {
            screen.fail(&failure);
            failure.exit
        }
    }
}

async fn dispatch(config: &Config, screen: &mut Screen) -> Result<Exit, Failure> {
    match &config.command {
        Command::Login(arguments) => command::login::run(config, arguments, screen).await,
        Command::Logout(arguments) => command::login::forget(config, arguments, screen),
        Command::Status(arguments) => command::status::run(config, arguments, screen).await,
        Command::Changes(arguments) => command::changes::run(config, arguments, screen).await,
        Command::Where(arguments) => command::revision::find(config, arguments, screen).await,
        Command::At(arguments) => command::revision::at(config, arguments, screen).await,
        Command::Workloads(arguments) => command::workloads::run(config, arguments, screen).await,
        Command::Whoami => command::installation::whoami(config, screen).await,
        Command::Doctor => command::installation::doctor(config, screen).await,
        Command::Clusters => command::clusters::run(config, screen).await,
        Command::Release(arguments) => command::release::run(config, arguments, screen).await,
        Command::Promote(arguments) => command::release::promote(config, arguments, screen).await,
        Command::Rollback(arguments) => command::hold::rollback(config, arguments, screen).await,
        Command::Hold(arguments) => command::hold::hold(config, arguments, screen).await,
        Command::Resume(arguments) => command::hold::resume(config, arguments, screen).await,
        Command::Freeze(arguments) => command::hold::freeze(config, arguments, screen).await,
        Command::Thaw(arguments) => command::hold::thaw(config, arguments, screen).await,
        Command::Holds(arguments) => command::hold::list(config, arguments, screen).await,
        Command::Requests(arguments) => command::release::list(config, arguments, screen).await,
        Command::Withdraw(arguments) => command::release::withdraw(config, arguments, screen).await,
        Command::Automator(what) => command::automator::run(config, what, screen).await,
        Command::Drift(arguments) => command::drift::run(config, arguments, screen).await,
        Command::Reporter(what) => command::reporter::run(config, what, screen).await,
        Command::Registry(what) => command::registry::run(config, what, screen).await,
        Command::Policy(PolicyCommand::Eval(arguments)) => command::policy::eval(arguments, screen),
        Command::Policy(PolicyCommand::Schema) => command::policy::schema(screen),
        Command::Image(ImageCommand::List(arguments)) => command::image::list(arguments, screen),
        Command::Image(ImageCommand::Set(arguments)) => command::image::set(arguments, screen),
        Command::List(arguments) => command::list::run(arguments, screen),
        Command::Chart(ChartCommand::Set(arguments)) => command::chart::set(arguments, screen),
        Command::Render(arguments) => command::render::run(arguments, screen).await,
        Command::Import(arguments) => command::import::run(arguments, screen),
        Command::Completions { shell } => screen.text(&config::completions(*shell)).map(|()| Exit::Done),
        Command::InstallInto { folder } => command::install::into(folder, screen),
        Command::Health(arguments) => command::health::run(arguments, screen),
        Command::Diff(arguments) => command::diff::run(config, arguments, screen).await,
        Command::Sync(SyncCommand::Terraform(arguments)) => command::sync::terraform(config, arguments, screen).await,
    }
}
