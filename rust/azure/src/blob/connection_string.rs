//! What people paste as a connection string.
//!
//! [Connection strings](https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string)

use std::{collections::HashMap, result::Result};

pub(super) const PROTOCOL: &str = "DefaultEndpointsProtocol";
pub(super) const ACCOUNT: &str = "AccountName";
pub(super) const KEY: &str = "AccountKey";
pub(super) const ENDPOINT: &str = "BlobEndpoint";
pub(super) const SUFFIX: &str = "EndpointSuffix";
pub(super) const SAS: &str = "SharedAccessSignature";
pub(super) const DEVELOPMENT: &str = "UseDevelopmentStorage";
pub(super) const DEVELOPMENT_PROXY: &str = "DevelopmentStorageProxyUri";

/// The names that are read.
const READ: [&str; 8] =
    [PROTOCOL, ACCOUNT, KEY, ENDPOINT, SUFFIX, SAS, DEVELOPMENT, DEVELOPMENT_PROXY];

/// Names of a storage account's connection string that nobody reads here.
const UNREAD: [&str; 4] =
    ["QueueEndpoint", "TableEndpoint", "FileEndpoint", "BlobSecondaryEndpoint"];

/// Names by which the connection strings of other services are known.
const ELSEWHERE: [(&str, &str); 7] = [
    ("AccountEndpoint", "Cosmos DB"),
    ("SharedAccessKey", "Event Hubs, Service Bus or IoT Hub"),
    ("SharedAccessKeyName", "Event Hubs, Service Bus or IoT Hub"),
    ("Endpoint", "a service other than Storage"),
    ("HostName", "IoT Hub"),
    ("InstrumentationKey", "Application Insights"),
    ("Server", "a database"),
];

/// The pairs of a connection string, without the blanks, line ends and quotes that came with them.
pub(super) struct ConnectionString(HashMap<&'static str, String>);

impl ConnectionString {
    /// Reads one, or says which part is wrong. What was given is never shown.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = unwrapped(text);
        refuse_other_forms(&text)?;
        let mut pairs = HashMap::new();
        for (index, pair) in text.split(';').enumerate().filter(|(_, pair)| !pair.is_empty()) {
            let (name, value) = split(index, pair)?;
            let Some(name) = READ.into_iter().find(|read| read.eq_ignore_ascii_case(name)) else {
                continue;
            };
            let value = value.trim_matches(is_quote).to_owned();
            if pairs.insert(name, value.clone()).is_some_and(|earlier| earlier != value) {
                return Err(format!("has {name} twice"));
            }
        }
        Ok(Self(pairs))
    }

    /// A value that is there and not empty.
    pub(super) fn get(&self, name: &'static str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// The name and value of a pair, where they are those of a storage account.
fn split(index: usize, pair: &str) -> Result<(&str, &str), String> {
    let Some((name, value)) = pair.split_once('=') else {
        return Err(format!("is malformed: part {} of it is not NAME=VALUE", index + 1));
    };
    let swallowed = READ.into_iter().chain(UNREAD).chain(ELSEWHERE.map(|(name, _)| name));
    if let Some(next) = swallowed.into_iter().find(|next| find_name(value, next).is_some()) {
        return Err(format!("lacks a ';' before {next}"));
    }
    match ELSEWHERE.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, service)) => Err(format!("is one of {service}")),
        None => Ok((name, value)),
    }
}

/// Other things that are copied from the same pages.
fn refuse_other_forms(text: &str) -> Result<(), String> {
    let lower = text.to_ascii_lowercase();
    let is_known = READ.iter().any(|name| find_name(text, name).is_some());
    let has_signature = lower.contains("sig=");
    match () {
        () if text.is_empty() => Err("is empty".to_owned()),
        () if lower.starts_with("https://") || lower.starts_with("http://") => {
            let what = if has_signature { "a URL with a SAS" } else { "a URL" };
            Err(format!("is {what}, but the account's key is needed"))
        }
        () if has_signature && !is_known => {
            Err("is a SAS, but the key is needed to sign URLs for the nodes".to_owned())
        }
        () if !text.contains('=') || text.trim_end_matches('=').find(['=', ';']).is_none() => {
            Err("is malformed: it has no NAME=VALUE; is it only the key?".to_owned())
        }
        () => Ok(()),
    }
}

/// Without what was pasted along: blanks and line ends, of which no value holds any; quotes around;
/// the name that it had in a file, `connectionString: ` or `export NAME=` for example.
fn unwrapped(text: &str) -> String {
    let text: String = text.chars().filter(|c| !is_blank(*c)).collect();
    let first = text.split(';').next().unwrap_or_default();
    let start = READ
        .iter()
        .chain(&UNREAD)
        .filter_map(|name| find_name(first, name))
        .filter(|start| first[..*start].ends_with(|c| is_quote(c) || ":=".contains(c)))
        .min();
    text[start.unwrap_or_default()..]
        .trim_start_matches(is_quote)
        .trim_end_matches(|c| is_quote(c) || ",;}".contains(c))
        .to_owned()
}

/// Where `name=` stands in `text`, in whatever case.
fn find_name(text: &str, name: &str) -> Option<usize> {
    text.to_ascii_lowercase().find(&format!("{}=", name.to_ascii_lowercase()))
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}')
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}')
}
