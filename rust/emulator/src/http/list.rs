//! Lists: `$filter`, `$select`, `maxresults` and the link to the next page.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::reply::Reply;
use crate::error::{ApiError, Code, Result};
use crate::wire::filter::{Filter, Properties};
use axum::http::StatusCode;

/// The most that a page may hold, and what it holds unless asked for less.
const PAGE: usize = 1000;

/// Everything but RFC 3986's unreserved characters.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a list can be asked.
pub(crate) struct ListRules {
    /// In the metadata URL.
    pub(crate) kind: &'static str,
    /// The property that orders the list and tells where the next page begins.
    pub(crate) order: &'static str,
    pub(crate) filter: Properties,
    /// What `$select` may name; `None` where the list has no `$select`.
    pub(crate) select: Option<&'static [&'static str]>,
}

/// The page of a list that the call asks for. The items come in the order of their ids, so that
/// a page begins after an id even if items came or went since the page before.
///
/// # Errors
/// For a filter, selection or page size that the list does not have.
pub(crate) fn page(
    call: &Call,
    items: impl IntoIterator<Item = Map<String, Value>>,
    rules: &ListRules,
) -> Result<Reply> {
    let size = page_size(call)?;
    let wanted = first(wanted(call, items, rules)?, size + 1, rules);
    let next = wanted.iter().rev().nth(1).filter(|_| wanted.len() > size);
    let next = next.map(|(_, item)| id(item, rules).to_owned());
    let items = wanted.into_values().take(size);
    let shown = items.map(|item| select(call, item, rules.select).map(Value::Object));
    let mut body = json!({
        "odata.metadata": format!("{}/$metadata#{}", call.endpoint, rules.kind),
        "value": shown.collect::<Result<Vec<_>>>()?,
    });
    if let Some(next) = next {
        body["odata.nextLink"] = json!(next_link(call, &next));
    }
    Ok(Reply::json(StatusCode::OK, &body))
}

/// The items that pass the filter and come after the page before.
fn wanted(
    call: &Call,
    items: impl IntoIterator<Item = Map<String, Value>>,
    rules: &ListRules,
) -> Result<impl Iterator<Item = Map<String, Value>>> {
    let filter = filter(call, rules)?;
    let after = call.query.get("$skiptoken").map(order);
    Ok(items.into_iter().filter(move |item| {
        after.as_ref().is_none_or(|after| order(id(item, rules)) > *after)
            && filter.as_ref().is_none_or(|filter| filter.accepts(item))
    }))
}

/// The first items in order. No more are ever kept: a task may have made any number of files.
fn first(
    items: impl Iterator<Item = Map<String, Value>>,
    count: usize,
    rules: &ListRules,
) -> BTreeMap<(String, String), Map<String, Value>> {
    let mut first = BTreeMap::new();
    for item in items {
        first.insert(order(id(&item, rules)), item);
        if first.len() > count {
            first.pop_last();
        }
    }
    first
}

fn id<'a>(item: &'a Map<String, Value>, rules: &ListRules) -> &'a str {
    item.get(rules.order).and_then(Value::as_str).unwrap_or("")
}

/// Without regard to case, as ids are told apart; names of files may differ by nothing else.
fn order(id: &str) -> (String, String) {
    (id.to_lowercase(), id.to_owned())
}

/// Only the selected properties of a resource.
///
/// # Errors
/// `InvalidQueryParameterValue` for a property that the resource does not have.
pub(crate) fn select(
    call: &Call,
    mut shown: Map<String, Value>,
    known: Option<&[&str]>,
) -> Result<Map<String, Value>> {
    let (Some(text), Some(known)) = (call.query.get("$select"), known) else { return Ok(shown) };
    let wanted: Vec<&str> = text.split(',').map(str::trim).collect();
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(name)) {
        let reason = format!("there is no property {unknown}");
        return Err(ApiError::query("$select", text, reason));
    }
    shown.retain(|name, _| wanted.contains(&name.as_str()));
    Ok(shown)
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
    match usize::try_from(size) {
        Ok(size) if (1..=PAGE).contains(&size) => Ok(size),
        _ => Err(ApiError::from(Code::OutOfRangeQueryParameterValue)
            .with("QueryParameterName", "maxresults")
            .with("QueryParameterValue", text)
            .with("MinimumAllowed", "1")
            .with("MaximumAllowed", PAGE.to_string())),
    }
}

/// The same request from another place on, as the client wrote the host.
fn next_link(call: &Call, after: &str) -> String {
    let escape = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
    let same = call.query.pairs().iter().filter(|(name, _)| name != "$skiptoken");
    let mut query: Vec<String> = same
        .map(|(name, value)| format!("{}={}", name.replace('$', "%24"), escape(value)))
        .collect();
    query.push(format!("%24skiptoken={}", escape(after)));
    format!("{}{}?{}", call.endpoint, call.path, query.join("&"))
}
