//! Monthly cost of each template. docs/deploying.md has the items and their sources.

use clap::ValueEnum;
use std::fmt;

/// The templates that a person can deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// Only the backup, for servers that you have
    Backup,
    /// A web server and a database server
    Environment,
    /// Both: two servers and their backup
    All,
}

impl Template {
    /// Returns the template's path in a checkout.
    pub fn path(self) -> &'static str {
        match self {
            Self::Backup => "infra/backup.yaml",
            Self::Environment => "infra/environment.yaml",
            Self::All => "infra/template.yaml",
        }
    }

    /// Returns the beginning of the description of the template, which is also that of its stack.
    pub fn description(self) -> &'static str {
        match self {
            Self::Backup => "Nightly EBS backup: the functions,",
            Self::Environment => "Nightly EBS backup, the servers that it protects:",
            Self::All => "Nightly EBS backup: a web server, a database server,",
        }
    }

    /// Returns the template that a stack was deployed with, by the stack's description.
    pub fn from_description(description: &str) -> Option<Self> {
        [Self::Backup, Self::Environment, Self::All].into_iter().find(|one| description.starts_with(one.description()))
    }

    /// Returns the monthly price in US East without free tiers, before snapshots and runs.
    pub fn price(self) -> &'static str {
        match self {
            Self::Backup => "about $5.50, plus $0.0044 a volume, plus snapshot storage at $0.05 a GB",
            Self::Environment => "about $77.88: two t4g.small, their disks, a NAT gateway, alarms",
            Self::All => "about $83.40: the backup and the two servers, plus snapshot storage at $0.05 a GB",
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backup => "backup",
            Self::Environment => "environment",
            Self::All => "all",
        })
    }
}
