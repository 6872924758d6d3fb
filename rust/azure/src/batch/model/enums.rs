//! Values that the REST API writes as strings.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An enumeration of the REST API. `Unknown` keeps a value that this version does not know.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// A value that this version does not know.
            Unknown(String),
        }

        impl $name {
            /// The value as the REST API writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                $(if text.eq_ignore_ascii_case($text) { return Self::$variant; })*
                Self::Unknown(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

wire_enum! {
    /// The state of a job.
    JobState {
        /// Takes new tasks and runs them.
        Active = "active",
        /// On its way to disabled.
        Disabling = "disabling",
        /// Runs no tasks.
        Disabled = "disabled",
        /// On its way back to active.
        Enabling = "enabling",
        /// About to complete; its tasks are being ended.
        Terminating = "terminating",
        /// Ended; takes no more tasks.
        Completed = "completed",
        /// Being deleted.
        Deleting = "deleting",
    }
}

wire_enum! {
    /// The state of a Batch task.
    TaskState {
        /// Queued, or back in the queue.
        Active = "active",
        /// Given to a node; the job's preparation runs.
        Preparing = "preparing",
        /// On its node, which may still be downloading its files and image.
        Running = "running",
        /// Ended, well or not.
        Completed = "completed",
    }
}

wire_enum! {
    /// How a completed Batch task ended.
    TaskResult {
        /// The command ended with 0 and the output files were uploaded.
        Success = "success",
        /// See the `failureInfo`.
        Failure = "failure",
    }
}

wire_enum! {
    /// The state of a pool.
    PoolState {
        /// Can run tasks.
        Active = "active",
        /// Being deleted.
        Deleting = "deleting",
    }
}

wire_enum! {
    /// The state of a node.
    NodeState {
        /// Takes tasks and runs none.
        Idle = "idle",
        /// Runs tasks.
        Running = "running",
        /// Is being made.
        Creating = "creating",
        /// Begins to serve.
        Starting = "starting",
        /// Runs the pool's start task.
        WaitingForStartTask = "waitingforstarttask",
        /// Its start task failed, so it runs no task.
        StartTaskFailed = "starttaskfailed",
        /// Starts anew.
        Rebooting = "rebooting",
        /// Is being set up anew.
        Reimaging = "reimaging",
        /// Cannot run tasks; see its errors.
        Unusable = "unusable",
        /// The service has lost contact with it.
        Lost = "unknown",
        /// Taken out of scheduling.
        Offline = "offline",
        /// Is being removed.
        LeavingPool = "leavingpool",
        /// A spot node that the cloud took back.
        Preempted = "preempted",
    }
}

wire_enum! {
    /// Whether a node takes tasks.
    SchedulingState {
        /// It does.
        Enabled = "enabled",
        /// It does not.
        Disabled = "disabled",
    }
}

wire_enum! {
    /// What a job does once all its tasks are complete. A job without tasks counts as complete.
    OnAllTasksComplete {
        /// Stays active.
        NoAction = "noaction",
        /// Ends.
        TerminateJob = "terminatejob",
    }
}

wire_enum! {
    /// When an output file is uploaded.
    UploadCondition {
        /// After exit code 0.
        TaskSuccess = "tasksuccess",
        /// After any other exit code.
        TaskFailure = "taskfailure",
        /// Always.
        TaskCompletion = "taskcompletion",
    }
}

wire_enum! {
    /// The account a Batch task runs under.
    AutoUserScope {
        /// One of its own.
        Task = "task",
        /// One that all tasks of the node share.
        Pool = "pool",
    }
}

wire_enum! {
    /// The rights of that account.
    ElevationLevel {
        /// An ordinary user.
        NonAdmin = "nonadmin",
        /// Root.
        Admin = "admin",
    }
}

wire_enum! {
    /// A directory of the node that can be mounted in a container by itself.
    BindSource {
        /// The task's own.
        Task = "Task",
        /// That of all tasks of the node.
        Shared = "Shared",
        /// That of the start task.
        Startup = "Startup",
        /// File systems that the pool mounts.
        VfsMounts = "VfsMounts",
        /// Application packages.
        Applications = "Applications",
    }
}

wire_enum! {
    /// The directory a container starts in.
    ContainerWorkingDirectory {
        /// The task's `wd`.
        TaskWorkingDirectory = "taskWorkingDirectory",
        /// The image's own.
        ContainerImageDefault = "containerImageDefault",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_without_regard_to_case_and_unknown_ones_are_kept() {
        let state = |text: &str| serde_json::from_str::<TaskState>(text).unwrap();
        assert_eq!(state(r#""Completed""#), TaskState::Completed);
        assert_eq!(state(r#""RUNNING""#), TaskState::Running);
        assert_eq!(state(r#""paused""#), TaskState::Unknown("paused".into()));
        assert_eq!(serde_json::to_string(&TaskState::Running).unwrap(), r#""running""#);
    }
}
