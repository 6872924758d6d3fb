//! The proxies that the worker's environment names.
//!
//! They are read here and not by the HTTP client, which passes over one that it cannot read, and
//! sends requests to this machine to a proxy as well.

use crate::{Error, Result};
use reqwest::{ClientBuilder, NoProxy, Proxy};
use std::{ffi::OsString, result::Result as StdResult};
use url::Url;

/// Hosts that no proxy can reach in our place.
const THIS_MACHINE: &str = "localhost,127.0.0.0/8,::1";

/// Which proxy takes which requests. It may hold a password, so it has no `Debug`.
pub(crate) struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    /// Hosts that are reached without one, by commas.
    exempt: String,
}

impl Proxies {
    /// From `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, each in upper or lower case.
    ///
    /// # Errors
    /// A `Configuration` error that begins with the variable's name and does not show its value.
    pub(crate) fn from_environment(get: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let proxy = |name: &str| match read(name, &get)? {
            Some(url) => Ok(Some(url)),
            None => read("ALL_PROXY", &get),
        };
        let exempt = text(&get, "NO_PROXY")?.map(|(_, list)| list).unwrap_or_default();
        Ok(Self {
            http: proxy("HTTP_PROXY")?,
            https: proxy("HTTPS_PROXY")?,
            exempt: format!("{THIS_MACHINE},{exempt}"),
        })
    }

    /// A client that uses these, and no others.
    pub(crate) fn install(self, client: ClientBuilder) -> Result<ClientBuilder> {
        let exempt = || NoProxy::from_string(&self.exempt);
        let mut client = client.no_proxy();
        if let Some(url) = self.http {
            client = client.proxy(Proxy::http(url).map_err(Error::from_http)?.no_proxy(exempt()));
        }
        if let Some(url) = self.https {
            client = client.proxy(Proxy::https(url).map_err(Error::from_http)?.no_proxy(exempt()));
        }
        Ok(client)
    }
}

fn read(name: &str, get: &impl Fn(&str) -> Option<OsString>) -> Result<Option<Url>> {
    let Some((name, value)) = text(get, name)? else { return Ok(None) };
    parse(&value).map(Some).map_err(|reason| malformed(&name, reason))
}

/// The first of a variable's two names that is set to something, and its value.
fn text(get: &impl Fn(&str) -> Option<OsString>, name: &str) -> Result<Option<(String, String)>> {
    for name in [name.to_owned(), name.to_lowercase()] {
        let Some(value) = get(&name) else { continue };
        let value = value.into_string().map_err(|_| malformed(&name, "is not UTF-8"))?;
        if !value.trim().is_empty() {
            return Ok(Some((name, value.trim().to_owned())));
        }
    }
    Ok(None)
}

/// A proxy is `http://host:port`; the scheme may be left out.
fn parse(value: &str) -> StdResult<Url, &'static str> {
    let value = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = Url::parse(&value).map_err(|_| "is not a URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("names a kind of proxy other than http or https");
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("has something behind the port, or a '/', '?' or '#' in its password, \
                    which is written %2F, %3F or %23");
    }
    Ok(url)
}

fn malformed(name: &str, reason: &str) -> Error {
    Error::configuration(format!(
        "{name}: what the worker's environment says {reason}; a proxy looks like http://host:port"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn proxies(environment: &[(&str, &str)]) -> Result<Proxies> {
        let find = |name: &str| environment.iter().find(|(known, _)| *known == name);
        Proxies::from_environment(|name| find(name).map(|(_, value)| value.into()))
    }

    #[test]
    fn proxies_are_those_that_the_environment_names() {
        let (a, b) = (Some("http://a:1/"), Some("http://b:2/"));
        let table: [(&[(&str, &str)], _, _); 9] = [
            (&[], None, None),
            (&[("HTTP_PROXY", "http://a:1")], a, None),
            (&[("https_proxy", "http://a:1/")], None, a),
            (&[("HTTPS_PROXY", "http://a:1"), ("https_proxy", "http://b:2")], None, a),
            (&[("HTTPS_PROXY", " "), ("https_proxy", "http://b:2")], None, b),
            (&[("ALL_PROXY", "a:1")], a, a),
            (&[("all_proxy", "a:1"), ("HTTPS_PROXY", "b:2\n")], a, b),
            (&[("HTTPS_PROXY", "")], None, None),
            (&[("HTTPS_PROXY", "b:2"), ("HTTP_PROXY", "a:1"), ("ALL_PROXY", "socks5://x")], a, b),
        ];
        for (environment, http, https) in table {
            let found = proxies(environment).unwrap_or_else(|e| panic!("{environment:?}: {e}"));
            assert_eq!(found.http.as_ref().map(Url::as_str), http, "{environment:?}");
            assert_eq!(found.https.as_ref().map(Url::as_str), https, "{environment:?}");
        }
    }

    #[test]
    fn this_machine_is_always_exempt() {
        assert_eq!(proxies(&[]).unwrap().exempt, "localhost,127.0.0.0/8,::1,");
        let list = proxies(&[("no_proxy", ".example, 10.0.0.0/8")]).unwrap().exempt;
        assert_eq!(list, "localhost,127.0.0.0/8,::1,.example, 10.0.0.0/8");
    }

    #[test]
    fn a_malformed_proxy_is_refused_by_its_variable_and_not_shown() {
        for name in ["HTTP_PROXY", "https_proxy", "ALL_PROXY"] {
            for value in [
                "socks5://user:canary@host:1080",
                "http://user:canary@host:port",
                "http://user:12/canary@host:3128",
                "http://user:12#canary@host:3128",
                "http://user:canary@",
                "http://",
                "http://ho st/",
                "://canary",
            ] {
                let error = proxies(&[(name, value)]).err().unwrap_or_else(|| panic!("{value}"));
                assert_eq!(error.kind(), ErrorKind::Configuration);
                let text = format!("{error} {error:?}");
                assert!(error.to_string().starts_with(&format!("{name}: ")), "{text}");
                assert!(!text.contains("canary"), "{value}: {text}");
            }
        }
    }

    #[test]
    fn a_client_with_a_proxy_does_not_show_its_password() {
        let proxies = proxies(&[("ALL_PROXY", "http://user:canary@host:1")]).unwrap();
        let builder = proxies.install(reqwest::Client::builder().use_rustls_tls()).unwrap();
        let text = format!("{builder:?}");
        assert!(!text.contains("canary"), "{text}");
        let client = builder.build().unwrap();
        assert!(!format!("{client:?}").contains("canary"));
    }
}
