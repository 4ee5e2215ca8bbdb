fn main() -> std::process::ExitCode {
    backout::cli::run()
}
