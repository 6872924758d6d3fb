//! Lists: `$filter`, `$select`, `maxresults` and the link to the next page.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::reply::Reply;
use crate::error::{ApiError, Code, Result};
use crate::wire::filter::{Filter, Properties, find};
use axum::http::StatusCode;

/// The most items of a page, and the default.
const PAGE: usize = 1000;

/// Everything but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The properties of a list operation.
pub(crate) struct ListRules {
    /// The kind of the items, in the metadata URL.
    pub(crate) kind: &'static str,
    /// The properties that name an item: separated by commas, with slashes for nested ones.
    pub(crate) id: &'static str,
    /// The group that an item belongs to. Groups come in this order.
    pub(crate) group: fn(&Map<String, Value>) -> usize,
    pub(crate) filter: Properties,
    /// What `$select` may name; `None` if the list does not support `$select`.
    pub(crate) select: Option<&'static [&'static str]>,
}

/// The place of an item in a list: first its group, then its id. Ids are compared ignoring case, and
/// those of files directory by directory. File names may differ only in case, so the id itself comes
/// last.
type Position = (usize, String, String);

/// The group of the items of a list that has only one.
pub(crate) fn one_group(_: &Map<String, Value>) -> usize {
    0
}

/// Returns the requested page of a list. A page begins after the position of an item, so paging
/// stays correct when items are added or removed in between.
///
/// # Errors
/// For an invalid filter, selection or page size.
pub(crate) fn page(
    call: &Call,
    items: impl IntoIterator<Item = Map<String, Value>>,
    rules: &ListRules,
) -> Result<Reply> {
    let size = page_size(call)?;
    let wanted = first(wanted(call, items, rules)?, size + 1, rules);
    let next = wanted.iter().rev().nth(1).filter(|_| wanted.len() > size);
    let next = next.map(|((group, _, id), _)| format!("{group}:{id}"));
    let items = wanted.into_values().take(size);
    let selected = items.map(|item| select(call, item, rules.select).map(Value::Object));
    let mut body = json!({
        "odata.metadata": format!("{}/$metadata#{}", call.endpoint, rules.kind),
        "value": selected.collect::<Result<Vec<_>>>()?,
    });
    if let Some(next) = next {
        body["odata.nextLink"] = json!(next_link(call, &next));
    }
    Ok(Reply::json(StatusCode::OK, &body))
}

/// Returns the items that pass the filter and come after the previous page.
fn wanted(
    call: &Call,
    items: impl IntoIterator<Item = Map<String, Value>>,
    rules: &ListRules,
) -> Result<impl Iterator<Item = Map<String, Value>>> {
    let filter = filter(call, rules)?;
    let after = call.query.get("$skiptoken").map(continuation).transpose()?;
    Ok(items.into_iter().filter(move |item| {
        after.as_ref().is_none_or(|after| position(item, rules) > *after)
            && filter.as_ref().is_none_or(|filter| filter.accepts(item))
    }))
}

/// Returns the first items in order. No more are kept in memory: a task may create any number of
/// files.
fn first(
    items: impl Iterator<Item = Map<String, Value>>,
    count: usize,
    rules: &ListRules,
) -> BTreeMap<Position, Map<String, Value>> {
    let mut first = BTreeMap::new();
    for item in items {
        first.insert(position(&item, rules), item);
        if first.len() > count {
            first.pop_last();
        }
    }
    first
}

fn position(item: &Map<String, Value>, rules: &ListRules) -> Position {
    position_of((rules.group)(item), &id(item, rules.id))
}

fn id(item: &Map<String, Value>, names: &str) -> String {
    let text = |name| find(item, name).and_then(Value::as_str).unwrap_or("");
    names.split(',').map(text).collect::<Vec<_>>().join(",")
}

fn position_of(group: usize, id: &str) -> Position {
    // A slash comes before all that can be in a name, as a directory comes before its neighbours.
    (group, id.to_lowercase().replace('/', "\0"), id.to_owned())
}

/// Parses a continuation token: the position of the last item of the previous page.
fn continuation(token: &str) -> Result<Position> {
    let parts = token.split_once(':').and_then(|(group, id)| Some((group.parse().ok()?, id)));
    let (group, id) = parts.ok_or_else(|| {
        ApiError::query("$skiptoken", token, "it is not a token of an odata.nextLink")
    })?;
    Ok(position_of(group, id))
}

/// Keeps only the selected properties of a resource.
///
/// # Errors
/// `InvalidQueryParameterValue` for an unknown property.
pub(crate) fn select(
    call: &Call,
    mut properties: Map<String, Value>,
    known: Option<&[&str]>,
) -> Result<Map<String, Value>> {
    let (Some(text), Some(known)) = (call.query.get("$select"), known) else {
        return Ok(properties);
    };
    let wanted: Vec<&str> = text.split(',').map(str::trim).collect();
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(name)) {
        let reason = format!("there is no property {unknown}");
        return Err(ApiError::query("$select", text, reason));
    }
    properties.retain(|name, _| wanted.contains(&name.as_str()));
    Ok(properties)
}

fn filter(call: &Call, rules: &ListRules) -> Result<Option<Filter>> {
    let Some(text) = call.query.get("$filter") else { return Ok(None) };
    let filter = Filter::parse(text, rules.filter);
    filter.map(Some).map_err(|reason| ApiError::query("$filter", text, reason))
}

fn page_size(call: &Call) -> Result<usize> {
    let Some(text) = call.query.get("maxresults") else { return Ok(PAGE) };
    let size: i64 =
        text.parse().map_err(|_| ApiError::query("maxresults", text, "it is not a number"))?;
    if size < 1 {
        return Err(ApiError::query("maxresults", text, "MaxResults cannot be less than 1"));
    }
    match usize::try_from(size) {
        Ok(size) if (1..=PAGE).contains(&size) => Ok(size),
        _ => Err(ApiError::from(Code::OutOfRangeQueryParameterValue)
            .with("QueryParameterName", "maxresults")
            .with("QueryParameterValue", text)
            .with("MinimumAllowed", "1")
            .with("MaximumAllowed", PAGE.to_string())),
    }
}

/// Returns the URL of the next page: the same request with a continuation token.
fn next_link(call: &Call, after: &str) -> String {
    let escape = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
    let same = call.query.pairs().iter().filter(|(name, _)| name != "$skiptoken");
    let mut query: Vec<String> = same
        .map(|(name, value)| format!("{}={}", name.replace('$', "%24"), escape(value)))
        .collect();
    query.push(format!("%24skiptoken={}", escape(after)));
    format!("{}{}?{}", call.endpoint, call.path, query.join("&"))
}
