//! Settings that stand in files: `NAME_FILE` names the file with what `NAME` would say, as images of databases have it, so that a
//! secret is in no environment, which `/proc` shows and children inherit.

use std::{ffi::OsString, path::Path};

use clap::{Arg, CommandFactory};

use super::{ConfigError, read_text};

/// The value of `name`, which `variable` knows, or the text of the file that `NAME_FILE` names; `None` where neither is set.
///
/// # Errors
/// When both are set, the file cannot be read, or a value is no text.
pub fn find_text(
    name: &'static str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<String>, ConfigError> {
    if let Some(text) = find_in_file(name, &variable)? {
        return Ok(Some(text));
    }
    let value = variable(name).filter(|value| !value.is_empty()).map(OsString::into_string).transpose();
    value.map_err(|_| ConfigError::new(name, "its value is no text", "write it in UTF-8"))
}

/// The arguments of a program, led by those that stand in files. A setting of `S` is its argument with an environment variable
/// that is ours; where it takes a file anyway, its name ends in `_FILE` already. What the command line says itself comes later,
/// and so counts where `S` has `args_override_self`.
///
/// # Errors
/// When a setting is in the environment and in a file, and when a file cannot be read.
pub fn with_files<S: CommandFactory>(
    arguments: impl IntoIterator<Item = OsString>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<OsString>, ConfigError> {
    let mut arguments = arguments.into_iter();
    let mut whole: Vec<OsString> = arguments.next().into_iter().collect();
    let said: Vec<OsString> = arguments.collect();
    for argument in S::command().get_arguments() {
        let Some((flag, name)) = setting(argument) else { continue };
        match find_in_file(&name, &variable)? {
            // A list would be joined with that of the file.
            Some(text) if !is_said(&said, flag) => whole.push(format!("--{flag}={text}").into()),
            _ => {}
        }
    }
    whole.extend(said);
    Ok(whole)
}

fn is_said(arguments: &[OsString], flag: &str) -> bool {
    let names = |text: &str| text.strip_prefix("--").is_some_and(|rest| rest.split('=').next() == Some(flag));
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument.to_str().is_some_and(names))
}

/// Flag and variable of a setting that may stand in a file.
fn setting(argument: &Arg) -> Option<(&str, String)> {
    let name = argument.get_env()?.to_str()?;
    let ours = (name.starts_with("HEDDLE_") || name == "DATABASE_URL") && !name.ends_with("_FILE");
    Some((argument.get_long()?, name.to_owned())).filter(|_| ours && argument.get_action().takes_values())
}

fn find_in_file(name: &str, variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<String>, ConfigError> {
    let file_name = format!("{name}_FILE");
    let Some(path) = variable(&file_name).filter(|path| !path.is_empty()) else { return Ok(None) };
    if variable(name).is_some_and(|value| !value.is_empty()) {
        return Err(ConfigError::new(file_name, format!("{name} is set too"), "keep one of them"));
    }
    read_text(file_name, Path::new(&path)).map(Some)
}

#[cfg(test)]
mod tests;
