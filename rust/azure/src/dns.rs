//! The system's way to find a name, in the places for work that may wait.

use crate::blocking;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::ToSocketAddrs;

/// The HTTP client by itself would take a thread for each connection that is made at the same time.
pub(crate) struct SystemNames;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is the URL's.
            let looking = blocking::begin(move || (name.as_str(), 0).to_socket_addrs());
            let found = looking.await.await??;
            Ok(Box::new(found) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Resolving {
        SystemNames.resolve(name.parse().unwrap())
    }

    #[tokio::test]
    async fn a_name_is_found_as_the_system_finds_it() {
        let mut found = find("localhost").await.unwrap();
        assert!(found.all(|address| address.ip().is_loopback()));
        let too_long = "a".repeat(64);
        assert!(find(&too_long).await.is_err());
    }
}
