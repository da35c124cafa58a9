//! The `cellblock` command. Everything is in the library.

fn main() -> std::process::ExitCode {
    cellblock::cli::main()
}
