//! The account of the node that the task runs under.

use azure::batch::{AutoUser, AutoUserScope, ElevationLevel, Pool, UserIdentity};

use crate::plan::{given, required};
use crate::{Invalid, Request, request};

/// One of the pool's accounts, or one that Batch makes. The documentation contradicts itself on the defaults of that,
/// so both are said.
///
/// [User accounts](https://learn.microsoft.com/azure/batch/batch-user-accounts)
///
/// # Errors
/// If both are asked for: an account of the pool has rights of its own.
pub(crate) fn user_identity(request: &Request) -> Result<UserIdentity, Invalid> {
    let level = required("elevationLevel", request.elevation_level)?;
    let scope = required("autoUserScope", request.auto_user_scope)?;
    let Some(name) = given(request.user_name.as_deref()) else {
        let (scope, elevation_level) = (auto_user_scope(scope), elevation_level(level));
        return Ok(UserIdentity::AutoUser(AutoUser { scope, elevation_level }));
    };
    let contradicts = |property| {
        let reason = "it is for a user that Azure Batch makes, and `userName` names one of the pool's; set one of the two";
        Err(Invalid::new(property, reason))
    };
    match (level, scope) {
        (request::ElevationLevel::Admin, _) => contradicts("elevationLevel"),
        (_, request::AutoUserScope::Pool) => contradicts("autoUserScope"),
        _ => Ok(UserIdentity::Username(name.to_owned())),
    }
}

/// # Errors
/// If the pool has no account of this name.
pub(crate) fn require_account(pool: &Pool, user: &UserIdentity) -> Result<(), Invalid> {
    let UserIdentity::Username(name) = user else { return Ok(()) };
    let accounts: Vec<&str> = pool.user_accounts.iter().map(|account| &*account.name).collect();
    if accounts.contains(&name.as_str()) {
        return Ok(());
    }
    let there = match accounts.is_empty() {
        true => "it has none".to_owned(),
        false => format!("it has {}", accounts.join(", ")),
    };
    let reason =
        format!("the pool '{}' has no user account '{name}' (userAccounts); {there}", pool.id);
    Err(Invalid::new("userName", reason))
}

fn elevation_level(level: request::ElevationLevel) -> ElevationLevel {
    match level {
        request::ElevationLevel::NonAdmin => ElevationLevel::NonAdmin,
        request::ElevationLevel::Admin => ElevationLevel::Admin,
    }
}

fn auto_user_scope(scope: request::AutoUserScope) -> AutoUserScope {
    match scope {
        request::AutoUserScope::Task => AutoUserScope::Task,
        request::AutoUserScope::Pool => AutoUserScope::Pool,
    }
}
