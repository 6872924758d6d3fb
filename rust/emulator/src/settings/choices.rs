//! Behaviour that the specification leaves open. Clients must work with every choice.

use clap::ValueEnum;

/// When a task's output can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Logs {
    /// While the task runs
    #[default]
    Live,
    /// Not before the task is completed: until then stdout.txt and stderr.txt do not exist
    AtEnd,
}

/// When reads see what was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Consistency {
    /// At once
    #[default]
    Strong,
    /// After a moment: a new job or task is not found, listed or counted yet. Some jobs are created
    /// although the answer is 429
    Eventual,
}

/// The syntax of command lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Splitting {
    /// POSIX quoting, without expansion
    #[default]
    Posix,
    /// The rules of CommandLineToArgvW
    Argvw,
}

/// How the blobPrefix of a storageContainerUrl is treated under filePath.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum BlobPrefix {
    /// The blob's full name is kept
    #[default]
    Keep,
    /// The prefix's directories are removed
    Strip,
}

/// Which requeues of a task its requeueCount counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RequeueCount {
    /// Those after the loss of a node, and those by request
    #[default]
    All,
    /// Only those by request
    Requests,
}

/// Whether a task that is ended while its command runs has the exit code of the killed command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum EndedExitCode {
    /// It has one beside failureInfo: 137 in a container, otherwise -9
    #[default]
    Present,
    /// It has none
    Absent,
}

/// Where the path begins that an output file with a wildcard keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum WildcardBase {
    /// At wd
    #[value(name = "wd")]
    WorkingDirectory,
    /// After the pattern's fixed directories; a file without a wildcard keeps only its name
    #[default]
    Pattern,
}
