//! Conditional headers.

use axum::http::HeaderMap;
use time::OffsetDateTime;

use crate::error::{ApiError, Code, Result};
use crate::store::resource::ResourceVersion;
use crate::wire::time::parse_http_date;

/// The conditions of a request.
#[derive(Default)]
pub(crate) struct Conditions {
    if_match: Option<String>,
    if_none_match: Option<String>,
    if_modified_since: Option<OffsetDateTime>,
    if_unmodified_since: Option<OffsetDateTime>,
}

impl Conditions {
    /// # Errors
    /// `InvalidHeaderValue` for an invalid date.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Conditions> {
        let text = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.map(str::to_owned)
        };
        let date = |name: &str| match text(name) {
            None => Ok(None),
            Some(value) => parse_http_date(&value)
                .map(Some)
                .ok_or_else(|| ApiError::header(name, &value, "not an HTTP date")),
        };
        Ok(Conditions {
            if_match: text("if-match"),
            if_none_match: text("if-none-match"),
            if_modified_since: date("if-modified-since")?,
            if_unmodified_since: date("if-unmodified-since")?,
        })
    }

    /// # Errors
    /// `ConditionNotMet` with 412, or with 304 if the resource has not been modified.
    pub(crate) fn check_read(&self, version: &ResourceVersion) -> Result<()> {
        if self.precondition_failed(version) {
            return Err(Code::ConditionNotMet.into());
        }
        if self.not_modified(version) {
            return Err(Code::NotModified.into());
        }
        Ok(())
    }

    /// # Errors
    /// `ConditionNotMet` with 412.
    pub(crate) fn check_write(&self, version: &ResourceVersion) -> Result<()> {
        if self.precondition_failed(version) || self.not_modified(version) {
            return Err(Code::ConditionNotMet.into());
        }
        Ok(())
    }

    fn precondition_failed(&self, version: &ResourceVersion) -> bool {
        let modified = whole_seconds(version.last_modified);
        self.if_match.as_ref().is_some_and(|tags| !names(tags, &version.etag))
            || self.if_unmodified_since.is_some_and(|since| modified > since)
    }

    fn not_modified(&self, version: &ResourceVersion) -> bool {
        let modified = whole_seconds(version.last_modified);
        match &self.if_none_match {
            Some(tags) => names(tags, &version.etag),
            None => self.if_modified_since.is_some_and(|since| modified <= since),
        }
    }
}

/// Returns whether a list of ETags, quoted or not, contains this one.
fn names(tags: &str, etag: &str) -> bool {
    tags.split(',').map(|tag| tag.trim().trim_matches('"')).any(|tag| tag == "*" || tag == etag)
}

/// HTTP dates have no fractions of a second.
fn whole_seconds(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(0).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};
    use time::macros::datetime;

    const BEFORE: &str = "Mon, 02 Nov 2026 07:05:08 GMT";
    const SAME: &str = "Mon, 02 Nov 2026 07:05:09 GMT";

    fn outcome(name: &'static str, value: &str) -> (Option<Code>, Option<Code>) {
        let version = ResourceVersion {
            etag: "0x1".into(),
            last_modified: datetime!(2026-11-02 07:05:09.9 UTC),
        };
        let value = HeaderValue::from_str(value).unwrap();
        let headers = [(HeaderName::from_static(name), value)].into_iter().collect();
        let conditions = Conditions::from_headers(&headers).unwrap();
        let code = |result: Result<()>| result.err().map(|error| error.code);
        (code(conditions.check_read(&version)), code(conditions.check_write(&version)))
    }

    #[test]
    fn conditions_are_checked_for_reads_and_writes() {
        let (unmet, same) = (Some(Code::ConditionNotMet), Some(Code::NotModified));
        let cases = [
            ("if-match", "0x1", None, None),
            ("if-match", "\"0x1\"", None, None),
            ("if-match", "*", None, None),
            ("if-match", "0x2", unmet, unmet),
            ("if-none-match", "0x1", same, unmet),
            ("if-none-match", "0x2, 0x3", None, None),
            ("if-modified-since", BEFORE, None, None),
            ("if-modified-since", SAME, same, unmet),
            ("if-unmodified-since", BEFORE, unmet, unmet),
            ("if-unmodified-since", SAME, None, None),
        ];
        for (name, value, read, write) in cases {
            assert_eq!(outcome(name, value), (read, write), "{name}: {value}");
        }
    }

    #[test]
    fn a_condition_that_is_no_date_is_refused() {
        let value = HeaderValue::from_static("yesterday");
        let headers = [(HeaderName::from_static("if-modified-since"), value)].into_iter().collect();
        let error = Conditions::from_headers(&headers).err().unwrap();
        assert_eq!(error.code, Code::InvalidHeaderValue);
    }
}
