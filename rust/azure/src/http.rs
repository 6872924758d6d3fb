//! The HTTP client that all of a run shares.

use crate::{
    dns::SystemNames,
    error::{Error, Result},
    proxy::Proxies,
};
use std::{sync::Arc, time::Duration};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// Longest wait for a name, a TCP and a TLS handshake. Below the time that a first contact has.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Well below the four minutes after which Azure's load balancers drop idle connections.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// The date of HTTP headers, RFC 1123.
pub(crate) const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// A client for Batch and Blob Storage alike: rustls with the machine's root certificates, or
/// those in `SSL_CERT_FILE`, and the proxies that the environment names. Make one and clone it; its
/// connections are pooled.
///
/// # Errors
/// A `Configuration` error where the root certificates or a proxy's URL cannot be read.
pub fn http_client() -> Result<reqwest::Client> {
    Proxies::from_environment(|name| std::env::var_os(name))?
        .install(reqwest::Client::builder())?
        .use_rustls_tls()
        .dns_resolver(Arc::new(SystemNames))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        // A signature is made for one URL, and must not travel to another.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("kestra-azure-batch/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Error::from_http(error).during("set up https"))
}

/// A moment as an HTTP header says it.
pub(crate) fn http_date(moment: OffsetDateTime) -> Result<String> {
    moment
        .format(HTTP_DATE)
        .map_err(|error| Error::protocol(format!("the clock's time cannot be written: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_date_is_written_as_rfc_1123_says() {
        let moment = datetime!(2026-11-02 07:05:09.5 UTC);
        assert_eq!(http_date(moment).unwrap(), "Mon, 02 Nov 2026 07:05:09 GMT");
    }
}
