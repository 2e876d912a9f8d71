//! `voxloop`, the one binary: `serve` for people and programs, `admin` for who they are, `agent` for
//! other machines, `segment`, `eval`, `sample`, `bench` and `demo` for the command line.

mod agent_runner;
mod apart;
mod config;
mod engine_args;
mod engine_runner;
mod enrol;
mod first_admin;
mod in_process;
mod left_url;
mod log_file;
mod models;
mod place;
mod program_args;
mod pull;
mod random;
mod serve;
mod serve_tls;
mod token_file;
mod transport_args;
mod whole_file;

mod admin;
mod batch;
mod bench;
mod demo;
mod doctor;
mod eval;
mod models_command;
mod openapi;
mod sample;
mod segment;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Segment medical images together with AI, on your own machine.
#[derive(Debug, Parser)]
#[command(name = "voxloop", version, propagate_version = true)]
struct Cli {
    /// File of settings, read before the environment's own `.env`; variables already set win.
    #[arg(long, global = true, value_name = "FILE")]
    env_file: Option<std::path::PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the page and the API, with an agent of its own.
    Serve(config::ServeArgs),
    /// Pull work from a server and run it here.
    Agent(config::AgentArgs),
    /// Say what is wrong with a server, or with an agent's way to it, and what to do; changes
    /// nothing. Ends with 1 where something does not work.
    Doctor(Box<doctor::DoctorArgs>),
    /// People, invitations, tokens and agents of a server, on its database.
    Admin(admin::AdminArgs),
    /// Weights of engines: what there is, fetch, verify, import.
    Models(models_command::ModelsArgs),
    /// Segment an object in an image, or the objects of many images.
    Segment(segment::SegmentArgs),
    /// Measure an engine on cases with known masks.
    Eval(eval::EvalArgs),
    /// Measure speed and memory against limits and peers.
    Bench(bench::BenchArgs),
    /// One measurement of `bench`, in a process of its own.
    #[command(hide = true, subcommand)]
    BenchChild(bench::child::ChildCommand),
    /// Write phantoms with labels to a folder.
    Sample(sample::SampleArgs),
    /// Do the main job once, without a browser: sample, slice, propagation, files.
    Demo(demo::DemoArgs),
    /// Print the OpenAPI document of the server's API.
    Openapi,
}

fn main() -> ExitCode {
    if let Err(error) = config::read_env_files() {
        return fail(&error);
    }
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => config::runtime()?.block_on(serve::serve(args)),
        Command::Agent(args) => config::runtime()?.block_on(pull::pull(args)),
        Command::Doctor(args) => config::runtime()?.block_on(doctor::doctor(*args)),
        Command::Admin(args) => config::runtime()?.block_on(admin::run(args)),
        Command::Models(args) => models_command::run(&args),
        Command::Segment(args) => segment::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::BenchChild(command) => bench::child::run(&command),
        Command::Sample(args) => sample::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Openapi => openapi::run(),
    }
}

#[expect(clippy::print_stderr, reason = "the outermost layer tells the person at the terminal")]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("voxloop: {error:#}");
    if error.is::<batch::Misuse>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}
