//! The command `strict-ec2`.

use clap::Parser;
use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};
use strict_ec2::{Rules, StrictEc2};

/// Runs an EC2 endpoint for tests in front of a local cloud.
///
/// The endpoint forwards EC2 calls to a local cloud such as moto, and adds the behaviour of the real EC2: token buckets, short
/// pages, pending snapshots, limits of a volume. It also fails on demand: lost answers, server errors, cut connections.
///
/// The first line on standard output is the URL of the endpoint. Use it as AWS_ENDPOINT_URL_EC2. The command stops on SIGTERM
/// and SIGINT.
#[derive(Parser)]
#[command(name = "strict-ec2", version, after_long_help = CONTROL, max_term_width = 100)]
struct Arguments {
    /// URL of the EC2 endpoint of the local cloud
    #[arg(long, value_name = "URL", value_parser = parse_upstream)]
    upstream: String,

    /// IP address and port to listen on; port 0 is a free port
    ///
    /// The control endpoint has no authentication. Keep the address on the loopback.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = parse_address)]
    listen: SocketAddr,

    /// JSON file with the rules to start with [default: no rules]
    ///
    /// The file has the form of the body of PUT /_strict-ec2/rules, for example {"page": 3, "empty_pages": true}.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

const CONTROL: &str = r#"Control endpoint, at the same address:
  GET, PUT           /_strict-ec2/rules           read or replace the rules
  GET, POST, DELETE  /_strict-ec2/faults          list, add or remove faults
  GET, DELETE        /_strict-ec2/calls           list or forget the calls
  PUT                /_strict-ec2/snapshots/{id}  set the state, the AMI and the lock of a snapshot
  PUT                /_strict-ec2/volumes/{id}    set the state of a volume
  POST               /_strict-ec2/clock           move the clock ahead

Examples:
  Listen on port 4600 in front of moto:
    strict-ec2 --upstream http://127.0.0.1:5000 --listen 127.0.0.1:4600
  Lose the answer to the first CreateSnapshot:
    curl -X POST http://127.0.0.1:4600/_strict-ec2/faults \
      -d '{"fault": "lost_answer", "match": {"action": "CreateSnapshot", "times": 1}}'

Exit codes: 0 after SIGTERM or SIGINT; 2 if the command cannot start."#;

fn main() -> ExitCode {
    match parse().and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}

/// Parses the arguments. An error is one line.
fn parse() -> Result<Arguments, String> {
    Arguments::try_parse().map_err(|error| {
        if !error.use_stderr() {
            error.exit();
        }
        let text = error.render().to_string();
        let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
        let message = lines.collect::<Vec<_>>().join(" ");
        let message = message.strip_prefix("error: ").unwrap_or(&message).trim_end_matches('.').to_owned();
        format!("{message}. Run strict-ec2 --help for the options.")
    })
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let rules = arguments.rules.as_deref().map_or_else(|| Ok(Rules::default()), read_rules)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("Cannot start: {error}."))?;
    let endpoint =
        StrictEc2::listen_on(arguments.listen, rules).map_err(|error| listen_error(arguments.listen, &error))?;
    endpoint.forward_to(&arguments.upstream);
    runtime.block_on(announce_and_wait(&endpoint.url)).map_err(|error| format!("Cannot run: {error}."))
}

fn read_rules(file: &Path) -> Result<Rules, String> {
    let name = file.display();
    let text = fs::read_to_string(file)
        .map_err(|error| format!("Cannot read the rules in {name}: {error}. Check --rules."))?;
    text.parse().map_err(|reason| format!("The rules in {name} are refused. {reason}"))
}

fn listen_error(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("{address} is in use by another process. Use another --listen port, or port 0 for a free one.")
        }
        _ => format!("Cannot listen on {address}: {error}. Use another --listen address."),
    }
}

/// Prints the URL once signals are handled, so that a caller can stop the command as soon as it reads the line.
async fn announce_and_wait(url: &str) -> io::Result<()> {
    let stopped = stop_signal()?;
    let mut stdout = io::stdout();
    writeln!(stdout, "{url}")?;
    stdout.flush()?;
    stopped.await;
    Ok(())
}

#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn parse_upstream(url: &str) -> Result<String, String> {
    match reqwest::Url::parse(url) {
        Ok(parsed) if parsed.scheme() == "http" && parsed.has_host() => Ok(url.to_owned()),
        _ => Err("use an http URL, for example http://127.0.0.1:5000".to_owned()),
    }
}

fn parse_address(address: &str) -> Result<SocketAddr, String> {
    address.parse().map_err(|_| "use an IP address and a port, for example 127.0.0.1:4600".to_owned())
}
