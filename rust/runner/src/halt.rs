use crate::event::{Detached, Outcome, Status};
use crate::{Details, Invalid, refused};

/// Why a run stops before its end.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The configuration is wrong, as only the services could tell.
    Invalid(Invalid),
    /// Something out there failed; the text says what and where.
    Failed(String),
    /// The job's id is taken by a job that is not ours, and not ours to end.
    Taken(String),
    /// The account has as many active jobs as it may have.
    NoRoom(String),
    /// Another worker goes on with our job, and with its files.
    HandedOver(String),
    /// Somebody killed the run.
    Killed,
    /// The caller has gone and may come back: leave everything as it is.
    Detached,
}

impl Halt {
    /// What it means that the task, or its job, is not there.
    pub(crate) fn gone(error: azure::Error) -> Self {
        if error.is_not_found() {
            return Self::Failed(format!(
                "The Batch task was deleted while it was followed: {error}"
            ));
        }
        error.into()
    }

    /// The outcome to report; nothing for a run that goes on without its caller.
    pub(crate) fn into_outcome(self, details: Option<Details>) -> Option<Outcome> {
        let (status, message) = match self {
            Self::Invalid(invalid) => (Status::Invalid, invalid.to_string()),
            Self::Failed(message)
            | Self::Taken(message)
            | Self::NoRoom(message)
            | Self::HandedOver(message) => (Status::Failed, message),
            Self::Killed => (Status::Killed, killed_message(details.as_ref())),
            Self::Detached => return None,
        };
        Some(Outcome { status, exit_code: None, message: Some(message), details })
    }
}

fn killed_message(details: Option<&Details>) -> String {
    match details {
        Some(details) => format!("The run was killed; job '{}' was terminated", details.job_id),
        None => "The run was killed before a job was created".to_owned(),
    }
}

impl From<azure::Error> for Halt {
    fn from(error: azure::Error) -> Self {
        Self::Failed(refused::in_words(&error))
    }
}

impl From<Detached> for Halt {
    fn from(_: Detached) -> Self {
        Self::Detached
    }
}
