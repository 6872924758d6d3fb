//! What runs in one process share on their way to the services.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::account::Account;
use reqwest::Client;

/// Connections, and what is known about each Batch account. Runs that are planned with the same one share them, and are
/// as polite to an account as one run would be.
#[derive(Debug)]
pub struct Network {
    pub(crate) http: Client,
    /// By their endpoints; kept by the runs.
    accounts: Mutex<HashMap<String, Weak<Account>>>,
}

impl Network {
    /// Opens no connection yet.
    ///
    /// # Errors
    /// Where the machine's certificates or its proxy settings cannot be used.
    pub fn new() -> azure::Result<Self> {
        azure::http_client().map(Self::over)
    }

    /// One whose connections are made by this client.
    #[must_use]
    pub fn over(http: Client) -> Self {
        Self { http, accounts: Mutex::default() }
    }

    /// The account at this endpoint.
    pub(crate) fn account(&self, endpoint: &str) -> Arc<Account> {
        let endpoint = endpoint.trim().trim_end_matches('/');
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|_, account| account.strong_count() > 0);
        let known = accounts.get(endpoint).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let account = Arc::new(Account::default());
            accounts.insert(endpoint.to_owned(), Arc::downgrade(&account));
            account
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_share_an_account_by_its_endpoint_and_the_last_one_takes_it_away() {
        let network = Network::new().unwrap();
        let first = network.account("https://a.example");
        assert!(Arc::ptr_eq(&first, &network.account("https://a.example/")));
        assert!(!Arc::ptr_eq(&first, &network.account("https://b.example")));
        let weak = Arc::downgrade(&first);
        drop(first);
        assert!(weak.upgrade().is_none());
        network.account("https://c.example");
        assert_eq!(network.accounts.lock().unwrap().len(), 1);
    }
}
