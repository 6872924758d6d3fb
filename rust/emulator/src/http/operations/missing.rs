//! The operations of the REST API that the emulator does not have. They are answered with 501.

/// An operation of the service.
pub(super) struct Missing {
    /// The title of its REST page.
    pub(super) name: &'static str,
    pub(super) verb: &'static str,
    /// As in [`super::route::Operation`].
    pub(super) path: &'static str,
}

const fn missing(name: &'static str, verb: &'static str, path: &'static str) -> Missing {
    Missing { name, verb, path }
}

/// The operations of all supported API versions that no table of a resource has. Those on
/// certificates, the remote desktop file and the lifetime statistics are only in older versions.
#[rustfmt::skip]
pub(super) static MISSING: &[Missing] = &[
    missing("List Applications", "GET", "applications"),
    missing("Get Application", "GET", "applications/{application}"),
    missing("Create Certificate", "POST", "certificates"),
    missing("List Certificates", "GET", "certificates"),
    missing("Get Certificate", "GET", "certificates({certificate})"),
    missing("Delete Certificate", "DELETE", "certificates({certificate})"),
    missing("Cancel Certificate Deletion", "POST", "certificates({certificate})/canceldelete"),
    missing("Get Pool Lifetime Statistics", "GET", "lifetimepoolstats"),
    missing("Get Job Lifetime Statistics", "GET", "lifetimejobstats"),
    missing("Start Node", "POST", "pools/{pool}/nodes/{node}/start"),
    missing("Deallocate Node", "POST", "pools/{pool}/nodes/{node}/deallocate"),
    missing("Create Node User", "POST", "pools/{pool}/nodes/{node}/users"),
    missing("Replace Node User", "PUT", "pools/{pool}/nodes/{node}/users/{user}"),
    missing("Delete Node User", "DELETE", "pools/{pool}/nodes/{node}/users/{user}"),
    missing("Get Node Remote Login Settings", "GET", "pools/{pool}/nodes/{node}/remoteloginsettings"),
    missing("Get Node Remote Desktop File", "GET", "pools/{pool}/nodes/{node}/rdp"),
    missing("Upload Node Logs", "POST", "pools/{pool}/nodes/{node}/uploadbatchservicelogs"),
    missing("List Node Extensions", "GET", "pools/{pool}/nodes/{node}/extensions"),
    missing("Get Node Extension", "GET", "pools/{pool}/nodes/{node}/extensions/{extension}"),
    missing("List Sub Tasks", "GET", "jobs/{job}/tasks/{task}/subtasksinfo"),
];
