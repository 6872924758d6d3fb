//! The virtual machines of a pool. Nodes here are directories of this machine: what makes no
//! difference to a task is accepted and shown, the rest is refused.

use crate::wire::enumeration::enumeration;
use serde::{Deserialize, Serialize};

use crate::wire::common::{IdentityReference, Unsupported};
use crate::wire::task::Registry;

/// `virtualMachineConfiguration`.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VirtualMachine {
    pub(crate) image_reference: ImageReference,
    #[serde(rename = "nodeAgentSKUId")]
    pub(crate) node_agent_sku_id: String,
    pub(crate) container_configuration: Option<ContainerConfiguration>,
    windows_configuration: Option<Unsupported>,
    /// Only of Windows images.
    license_type: Option<Unsupported>,
    /// They would install programs on the nodes.
    extensions: Option<Vec<Unsupported>>,
    data_disks: Option<Vec<DataDisk>>,
    os_disk: Option<OsDisk>,
    disk_encryption_configuration: Option<DiskEncryption>,
    node_placement_configuration: Option<NodePlacement>,
    security_profile: Option<SecurityProfile>,
    service_artifact_reference: Option<ResourceId>,
}

/// The image of the machines: of the marketplace, or with one of the ids.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ImageReference {
    pub(crate) publisher: Option<String>,
    pub(crate) offer: Option<String>,
    pub(crate) sku: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) virtual_machine_image_id: Option<String>,
    pub(crate) shared_gallery_image_id: Option<String>,
    pub(crate) community_gallery_image_id: Option<String>,
}

/// What makes a pool one for containers.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ContainerConfiguration {
    #[serde(rename = "type")]
    pub(crate) kind: ContainerType,
    /// The images to pull when a node starts, which makes no difference here.
    pub(crate) container_image_names: Option<Vec<String>>,
    pub(crate) container_registries: Option<Vec<Registry>>,
}

#[derive(Clone, Copy)]
pub(crate) enum ContainerType {
    DockerCompatible,
    CriCompatible,
}

enumeration!(ContainerType {
    DockerCompatible = "dockerCompatible",
    CriCompatible = "criCompatible",
});

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DataDisk {
    lun: u32,
    caching: Option<Caching>,
    #[serde(rename = "diskSizeGB")]
    disk_size_gb: u32,
    /// Until 2024-07-01.20.0; then in `managedDisk`.
    storage_account_type: Option<StorageAccountType>,
    managed_disk: Option<ManagedDisk>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OsDisk {
    #[serde(rename = "ephemeralOSDiskSettings")]
    ephemeral_os_disk_settings: Option<EphemeralDisk>,
    caching: Option<Caching>,
    #[serde(rename = "diskSizeGB")]
    disk_size_gb: Option<u32>,
    managed_disk: Option<ManagedDisk>,
    write_accelerator_enabled: Option<bool>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct EphemeralDisk {
    placement: Option<DiskPlacement>,
}

#[derive(Clone, Copy)]
enum DiskPlacement {
    CacheDisk,
}

enumeration!(DiskPlacement { CacheDisk = "cachedisk" });

#[derive(Clone, Copy)]
enum Caching {
    None,
    ReadOnly,
    ReadWrite,
}

enumeration!(Caching {
    None = "none",
    ReadOnly = "readonly",
    ReadWrite = "readwrite",
});

#[derive(Clone, Copy)]
enum StorageAccountType {
    Standard,
    Premium,
    StandardSsd,
}

enumeration!(StorageAccountType {
    Standard = "standard_lrs",
    Premium = "premium_lrs",
    StandardSsd = "standardssd_lrs",
});

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ManagedDisk {
    storage_account_type: Option<StorageAccountType>,
    disk_encryption_set: Option<ResourceId>,
    security_profile: Option<DiskSecurity>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DiskSecurity {
    security_encryption_type: Option<String>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DiskEncryption {
    targets: Option<Vec<DiskTarget>>,
    customer_managed_key: Option<CustomerManagedKey>,
}

#[derive(Clone, Copy)]
enum DiskTarget {
    OsDisk,
    TemporaryDisk,
}

enumeration!(DiskTarget {
    OsDisk = "osdisk",
    TemporaryDisk = "temporarydisk",
});

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CustomerManagedKey {
    identity_reference: Option<IdentityReference>,
    key_url: Option<String>,
    rotation_to_latest_key_version_enabled: Option<bool>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NodePlacement {
    policy: Option<PlacementPolicy>,
}

#[derive(Clone, Copy)]
enum PlacementPolicy {
    Regional,
    Zonal,
}

enumeration!(PlacementPolicy {
    Regional = "Regional",
    Zonal = "Zonal",
});

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SecurityProfile {
    encryption_at_host: Option<bool>,
    security_type: Option<SecurityType>,
    uefi_settings: Option<UefiSettings>,
    proxy_agent_settings: Option<ProxyAgent>,
}

#[derive(Clone, Copy)]
enum SecurityType {
    TrustedLaunch,
    ConfidentialVm,
}

enumeration!(SecurityType {
    TrustedLaunch = "trustedLaunch",
    ConfidentialVm = "confidentialVM",
});

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UefiSettings {
    secure_boot_enabled: Option<bool>,
    v_tpm_enabled: Option<bool>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProxyAgent {
    enabled: Option<bool>,
    imds: Option<HostEndpoint>,
    wire_server: Option<HostEndpoint>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct HostEndpoint {
    #[serde(rename = "inVMAccessControlProfileReferenceId")]
    in_vm_access_control_profile_reference_id: Option<String>,
    mode: Option<String>,
}

/// The id of a resource of Azure Resource Manager.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ResourceId {
    id: Option<String>,
}

impl VirtualMachine {
    /// Returns machines with this image.
    pub(crate) fn new(image: ImageReference, node_agent: &str) -> VirtualMachine {
        VirtualMachine {
            image_reference: image,
            node_agent_sku_id: node_agent.to_owned(),
            ..VirtualMachine::default()
        }
    }
}

impl ImageReference {
    /// Returns a reference to an image of the marketplace.
    pub(crate) fn of_marketplace(publisher: &str, offer: &str, sku: &str) -> ImageReference {
        ImageReference {
            publisher: Some(publisher.to_owned()),
            offer: Some(offer.to_owned()),
            sku: Some(sku.to_owned()),
            version: Some("latest".to_owned()),
            ..ImageReference::default()
        }
    }

    /// Returns whether it names exactly one image.
    pub(crate) fn is_valid(&self) -> bool {
        let named = [&self.publisher, &self.offer, &self.sku];
        let ids = [
            &self.virtual_machine_image_id,
            &self.shared_gallery_image_id,
            &self.community_gallery_image_id,
        ];
        let given = |all: &[&Option<String>]| all.iter().filter(|one| one.is_some()).count();
        matches!((given(&named), given(&ids)), (3, 0) | (0, 1))
    }
}
