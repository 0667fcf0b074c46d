#!/bin/sh
# usage: rust_parking_lot.sh      makes ./program of rust_parking_lot.rs, with the crates that Debian ships
set -eu
here=$(dirname "$0")
registry=/usr/share/cargo/registry
mkdir -p src .cargo
cp "$here/rust_parking_lot.rs" src/main.rs
cat >.cargo/config.toml <<END
[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "$registry"
END
cat >Cargo.toml <<END
[package]
name = "rust_parking_lot"
version = "0.1.0"
edition = "2021"
[dependencies]
parking_lot = { version = "0.12", default-features = false }
[profile.release]
debug = 1
END
cargo build --quiet --offline --release
cp target/release/rust_parking_lot program
