//! Finds the operation of a request.

use std::sync::Arc;

use futures::future::BoxFuture;
use percent_encoding::percent_decode_str;

use super::missing::MISSING;
use crate::entra::{Access, Action, Resource};
use crate::error::{ApiError, Code, Result};
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

/// A REST operation.
pub(crate) struct Operation {
    /// The title of its REST page.
    pub(crate) name: &'static str,
    verb: &'static str,
    /// With path parameters in braces, also within a segment; a last one with a star takes the rest of the path.
    path: &'static str,
    run: Handler,
}

/// The function of an operation. The last argument holds the path parameters.
enum Handler {
    Sync(fn(&Call, &Arc<Service>, &[String]) -> Result<Reply>),
    Async(AsyncHandler),
}

type AsyncHandler =
    for<'a> fn(&'a Call, &'a Arc<Service>, &'a [String]) -> BoxFuture<'a, Result<Reply>>;

/// Returns an operation that responds at once.
pub(super) const fn sync(
    name: &'static str,
    verb: &'static str,
    path: &'static str,
    run: fn(&Call, &Arc<Service>, &[String]) -> Result<Reply>,
) -> Operation {
    Operation { name, verb, path, run: Handler::Sync(run) }
}

/// Returns an operation that waits before it responds.
pub(super) const fn asynchronous(
    name: &'static str,
    verb: &'static str,
    path: &'static str,
    run: AsyncHandler,
) -> Operation {
    Operation { name, verb, path, run: Handler::Async(run) }
}

/// The operation of a request.
pub(crate) struct Route {
    operation: &'static Operation,
    /// The path parameters.
    params: Vec<String>,
}

impl Route {
    /// Finds the operation of this verb and path.
    ///
    /// # Errors
    /// `NotImplemented` for an operation that only the service has, `InvalidUri` for an unknown path
    /// or one that is not UTF-8, `UnsupportedHttpVerb` for a verb that the path does not have.
    pub(crate) fn find(verb: &str, path: &str) -> Result<Route> {
        let segments = segments(path)?;
        let mut path_exists = false;
        for operation in super::all() {
            let Some(params) = matches(operation.path, &segments) else { continue };
            path_exists = true;
            if operation.verb == verb {
                return Ok(Route { operation, params });
            }
        }
        for missing in MISSING.iter().filter(|one| matches(one.path, &segments).is_some()) {
            path_exists = true;
            if missing.verb == verb {
                return Err(ApiError::from(Code::NotImplemented).with("Operation", missing.name));
            }
        }
        Err(match path_exists {
            true => ApiError::from(Code::UnsupportedHttpVerb).with("HttpVerb", verb),
            false => ApiError::from(Code::InvalidUri)
                .with("Reason", "the REST API has no operation at this path"),
        })
    }

    /// Returns the id of the job that the operation is about.
    pub(crate) fn job(&self) -> Option<&str> {
        let is_on_job = self.operation.path.starts_with("jobs/{job}");
        self.params.first().filter(|_| is_on_job).map(String::as_str)
    }

    /// Returns what a role must allow for the operation.
    pub(crate) fn action(&self) -> Action {
        let resource = match self.operation.path.split('/').next() {
            Some("jobs") => Resource::Jobs,
            Some("jobschedules") => Resource::JobSchedules,
            // What the account tells of its pools too.
            _ => Resource::Pools,
        };
        let access = match self.operation.verb {
            "GET" | "HEAD" => Access::Read,
            _ => Access::Write,
        };
        Action { resource, access }
    }

    /// Returns the operation's name.
    pub(crate) fn name(&self) -> &'static str {
        self.operation.name
    }

    /// Runs the operation.
    ///
    /// # Errors
    /// Those of the operation.
    pub(crate) async fn run(&self, call: &Call, service: &Arc<Service>) -> Result<Reply> {
        match self.operation.run {
            Handler::Sync(run) => run(call, service, &self.params),
            Handler::Async(run) => run(call, service, &self.params).await,
        }
    }
}

/// Splits a path at its slashes and decodes the parts.
fn segments(path: &str) -> Result<Vec<String>> {
    let decode = |text| match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(Code::InvalidUri.into()),
    };
    path.split('/').skip(1).map(decode).collect()
}

/// Returns the path parameters if the segments match the operation's path.
fn matches(path: &str, segments: &[String]) -> Option<Vec<String>> {
    let (mut params, mut rest) = (Vec::new(), segments);
    for wanted in path.split('/') {
        if wanted.ends_with("*}") && !rest.is_empty() {
            params.push(rest.join("/"));
            return Some(params);
        }
        let (segment, others) = rest.split_first()?;
        match wanted.split_once('{').zip(wanted.rsplit_once('}')) {
            Some(((before, _), (_, after))) => {
                params.push(segment.strip_prefix(before)?.strip_suffix(after)?.to_owned());
            }
            None if wanted == segment => {}
            None => return None,
        }
        rest = others;
    }
    rest.is_empty().then_some(params)
}

#[cfg(test)]
mod page;

#[cfg(test)]
mod tests {
    use super::*;

    fn params(path: &str, request: &str) -> Option<Vec<String>> {
        let segments: Vec<String> = request.split('/').map(str::to_owned).collect();
        matches(path, &segments)
    }

    #[test]
    fn names_in_braces_take_a_segment_and_one_with_a_star_takes_the_rest() {
        let found = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(params("jobs", "jobs"), found(&[]));
        assert_eq!(params("jobs/{job}", "jobs/a"), found(&["a"]));
        assert_eq!(params("jobs/{job}/tasks", "jobs/a/tasks"), found(&["a"]));
        assert_eq!(params("t/{task}/files/{file*}", "t/a/files/wd/b"), found(&["a", "wd/b"]));
        for other in ["jobs", "jobs/a/b", "pools/a", "", "JOBS/a"] {
            assert_eq!(params("jobs/{job}", other), None, "{other}");
        }
        assert_eq!(params("t/{task}/files/{file*}", "t/a/files"), None);
        assert_eq!(params("c(x={x})", "c(x=1,y=2)"), found(&["1,y=2"]));
        for other in ["c", "c()", "c(x=1", "c(y=1)"] {
            assert_eq!(params("c(x={x})", other), None, "{other}");
        }
    }

    #[test]
    fn no_two_operations_share_a_name_or_a_verb_and_path() {
        let all: Vec<&Operation> = super::super::all().collect();
        for (place, one) in all.iter().enumerate() {
            for other in &all[..place] {
                assert_ne!(one.name, other.name);
                assert_ne!((one.verb, one.path), (other.verb, other.path), "{}", one.name);
            }
        }
    }

    #[test]
    fn no_operation_is_both_done_and_missing() {
        for missing in MISSING {
            let found = Route::find(missing.verb, &format!("/{}", missing.path));
            let name = found.map(|route| route.name().to_owned());
            assert_eq!(name.unwrap_err().values, [("Operation", missing.name.to_owned())]);
            assert!(super::super::all().all(|one| one.name != missing.name), "{}", missing.name);
        }
    }
}
