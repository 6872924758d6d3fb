//! What it means that an account refuses, where the key is not to blame.

use azure::Error;

/// What a refusal says, by its code or in its message, and what it means for those who asked.
///
/// [Storage](https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes),
/// [Batch](https://learn.microsoft.com/rest/api/batchservice/batch-status-and-error-codes)
const REFUSALS: [(&[&str], &str); 4] = [
    (
        &["AuthorizationFailure", "not authorized to perform this operation."],
        "the account's network rules do not let {who} in; under its Networking, allow their addresses \
         or network, or use a private endpoint",
    ),
    (
        &["KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted"],
        "the storage account does not permit its keys, nor URLs signed with them (allowSharedKeyAccess \
         is false), and {who} use them; set blobStorage.endpoint and no key: then an identity of Entra ID signs in",
    ),
    (
        &["SharedKey is not allowed"],
        "the Batch account does not permit its keys (SharedKey is not among its \
         allowedAuthenticationModes, or its pools are in the user's subscription), and {who} use them; \
         leave accessKey out: then an identity of Entra ID signs in",
    ),
    (
        &["AccountIsDisabled", "account is disabled"],
        "the account is disabled; enable it, or resolve the problem with its subscription",
    ),
];

/// Who is refused, and as whom it may have signed in.
#[derive(Clone, Copy)]
pub(crate) struct Who {
    name: &'static str,
    identity: &'static str,
}

const WORKERS: Who = Who { name: "Kestra's workers", identity: "the identity that signed in" };

pub(crate) const NODES: Who = Who {
    name: "the pool's nodes",
    identity: "an identity of the pool (blobStorage.identityReference)",
};

/// What the service calls a property of a job or task, and what the flow calls it.
const PROPERTIES: [(&str, &str); 9] = [
    ("containerRunOptions", "containerRunOptions"),
    ("containerHostBatchBindMounts", "containerHostBatchBindMounts"),
    ("imageName", "containerImage"),
    ("requiredSlots", "requiredSlots"),
    ("priority", "priority"),
    ("displayName", "displayName"),
    ("maxTaskRetryCount", "maxTaskRetryCount"),
    ("retentionTime", "retentionTime"),
    ("username", "userName"),
];

/// The same of those who may enter, and not do what they asked for.
const RIGHTS: [(&[&str], &str); 2] = [
    (
        &["InsufficientAccountPermissions"],
        "the identity that signed in has no role that allows this: give it 'Azure Batch Job Submitter' on the Batch account, \
         under Access control (IAM)",
    ),
    (
        &["AuthorizationPermissionMismatch", "operation using this permission"],
        "what {who} have does not allow this: {identity} needs the role 'Storage Blob Data Contributor' on the container, \
         a SAS read, write, delete and list",
    ),
];

/// The same of what signed in before.
const MEANWHILE: [(&[&str], &str); 1] = [(
    &["AuthenticationFailed", "InvalidAuthenticationInfo"],
    "what let {who} in at the start is not accepted any more; if the account's key was regenerated, set accessKey (of a storage \
     account, blobStorage) to the new one: the job goes on, and a retry of the task continues with it",
)];

/// The error without the value that it quotes: run options may set variables, whose values may be secrets.
pub(crate) fn without_value(error: &Error) -> String {
    let value = error.detail("PropertyValue").filter(|value| !value.is_empty());
    let text = error.to_string();
    value.map_or_else(|| text.clone(), |value| text.replace(value, "…"))
}

/// The property of the flow whose value Batch does not take.
///
/// [Error codes](https://learn.microsoft.com/rest/api/batchservice/batch-status-and-error-codes)
pub(crate) fn property(error: &Error) -> Option<&'static str> {
    let named = error.detail("PropertyName").filter(|_| error.status() == Some(400))?;
    let last = named.rsplit(['.', '/']).next()?;
    let (_, ours) = PROPERTIES.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(last))?;
    Some(ours)
}

/// Says what a refusal means beyond "not with this key", nor "not as this identity": nothing for other errors.
pub(crate) fn meaning(error: &Error) -> Option<String> {
    let refused = matches!(error.status(), Some(401 | 403));
    refused.then(|| find(&REFUSALS, &error.to_string(), WORKERS)).flatten()
}

/// The same for what a node says about a request of its own.
pub(crate) fn meaning_of(said: &str, who: Who) -> Option<String> {
    find(&REFUSALS, said, who).or_else(|| find(&RIGHTS, said, who))
}

fn find(table: &[(&[&str], &str)], said: &str, who: Who) -> Option<String> {
    let (_, meaning) =
        table.iter().find(|(signs, _)| signs.iter().any(|sign| said.contains(sign)))?;
    Some(meaning.replace("{who}", who.name).replace("{identity}", who.identity))
}

/// An error of a service, led by what it means where that is known.
pub(crate) fn in_words(error: &Error) -> String {
    let refused = matches!(error.status(), Some(401 | 403));
    let said = error.to_string();
    let known = || meaning_of(&said, WORKERS).or_else(|| find(&MEANWHILE, &said, WORKERS));
    let meaning = refused.then(known).flatten();
    meaning.map_or_else(|| said.clone(), |meaning| format!("{meaning} ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_known_by_its_code_and_by_its_message() {
        let table = [
            ("403 AuthorizationFailure", "network rules"),
            ("This request is not authorized to perform this operation.", "network rules"),
            ("403 KeyBasedAuthenticationNotPermitted", "allowSharedKeyAccess"),
            (
                "Key based authentication is not permitted on this storage account.",
                "allowSharedKey",
            ),
            (
                "The specified type of authentication SharedKey is not allowed for this account.",
                "allowedAuthenticationModes",
            ),
            ("403 AccountIsDisabled", "the account is disabled"),
            ("403 InsufficientAccountPermissions", "Azure Batch Job Submitter"),
            ("403 AuthorizationPermissionMismatch", "Storage Blob Data Contributor"),
            (
                "This request is not authorized to perform this operation using this permission.",
                "Storage Blob Data Contributor",
            ),
        ];
        for (said, meaning) in table {
            let found = meaning_of(said, NODES).unwrap();
            assert!(found.contains(meaning) && !found.contains('{'), "{found}");
        }
        assert_eq!(meaning_of("403 AuthenticationFailed", NODES), None);
    }
}
