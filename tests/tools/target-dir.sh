#!/usr/bin/env bash
# Prints the folder that Cargo builds into.
set -euo pipefail
cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/'
