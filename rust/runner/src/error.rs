use crate::event::{Detached, Outcome, Status};
use crate::{Details, Invalid, refused};

/// Why a run stops before its end.
#[derive(Debug)]
pub(crate) enum RunError {
    /// The configuration is wrong in a way that only a service can find.
    Invalid(Invalid),
    /// A service, the worker or the run itself failed; the text says what and where.
    Failed(String),
    /// Somebody killed the run.
    Killed,
    /// The caller has gone and may come back: leave everything as it is.
    Detached,
}

impl RunError {
    /// What it means that the task, or its job, is not there.
    pub(crate) fn gone(error: azure::Error) -> Self {
        if error.is_not_found() {
            return Self::Failed(format!(
                "The Batch task was deleted while it was followed: {error}"
            ));
        }
        error.into()
    }

    /// The outcome to report; None for a run that goes on without its caller.
    pub(crate) fn into_outcome(self, details: Option<Box<Details>>) -> Option<Outcome> {
        let (status, message) = match self {
            Self::Invalid(invalid) => (Status::Invalid, invalid.to_string()),
            Self::Failed(message) => (Status::Failed, message),
            Self::Killed => (Status::Killed, killed_message(details.as_deref())),
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

impl From<azure::Error> for RunError {
    fn from(error: azure::Error) -> Self {
        match refused::property(&error) {
            Some("containerRunOptions") => {
                let reason = refused::without_value(&error);
                Self::Invalid(Invalid::new("containerRunOptions", reason))
            }
            Some(property) => Self::Invalid(Invalid::new(property, error)),
            None => Self::Failed(refused::in_words(&error)),
        }
    }
}

impl From<Detached> for RunError {
    fn from(_: Detached) -> Self {
        Self::Detached
    }
}
