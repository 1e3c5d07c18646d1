#!/usr/bin/env bash
# Runs each fuzz target of fuzz/ for HEDDLE_FUZZ_SECONDS (60 by default), or those that are named.
#
# Usage: fuzz.sh [TARGET ...]
#
# What is fuzzed is safe Rust, so no sanitizer is needed: panics, overflows and endless loops are looked for. Coverage needs
# flags that stable toolchains keep to themselves; RUSTC_BOOTSTRAP lets the installed one have them.
set -euo pipefail

version=0.13.1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${HEDDLE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/heddle/tools}/cargo-fuzz-$version
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}/fuzz
if [ ! -x "$cache/bin/cargo-fuzz" ]; then
  echo "tools: building cargo-fuzz $version (once; kept in $cache)" >&2
  cargo install --quiet --locked --root "$cache" --version "$version" cargo-fuzz
fi
c++ --version >/dev/null 2>&1 || { echo "fuzz: a C++ compiler is missing, which libFuzzer needs (apt-get install g++)" >&2; exit 1; }

cd "$root"
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <("$cache/bin/cargo-fuzz" list)
export RUSTC_BOOTSTRAP=1
for target in "${targets[@]}"; do
  corpus=$CARGO_TARGET_DIR/corpus/$target
  mkdir -p "$corpus"
  echo "fuzz: $target, for ${HEDDLE_FUZZ_SECONDS:-60} s" >&2
  "$cache/bin/cargo-fuzz" run --sanitizer none --release "$target" "$corpus" "fuzz/seeds" -- \
    -max_total_time="${HEDDLE_FUZZ_SECONDS:-60}" -timeout=10 -max_len=20000 -print_final_stats=1 -verbosity=0
done
