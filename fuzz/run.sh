#!/bin/sh
# Builds every target with AddressSanitizer and runs those named (all, if none is) one after another.
# SECONDS_EACH=620 fuzz/run.sh [target…]
set -eu
cd "$(dirname "$0")"
# Stable Rust; cargo-fuzz needs its -Z flags.
export RUSTC_BOOTSTRAP=1
python3 seeds.py
[ $# -gt 0 ] || set -- $(cargo fuzz list --fuzz-dir .)
cargo fuzz build --fuzz-dir . --sanitizer address
for target in "$@"; do
    echo "== $target"
    cargo fuzz run --fuzz-dir . --sanitizer address "$target" -- \
        -max_total_time="${SECONDS_EACH:-620}" -rss_limit_mb=2048 -malloc_limit_mb=64 -max_len=8192 -print_final_stats=1
done
