//! What runs in one process share on their way to the services.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use azure::RetryPolicy;
use azure::identity::{Identity, Service, Tokens};
use reqwest::Client;

use crate::account::Account;

/// Connections, and what is known about each Batch account. Runs that are planned with the same one share them, and are
/// as polite to an account as one run would be.
pub struct Network {
    pub(crate) http: Client,
    environment: Environment,
    /// By identity and service; for as long as a run uses them.
    tokens: Mutex<HashMap<(Identity, Service, String), Tokens>>,
    /// By their endpoints; kept by the runs.
    accounts: Mutex<HashMap<String, Weak<Account>>>,
}

/// A variable's value, by its name.
type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

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
        let environment = Box::new(|name: &str| std::env::var(name).ok());
        Self { http, environment, tokens: Mutex::default(), accounts: Mutex::default() }
    }

    /// The same, with other variables than those of this process: they may say which identity signs in.
    #[must_use]
    pub fn with_environment(
        self,
        variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self { environment: Box::new(variable), ..self }
    }

    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name)
    }

    /// The tokens of an identity for the service at this endpoint.
    ///
    /// # Errors
    /// Those of [`Tokens::new`].
    pub(crate) fn tokens(
        &self,
        identity: Identity,
        (service, endpoint): (Service, &str),
        retry: RetryPolicy,
    ) -> azure::Result<Tokens> {
        let key = (identity, service, endpoint.to_owned());
        let mut all = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, tokens| tokens.is_shared());
        if let Some(tokens) = all.get(&key) {
            return Ok(tokens.clone());
        }
        let (identity, http) = (key.0.clone(), self.http.clone());
        let tokens = Tokens::new(identity, (service, endpoint), http, retry, &*self.environment)?;
        all.insert(key, tokens.clone());
        Ok(tokens)
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

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("accounts", &self.accounts).finish_non_exhaustive()
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
