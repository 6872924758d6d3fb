//! What holds for the endpoint of either service.

use std::result::Result;
use url::{Host, Url};

/// Reads an endpoint, or says what is wrong with it. It is said in general words: what was given may
/// hold a password or a SAS.
pub(crate) fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("is not a URL ({error})"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => {
            return Err("must be https, as its host is not this machine: \
                        signed requests and URLs would travel unencrypted"
                .to_owned());
        }
        _ => return Err("must begin with https://".to_owned()),
    }
    let host = url.host_str().unwrap_or_default();
    if matches!(url.host(), Some(Host::Domain(_))) && !host.chars().all(is_host) {
        return Err("has a host name that is not valid".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not have a query (a SAS, say) or fragment".to_owned());
    }
    Ok(url)
}

/// True for a character of a host's name.
pub(crate) fn is_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._".contains(c)
}

/// True where requests do not leave this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in ["http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:1", "http://LOCALHOST"]
        {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in
            ["http://h", "http://localhost.h", "http://10.0.0.1", "http://[::2]", "http://0.0.0.0"]
        {
            let reason = parse(bad).unwrap_err();
            assert!(reason.contains("must be https") && reason.contains("unencrypted"), "{reason}");
        }
    }

    #[test]
    fn a_host_that_cannot_be_is_refused_without_showing_it() {
        for bad in
            ["https://h=canary", "https://canary&x", "https://user:canary@h", "https://h?canary"]
        {
            let reason = parse(bad).unwrap_err();
            assert!(!reason.contains("canary"), "{reason}");
        }
    }
}
