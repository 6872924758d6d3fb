//! The errors that the service can return.
//!
//! Codes, statuses and meanings follow
//! [Batch status and error
//! codes](https://learn.microsoft.com/rest/api/batchservice/batch-status-and-error-codes).

use axum::http::StatusCode;

/// An error code of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    ActiveJobAndScheduleQuotaReached,
    AuthenticationFailed,
    AutoScalingFormulaSyntaxError,
    AutoScalingFormulaTooLong,
    ConditionNotMet,
    EmptyMetadataKey,
    FileNotFound,
    IOError,
    InsufficientAccountPermissions,
    InternalError,
    InvalidAuthenticationInfo,
    InvalidHeaderValue,
    InvalidPropertyValue,
    InvalidQueryParameterValue,
    InvalidRange,
    InvalidRequestBody,
    InvalidUri,
    JobBeingDeleted,
    JobBeingTerminated,
    JobCompleted,
    JobExists,
    JobNotDisabled,
    JobNotFound,
    JobPreparationTaskOrReleaseTaskNotSpecified,
    JobScheduleBeingDeleted,
    JobScheduleBeingTerminated,
    JobScheduleCompleted,
    JobScheduleDisabled,
    JobScheduleExists,
    JobScheduleNotFound,
    JobScheduleWithSameIdExists,
    JobWithSameIdExists,
    MissingRequiredProperty,
    MissingRequiredQueryParameter,
    NodeAlreadyInTargetSchedulingState,
    NodeBeingCreated,
    NodeBeingRebooted,
    NodeBeingReimaged,
    NodeBeingStarted,
    NodeNotFound,
    NodeNotReady,
    NodeStateUnusable,
    /// The emulator does not have the operation.
    NotImplemented,
    NotModified,
    OperationInvalidForCurrentState,
    OperationNotValidOnNode,
    OperationNotValidOnPool,
    OutOfRangeQueryParameterValue,
    PoolBeingDeleted,
    PoolBeingResized,
    PoolExists,
    PoolNotFound,
    PoolQuotaReached,
    RequestBodyTooLarge,
    ServerBusy,
    TaskCompleted,
    TaskDependencyListTooLong,
    TaskExists,
    TaskFilesCleanedup,
    TaskFilesUnavailable,
    TaskIdSameAsJobPreparationTask,
    TaskIdSameAsJobReleaseTask,
    TaskNotCompleted,
    TaskNotFound,
    TaskSucceeded,
    TooManyEnableAutoScaleRequests,
    TooManyRequests,
    /// A token of Microsoft Entra ID is not accepted.
    TokenRejected,
    UnsupportedHttpVerb,
    UnsupportedProperty,
    UnsupportedQueryParameter,
}

impl Code {
    /// Returns the code as it is sent.
    pub(crate) fn name(self) -> String {
        match self {
            // The service uses one code for both: reads get status 304, writes 412.
            Code::NotModified => "ConditionNotMet".to_owned(),
            // One code for both: keys get status 403, tokens of Entra 401.
            Code::TokenRejected => "AuthenticationFailed".to_owned(),
            other => format!("{other:?}"),
        }
    }

    /// Returns the HTTP status.
    pub(crate) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.entry().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Returns the message for people.
    pub(crate) fn message(self) -> &'static str {
        self.entry().1
    }

    fn entry(self) -> (u16, &'static str) {
        match self {
            Code::NotModified => (304, "The resource has not changed."),
            Code::AutoScalingFormulaSyntaxError => {
                (400, "The specified auto-scaling formula has a syntax error.")
            }
            Code::AutoScalingFormulaTooLong => {
                (400, "The specified auto-scaling formula exceeds lengths limit.")
            }
            Code::EmptyMetadataKey => (400, "A metadata item has an empty name."),
            Code::InvalidAuthenticationInfo => {
                (400, "The Authorization header is not in the right format.")
            }
            Code::InvalidHeaderValue => (400, "The value of an HTTP header is not valid."),
            Code::InvalidPropertyValue => (
                400,
                "The value provided for one of the properties in the request body is invalid.",
            ),
            Code::InvalidQueryParameterValue => (
                400,
                "Value for one of the query parameters specified in the request URI is invalid.",
            ),
            Code::InvalidRequestBody => {
                (400, "The specified Request Body is not syntactically valid.")
            }
            Code::InvalidUri => (400, "The URI names no resource of the service."),
            Code::MissingRequiredProperty => {
                (400, "The request body lacks a property that is required.")
            }
            Code::MissingRequiredQueryParameter => {
                (400, "A query parameter that's mandatory for this request is not specified.")
            }
            Code::OutOfRangeQueryParameterValue => {
                (400, "The value of a query parameter is out of range.")
            }
            Code::TaskDependencyListTooLong => {
                (400, "The list of tasks that the task depends on is too long.")
            }
            Code::UnsupportedProperty => (400, "A property of the request body is not supported."),
            Code::UnsupportedQueryParameter => (400, "A query parameter is not supported."),
            Code::TokenRejected => (
                401,
                "Server failed to authenticate the request. Make sure the value of Authorization \
                 header is formed correctly.",
            ),
            Code::AuthenticationFailed => (
                403,
                "Server failed to authenticate the request. Make sure the value of Authorization \
                 header is formed correctly including the signature.",
            ),
            Code::InsufficientAccountPermissions => (
                403,
                "The account being accessed does not have sufficient permissions to execute this \
                 operation.",
            ),
            Code::IOError => (403, "The specified file or directory cannot be changed."),
            Code::FileNotFound => (404, "The specified file does not exist."),
            Code::JobNotFound => (404, "The specified job does not exist."),
            Code::JobScheduleNotFound => (404, "The specified job schedule does not exist."),
            Code::NodeNotFound => (404, "The specified node does not exist."),
            Code::PoolNotFound => (404, "The specified pool does not exist."),
            Code::TaskNotFound => (404, "The specified task does not exist."),
            Code::UnsupportedHttpVerb => (405, "The resource does not support this HTTP verb."),
            Code::ActiveJobAndScheduleQuotaReached => {
                (409, "Active job and job schedule quota for the account has been reached.")
            }
            Code::JobBeingDeleted => (
                409,
                "The specified job has been marked for deletion and is being garbage collected.",
            ),
            Code::JobBeingTerminated => (409, "The specified job is being terminated."),
            Code::JobCompleted => (409, "The specified job is already in a completed state."),
            Code::JobExists => (409, "The specified job already exists."),
            Code::JobNotDisabled => (409, "The specified job is not disabled."),
            Code::JobScheduleBeingDeleted => (
                409,
                "The specified job schedule has been marked for deletion and is being reclaimed.",
            ),
            Code::JobScheduleBeingTerminated => {
                (409, "The specified job schedule is being terminated.")
            }
            Code::JobScheduleCompleted => {
                (409, "The specified job schedule is already in completed state.")
            }
            Code::JobScheduleDisabled => (409, "The specified job schedule is disabled."),
            Code::JobScheduleExists => (409, "The specified job schedule already exists."),
            Code::JobScheduleWithSameIdExists => {
                (409, "A job schedule with the id of the job exists. They cannot have the same id.")
            }
            Code::JobWithSameIdExists => {
                (409, "A job with the id of the job schedule exists. They cannot have the same id.")
            }
            Code::NodeAlreadyInTargetSchedulingState => {
                (409, "The specified node is already in the target scheduling state.")
            }
            Code::NodeBeingCreated => (409, "The specified node is being created."),
            Code::NodeBeingRebooted => (409, "The specified node is being rebooted."),
            Code::NodeBeingReimaged => (409, "The specified node is being reimaged."),
            Code::NodeBeingStarted => (409, "The specified node is being started."),
            Code::NodeStateUnusable => (409, "The state of the specified node is unusable."),
            Code::OperationInvalidForCurrentState => {
                (409, "The operation is not valid for the current state of the resource.")
            }
            Code::PoolBeingDeleted => {
                (409, "The specified pool has been marked for deletion and is being reclaimed.")
            }
            Code::PoolBeingResized => (409, "The specified pool is being resized."),
            Code::PoolExists => (409, "The specified pool already exists."),
            Code::PoolQuotaReached => (409, "Pool quota for the account has been reached."),
            Code::JobPreparationTaskOrReleaseTaskNotSpecified => {
                (409, "The specified job has no job preparation or release task.")
            }
            Code::NodeNotReady => {
                (409, "Node is not able to perform the requested operations in its current state.")
            }
            Code::OperationNotValidOnNode => {
                (409, "The operation is not valid on the specified node.")
            }
            Code::OperationNotValidOnPool => {
                (409, "The specified operation is not valid on the pool.")
            }
            Code::TaskCompleted => (409, "The specified task is already completed."),
            Code::TaskExists => (409, "The specified task already exists."),
            Code::TaskFilesCleanedup => {
                (409, "The files of the specified task have been cleaned up.")
            }
            Code::TaskFilesUnavailable => (409, "The files of the specified task are unavailable."),
            Code::TaskNotCompleted => (409, "The specified task is not completed."),
            Code::TaskSucceeded => (409, "The specified task has already succeeded."),
            Code::TaskIdSameAsJobPreparationTask => {
                (409, "The id of the task is that of the job's preparation task.")
            }
            Code::TaskIdSameAsJobReleaseTask => {
                (409, "The id of the task is that of the job's release task.")
            }
            Code::ConditionNotMet => {
                (412, "The condition specified using HTTP conditional header(s) is not met.")
            }
            Code::RequestBodyTooLarge => {
                (413, "The request body is too large and exceeds the maximum permissible limit.")
            }
            Code::InvalidRange => (416, "The range is not valid for the size of the file."),
            Code::TooManyRequests => {
                (429, "Request failed as server encountered too many requests. Please try again.")
            }
            Code::InternalError => (500, "The server met an internal error. Try again later."),
            Code::NotImplemented => (501, "The emulator does not have this operation."),
            Code::TooManyEnableAutoScaleRequests => {
                (503, "Too many Enable Pool AutoScale requests are issued on the pool.")
            }
            Code::ServerBusy => (503, "The server is busy. Try again later."),
        }
    }
}

/// An error to be returned to the client.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}: {} {values:?}", code.name(), code.message())]
pub(crate) struct ApiError {
    pub(crate) code: Code,
    /// Details, sent as the `values` of the error body.
    pub(crate) values: Vec<(&'static str, String)>,
}

/// The result of an operation.
pub(crate) type Result<T> = std::result::Result<T, ApiError>;

impl From<Code> for ApiError {
    fn from(code: Code) -> ApiError {
        ApiError { code, values: Vec::new() }
    }
}

impl ApiError {
    /// Returns the same error with one more value.
    pub(crate) fn with(mut self, key: &'static str, value: impl Into<String>) -> ApiError {
        self.values.push((key, value.into()));
        self
    }

    /// Returns the same error for a property that is within another one.
    pub(crate) fn within(mut self, property: &str) -> ApiError {
        if let Some((_, name)) = self.values.iter_mut().find(|(key, _)| *key == "PropertyName") {
            *name = format!("{property}.{name}");
        }
        self
    }

    /// Returns the error for a property of the request body with an invalid value.
    pub(crate) fn property(name: &str, value: &str, reason: impl Into<String>) -> ApiError {
        ApiError::from(Code::InvalidPropertyValue)
            .with("PropertyName", name)
            .with("PropertyValue", value)
            .with("Reason", reason)
    }

    /// Returns the error for a query parameter with an invalid value.
    pub(crate) fn query(name: &str, value: &str, reason: impl Into<String>) -> ApiError {
        ApiError::from(Code::InvalidQueryParameterValue)
            .with("QueryParameterName", name)
            .with("QueryParameterValue", value)
            .with("Reason", reason)
    }

    /// Returns the error for a header with an invalid value.
    pub(crate) fn header(name: &str, value: &str, reason: impl Into<String>) -> ApiError {
        ApiError::from(Code::InvalidHeaderValue)
            .with("HeaderName", name)
            .with("HeaderValue", value)
            .with("Reason", reason)
    }

    /// Returns the error for an I/O error of the emulator itself.
    pub(crate) fn internal(what: &str, error: &std::io::Error) -> ApiError {
        ApiError::from(Code::InternalError).with("Reason", format!("{what}: {error}"))
    }
}
