//! The network of a pool, which is that of this machine: it is only shown.

use crate::wire::enumeration::enumeration;
use serde::{Deserialize, Serialize};

/// `networkConfiguration`.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Network {
    subnet_id: Option<String>,
    #[serde(default, rename = "dynamicVNetAssignmentScope")]
    dynamic_vnet_assignment_scope: AssignmentScope,
    endpoint_configuration: Option<Endpoints>,
    #[serde(rename = "publicIPAddressConfiguration")]
    public_ip_address_configuration: Option<PublicAddresses>,
    enable_accelerated_networking: Option<bool>,
}

#[derive(Clone, Copy, Default)]
enum AssignmentScope {
    #[default]
    None,
    Job,
}

enumeration!(AssignmentScope {
    None = "none",
    Job = "job",
});

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Endpoints {
    #[serde(rename = "inboundNATPools")]
    inbound_nat_pools: Vec<NatPool>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NatPool {
    name: String,
    protocol: Protocol,
    backend_port: u16,
    frontend_port_range_start: u16,
    frontend_port_range_end: u16,
    network_security_group_rules: Option<Vec<SecurityRule>>,
}

#[derive(Clone, Copy)]
enum Protocol {
    Tcp,
    Udp,
}

enumeration!(Protocol {
    Tcp = "tcp",
    Udp = "udp",
});

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SecurityRule {
    priority: u32,
    access: Access,
    source_address_prefix: String,
    source_port_ranges: Option<Vec<String>>,
}

#[derive(Clone, Copy)]
enum Access {
    Allow,
    Deny,
}

enumeration!(Access {
    Allow = "allow",
    Deny = "deny",
});

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PublicAddresses {
    provision: Option<Provision>,
    ip_families: Option<Vec<Family>>,
    ip_address_ids: Option<Vec<String>>,
    ip_tags: Option<Vec<Tag>>,
}

#[derive(Clone, Copy)]
enum Provision {
    BatchManaged,
    UserManaged,
    NoPublicAddresses,
}

enumeration!(Provision {
    BatchManaged = "batchmanaged",
    UserManaged = "usermanaged",
    NoPublicAddresses = "nopublicipaddresses",
});

#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

enumeration!(Family {
    V4 = "IPv4",
    V6 = "IPv6",
});

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Tag {
    ip_tag_type: Option<String>,
    tag: Option<String>,
}
