//! Makes the images of a release: from programs and files to an OCI image layout that any registry takes, with a list of
//! what is in them. No container engine, no shell in the images, and the same input gives the same bytes.
//!
//! It must not know how programs are built or what they do; [`image::IMAGES`] says what each image holds.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod build;
pub mod config;
mod elf;
pub mod image;
mod inventory;
mod layer;
pub mod layout;
mod push;
mod root;
mod spdx;
mod table;

use anyhow::Result;

use crate::{
    config::{Command, Config},
    layout::Layout,
};

/// Does what the command line says; gives what is printed.
///
/// # Errors
/// When an input is missing or cannot be read, the output cannot be written, an image is larger than its limit, or a
/// registry refuses what is pushed.
pub async fn run(config: Config) -> Result<String> {
    match config.command {
        Command::Build(input) => {
            let made = build::build(&input)?;
            table::check(&made)?;
            Ok(table::render(&made))
        }
        Command::Roots(input) => build::write_roots(&input),
        Command::Push(target) => {
            let layout = Layout::open(&target.layout)?;
            Ok(describe_push(&push::push(&layout, &target).await?))
        }
    }
}

/// What is printed of images that were pushed: `pushed`, a space and the name with tag and digest, a line each. The workflow
/// of a release reads the names from it.
pub fn describe_push(names: &[String]) -> String {
    names.iter().map(|name| format!("pushed {name}\n")).collect()
}
