//! The command line.

mod values;

use clap::{ArgGroup, Args, Parser, Subcommand};
use clap_complete::Shell;
use domain::Night;
use jiff::{SignedDuration, Timestamp};
use std::{num::NonZeroUsize, path::PathBuf};

use values::{age, device, pair};

use crate::{commands::coverage::DEFAULT_MAX_AGE, deployment::price::Template};

/// Run, inspect and restore nightly EBS backups.
///
/// Exit codes: 0 success; 1 a run is not complete, a volume has no fresh restore point, or a drill could not prove everything;
/// 2 wrong command line; 3 error: AWS or one of the Regions is unreachable, something was not found, or the restore is not possible; 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "nightly", version, max_term_width = 120)]
pub struct Cli {
    /// Name of the CloudFormation stack of the backup [default: the only one in the Region]
    #[arg(long, short, global = true, env = "BACKUP_STACK", value_name = "NAME")]
    pub stack: Option<String>,
    /// AWS Region of the stack [default: from your AWS configuration]
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// Profile of your AWS configuration [default: AWS_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Print JSON, for scripts
    #[arg(long, global = true)]
    pub json: bool,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what would change in the stack, ask, and deploy it
    Deploy(Deploy),
    /// Delete the stack, but keep its snapshots and buckets
    Destroy(Destroy),
    /// Print the completions of a shell
    Completions {
        /// Shell to complete for
        shell: Shell,
    },
    /// Print the manual page
    Man,
    #[command(flatten)]
    Backup(BackupCommand),
}

/// The commands that work on a backup that is deployed.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Check the stack, its alerts and the account's limits, worst first
    Check(Check),
    /// Start a run and follow it until it ends
    Run(Run),
    /// List the last runs, or show those of one Night in full
    Status(Status),
    /// List every in-use volume with its newest restore point, and volumes that are no longer backed up, worst first
    Coverage(Coverage),
    /// Show the plans, and what the next run makes and deletes, also under other rules
    Plan(Plan),
    /// List the restore points by Interval, and when each expires
    List(List),
    /// Explain why a snapshot is kept, and until when
    Why(Why),
    /// Restore a volume, or every volume of a server
    Restore(Restore),
    /// Start a restore drill and follow it until it ends
    Drill(Drill),
    /// Draw an execution as a picture (SVG), its states coloured by outcome
    Graph(Graph),
}

/// `nightly deploy`
#[derive(Args, Debug)]
pub struct Deploy {
    /// Template to deploy [default: asks]
    #[arg(long, value_enum)]
    pub template: Option<Template>,
    /// Email address for alerts
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Parameters of the template; all others keep their deployed values
    #[arg(long, num_args = 1.., value_name = "KEY=VALUE", value_parser = pair)]
    pub parameters: Vec<(String, String)>,
    /// Tags of the stack and its resources [default: unchanged]
    #[arg(long, num_args = 1.., value_name = "KEY=VALUE", value_parser = pair)]
    pub tags: Vec<(String, String)>,
    /// Role that CloudFormation assumes [default: your own credentials]
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// Skip the confirmation
    #[arg(long)]
    pub yes: bool,
    /// Only check the parameters, the credentials and the state of the stack
    #[arg(long)]
    pub check: bool,
    /// Checkout with the templates and zips [default: those in this program]
    #[arg(long, value_name = "FOLDER")]
    pub from: Option<PathBuf>,
    /// Deploy to an endpoint that is not AWS's own, such as a local cloud
    #[arg(long)]
    pub allow_endpoint: bool,
}

/// `nightly destroy`
#[derive(Args, Debug)]
pub struct Destroy {
    /// Skip the confirmation
    #[arg(long)]
    pub yes: bool,
    /// Delete a stack at an endpoint that is not AWS's own, such as a local cloud
    #[arg(long)]
    pub allow_endpoint: bool,
}

/// `nightly check`
#[derive(Args, Debug)]
pub struct Check {
    /// Also compare the stack's resources with the template, which takes minutes
    #[arg(long)]
    pub drift: bool,
}

/// `nightly run`
#[derive(Args, Debug)]
pub struct Run {
    /// Scheduled time of the run, such as 2026-12-31T04:30:00Z [default: now]
    #[arg(long, conflicts_with = "night")]
    pub time: Option<Timestamp>,
    /// Night of the run, such as 2026-12-31
    #[arg(long, value_name = "DATE")]
    pub night: Option<Night>,
    /// Name or ARN of an execution, to rerun with its input for the same Night
    #[arg(long, value_name = "EXECUTION", conflicts_with_all = ["time", "night"])]
    pub like: Option<String>,
    /// Change nothing; report what the run would do
    #[arg(long)]
    pub dry_run: bool,
    /// Also write the report to this HTML file, which needs no network
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// `nightly status`
#[derive(Args, Debug)]
pub struct Status {
    /// Night to show in full, such as 2026-12-31
    pub night: Option<Night>,
    /// Number of runs to list
    #[arg(long, default_value = "14", value_name = "COUNT", conflicts_with = "night")]
    pub last: NonZeroUsize,
    /// Also write the report of the Night to this HTML file, which needs no network
    #[arg(long, value_name = "FILE", requires = "night")]
    pub html: Option<PathBuf>,
}

/// For the commands that look at volumes and restore points.
#[derive(Args, Clone, Debug)]
pub struct Regions {
    /// Comma-separated list of Regions [default: the parameter Regions of the stack]
    #[arg(long, value_delimiter = ',', value_name = "REGIONS")]
    pub regions: Vec<String>,
}

/// `nightly coverage`
#[derive(Args, Clone, Debug)]
pub struct Coverage {
    #[command(flatten)]
    pub regions: Regions,
    /// Age above which a restore point is stale, such as 36h or 2d
    #[arg(long, value_name = "AGE", default_value = DEFAULT_MAX_AGE, value_parser = age)]
    pub max_age: SignedDuration,
}

/// `nightly plan`
#[derive(Args, Clone, Debug)]
pub struct Plan {
    #[command(flatten)]
    pub regions: Regions,
    /// Preview another value of the parameter Keep, such as Daily=7,Weekly=4,Annual=forever
    #[arg(long, value_name = "RULE")]
    pub keep: Option<String>,
    /// Preview another value of the parameter Plans, such as "gold:Daily=30,Monthly=12;scratch:Daily=2"
    #[arg(long, value_name = "PLANS")]
    pub plans: Option<String>,
}

/// `nightly list`
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    pub regions: Regions,
    /// Id or Name of a volume [default: all volumes]
    #[arg(value_name = "VOLUME")]
    pub volume: Option<String>,
}

/// `nightly why`
#[derive(Args, Debug)]
pub struct Why {
    #[command(flatten)]
    pub regions: Regions,
    /// Id of the snapshot
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: String,
}

/// `nightly restore`
#[derive(Args, Clone, Debug)]
#[command(group(ArgGroup::new("what").required(true).args(["volume", "server"])))]
pub struct Restore {
    #[command(flatten)]
    pub regions: Regions,
    /// Id or Name of the volume to restore; it may no longer exist
    #[arg(value_name = "VOLUME")]
    pub volume: Option<String>,
    /// Name or id of a server, to restore all of its volumes from one Night; it may no longer exist
    #[arg(long, value_name = "NAME")]
    pub server: Option<String>,
    /// Night to restore from, such as 2026-12-31 [default: the newest restore point]
    #[arg(long, value_name = "DATE")]
    pub night: Option<Night>,
    /// Availability Zone [default: that of the instance with --attach, otherwise that of the original volume]
    #[arg(long)]
    pub zone: Option<String>,
    /// Id or Name of the instance to attach the new volumes to
    #[arg(long, value_name = "INSTANCE")]
    pub attach: Option<String>,
    /// Device name [default: that of the original volume, otherwise the first free one from /dev/sdf to /dev/sdp]
    #[arg(long, value_name = "DEVICE", requires = "attach", conflicts_with = "server", value_parser = device)]
    pub device: Option<String>,
    /// Change nothing; print the plan
    #[arg(long)]
    pub plan: bool,
}

/// `nightly drill`
#[derive(Args, Debug)]
pub struct Drill {
    /// Drill every volume, not only this week's share
    #[arg(long)]
    pub all: bool,
}

/// `nightly graph`
#[derive(Args, Debug)]
pub struct Graph {
    /// Name or ARN of the execution [default: the newest run]
    #[arg(value_name = "EXECUTION")]
    pub execution: Option<String>,
    /// Write to this file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
