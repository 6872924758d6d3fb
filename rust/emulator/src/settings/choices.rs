//! What the specification leaves open: a client must work whichever way a node does it.

use clap::ValueEnum;

/// When a task's output can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Logs {
    /// While the task runs
    #[default]
    Live,
    /// Not before the task is completed: until then there is no stdout.txt and no stderr.txt
    AtEnd,
}

/// By whose rules a command line is split into arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Splitting {
    /// POSIX's, without expansion
    #[default]
    Posix,
    /// Those of CommandLineToArgvW
    Argvw,
}

/// What becomes of the blobPrefix of a storageContainerUrl under filePath.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum BlobPrefix {
    /// A blob's path is kept in full
    #[default]
    Keep,
    /// The prefix's directories are dropped
    Strip,
}

/// Which of a task's new runs its requeueCount counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RequeueCount {
    /// Those because its node is gone, and those that a request brought about
    #[default]
    All,
    /// Only those that a request brought about
    Requests,
}

/// Where the sub-path begins that a wildcard output keeps under its path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum WildcardBase {
    /// At wd
    #[default]
    #[value(name = "wd")]
    WorkingDirectory,
    /// After the pattern's fixed directories
    Pattern,
}
