//! The command line.

use clap::{ArgGroup, Args, Parser, Subcommand};
use domain::Night;
use jiff::Timestamp;
use std::path::PathBuf;

/// See the night, know the coverage: the operator's view of the nightly EBS backup.
///
/// Exit codes: 0 all is well; 1 a night is not complete, a volume has no fresh restore point, or a drill could not prove everything;
/// 2 the command line is wrong; 3 AWS did not answer, there is no such stack, night or snapshot, or a restore cannot be done.
#[derive(Debug, Parser)]
#[command(name = "nightly", version, max_term_width = 120)]
pub struct Cli {
    /// The backup's CloudFormation stack, or the value of its BackupStack tag; not needed where there is only one
    #[arg(long, short, global = true, env = "BACKUP_STACK", value_name = "NAME")]
    pub stack: Option<String>,
    /// The stack's Region; the caller's own where it is not given
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// Print JSON, for scripts
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a night and follow it to its end
    Run(Run),
    /// The last nights, one line each; or one of them in full
    Status(Status),
    /// Every in-use volume with its newest restore point; those without one of the last 36 hours first
    Coverage,
    /// The restore points, by Interval, and when each expires
    List(List),
    /// Why a snapshot is kept, and until when
    Why(Why),
    /// Make a volume from a restore point, or every volume of a server
    Restore(Restore),
    /// Start a restore drill and follow it to its end
    Drill(Drill),
    /// An execution as a picture (SVG), its states coloured by outcome
    Graph(Graph),
}

/// `nightly run`
#[derive(Args, Debug)]
pub struct Run {
    /// The scheduled time that the night is to take, such as 2026-12-31T04:30:00Z; now where it is not given
    #[arg(long, conflicts_with = "night")]
    pub time: Option<Timestamp>,
    /// The Night, such as 2026-12-31
    #[arg(long, value_name = "DATE")]
    pub night: Option<Night>,
    /// Change nothing; say what the night would do
    #[arg(long)]
    pub dry_run: bool,
    /// Also write a page of the night: one HTML file that needs no network
    #[arg(long, value_name = "FILE")]
    pub page: Option<PathBuf>,
    /// Also write the whole report as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// `nightly status`
#[derive(Args, Debug)]
pub struct Status {
    /// One Night in full, such as 2026-12-31
    pub night: Option<Night>,
    /// How many nights to list
    #[arg(long, default_value_t = 14, value_name = "COUNT", conflicts_with = "night")]
    pub last: usize,
}

/// `nightly list`
#[derive(Args, Debug)]
pub struct List {
    /// Only this volume's
    #[arg(value_name = "VOLUME")]
    pub volume: Option<String>,
}

/// `nightly why`
#[derive(Args, Debug)]
pub struct Why {
    /// The snapshot's id
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: String,
}

/// `nightly restore`
#[derive(Args, Clone, Debug)]
#[command(group(ArgGroup::new("what").required(true).args(["volume", "server"])))]
pub struct Restore {
    /// The volume that is lost, or of which an older state is wanted: its id, or its Name
    #[arg(value_name = "VOLUME")]
    pub volume: Option<String>,
    /// Every volume of this server together, of one Night: its Name, or its instance's id; it need not exist any more
    #[arg(long, value_name = "NAME")]
    pub server: Option<String>,
    /// The Night whose restore point is taken, such as 2026-12-31
    #[arg(long, value_name = "DATE", conflicts_with = "newest")]
    pub night: Option<Night>,
    /// Take the newest restore point, as it is without --night
    #[arg(long)]
    pub newest: bool,
    /// The Availability Zone; the instance's with --attach, else the one that the volume was in
    #[arg(long)]
    pub zone: Option<String>,
    /// Attach what is made to this instance: its id, or its Name
    #[arg(long, value_name = "INSTANCE")]
    pub attach: Option<String>,
    /// The device name there; the one that the volume had, or else the first free of /dev/sdf to /dev/sdp
    #[arg(long, value_name = "DEVICE", requires = "attach", conflicts_with = "server")]
    pub device: Option<String>,
    /// Change nothing; say what would be made
    #[arg(long)]
    pub plan: bool,
}

/// `nightly drill`
#[derive(Args, Debug)]
pub struct Drill {
    /// Every volume, not only the week's share
    #[arg(long)]
    pub all: bool,
}

/// `nightly graph`
#[derive(Args, Debug)]
pub struct Graph {
    /// The execution's ARN or name; the last night's where it is not given
    #[arg(value_name = "EXECUTION")]
    pub execution: Option<String>,
    /// Write to this file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
