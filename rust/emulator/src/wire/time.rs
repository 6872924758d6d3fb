//! Formats of times.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::UtcOffset;
use time::format_description::FormatItem;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::macros::format_description;

const PRECISE: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:7]Z");
const HTTP_DATE: &[FormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

const LOG_TIME: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second],[subsecond digits:3]");
const SECONDS: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// A time in a body.
#[derive(Clone, Copy)]
pub(crate) struct Timestamp(pub(crate) OffsetDateTime);

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(from)?;
        let at = parse_instant(&text).map(|at| Timestamp(at.to_offset(UtcOffset::UTC)));
        at.ok_or_else(|| serde::de::Error::custom("not a time such as 2026-01-31T12:00:00Z"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&instant(self.0))
    }
}

/// Formats a time of a node's log, in UTC without a time zone.
pub(crate) fn log_time(at: OffsetDateTime) -> String {
    at.format(LOG_TIME).unwrap_or_default()
}

/// Formats a time of a SAS.
pub(crate) fn sas_time(at: OffsetDateTime) -> String {
    at.format(SECONDS).unwrap_or_default()
}

/// Formats the time of an error: UTC with seven decimals.
pub(crate) fn precise_instant(at: OffsetDateTime) -> String {
    at.format(PRECISE).unwrap_or_default()
}

/// Formats a time of a body: UTC with up to seven decimals, without zeros at the end.
pub(crate) fn instant(at: OffsetDateTime) -> String {
    let text = precise_instant(at);
    let shortest = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    format!("{shortest}Z")
}

/// Formats a time of a header.
pub(crate) fn http_date(at: OffsetDateTime) -> String {
    at.format(HTTP_DATE).unwrap_or_default()
}

/// Parses a time of a header.
pub(crate) fn parse_http_date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc2822).ok()
}

/// Parses a time of a body or a filter.
pub(crate) fn parse_instant(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_header_date_is_read_as_it_is_written() {
        let at = datetime!(2026-11-02 07:05:09 UTC);
        assert_eq!(http_date(at), "Mon, 02 Nov 2026 07:05:09 GMT");
        assert_eq!(parse_http_date(&http_date(at)), Some(at));
    }

    #[test]
    fn an_instant_is_read_as_it_is_written() {
        for (at, text) in [
            (datetime!(2026-11-02 07:05:09.123_456_7 UTC), "2026-11-02T07:05:09.1234567Z"),
            (datetime!(2026-11-02 07:05:09.5 UTC), "2026-11-02T07:05:09.5Z"),
            (datetime!(2026-11-02 07:05:00 UTC), "2026-11-02T07:05:00Z"),
        ] {
            assert_eq!(instant(at), text);
            assert_eq!(parse_instant(text), Some(at));
        }
        assert_eq!(
            precise_instant(datetime!(2026-11-02 07:05:09.5 UTC)),
            "2026-11-02T07:05:09.5000000Z"
        );
    }
}
