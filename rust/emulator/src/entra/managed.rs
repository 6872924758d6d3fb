//! Tokens of managed identities, as a machine's own endpoints issue them.

use time::OffsetDateTime;

use super::refusal::Refusal;
use super::{AccessToken, Directory};
use crate::settings::{Principal, Proof};

/// Which identity of the machine is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selector<'a> {
    /// The system-assigned one; without it the only user-assigned one.
    Default,
    /// The system-assigned one.
    SystemAssigned,
    /// The one with this client id.
    ClientId(&'a str),
    /// The one with this object id (principal id).
    ObjectId(&'a str),
    /// The user-assigned one with this resource id.
    ResourceId(&'a str),
}

/// Why a managed identity gets no token.
#[derive(Clone, Debug)]
pub(crate) enum NoIdentity {
    /// The machine does not have it.
    NotFound,
    /// There are several, and none was chosen.
    Ambiguous,
    /// No token is issued for the service.
    Refused(Refusal),
}

impl Directory {
    /// Issues a token to an identity of the machine.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn managed_token(
        &self,
        selector: Selector<'_>,
        resource: &str,
        now: OffsetDateTime,
    ) -> Result<AccessToken, NoIdentity> {
        let principal = self.identity(selector)?;
        let audience = self.check_resource(resource).map_err(NoIdentity::Refused)?;
        let token = self.issue(self.tenant, principal, audience, now);
        token.ok_or_else(|| NoIdentity::Refused(Refusal::transient(500)))
    }

    fn identity(&self, selector: Selector<'_>) -> Result<&Principal, NoIdentity> {
        let mut chosen = self.principals.iter().filter(|one| is_chosen(one, selector));
        let first = chosen.next();
        match (first, selector) {
            (Some(identity), _) => Ok(identity),
            (None, Selector::Default) => self.only_user_assigned(),
            (None, _) => Err(NoIdentity::NotFound),
        }
    }

    fn only_user_assigned(&self) -> Result<&Principal, NoIdentity> {
        let mut assigned = self.principals.iter().filter(|one| has(one, is_user_assigned));
        match (assigned.next(), assigned.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(NoIdentity::NotFound),
            (Some(_), Some(_)) => Err(NoIdentity::Ambiguous),
        }
    }
}

fn has(principal: &Principal, kind: impl Fn(&Proof) -> bool) -> bool {
    principal.proofs.iter().any(kind)
}

fn is_user_assigned(proof: &Proof) -> bool {
    matches!(proof, Proof::UserAssigned(_))
}

fn is_managed(proof: &Proof) -> bool {
    is_user_assigned(proof) || *proof == Proof::SystemAssigned
}

fn is_chosen(principal: &Principal, selector: Selector<'_>) -> bool {
    match selector {
        Selector::Default | Selector::SystemAssigned => {
            has(principal, |proof| *proof == Proof::SystemAssigned)
        }
        Selector::ClientId(id) => {
            has(principal, is_managed) && id.eq_ignore_ascii_case(&principal.client_id.to_string())
        }
        Selector::ObjectId(id) => {
            has(principal, is_managed)
                && id.eq_ignore_ascii_case(&principal.object_id().to_string())
        }
        Selector::ResourceId(id) => has(
            principal,
            |proof| matches!(proof, Proof::UserAssigned(Some(own)) if own.eq_ignore_ascii_case(id)),
        ),
    }
}
