//! JSON of the images that pools can have.

use serde_json::{Map, Value, json};

use super::object;
use super::pool::image_reference;
use crate::wire::pool::ImageReference;

/// Publisher, offer, sku and node agent, whether the service verified the image, and its
/// capabilities.
type Image =
    (&'static str, &'static str, &'static str, &'static str, bool, &'static [&'static str]);

/// The images of Linux on x64 that Azure was recorded to list in February 2026. Nodes run Linux
/// here, and a pool may name any other image of Linux.
#[rustfmt::skip]
const IMAGES: [Image; 13] = [
    ("almalinux", "almalinux-hpc", "8-hpc-gen1", "el 8", false, HPC),
    ("almalinux", "almalinux-hpc", "8-hpc-gen2", "el 8", false, HPC_2),
    ("almalinux", "almalinux-x86_64", "8-gen1", "el 8", true, &[]),
    ("almalinux", "almalinux-x86_64", "8-gen2", "el 8", true, GENERATION_2),
    ("almalinux", "almalinux-x86_64", "9-gen1", "el 9", true, &[]),
    ("almalinux", "almalinux-x86_64", "9-gen2", "el 9", true, GENERATION_2),
    ("canonical", "0001-com-ubuntu-server-jammy", "22_04-lts", "ubuntu 22.04", true, &[]),
    ("canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2", "ubuntu 22.04", true, GENERATION_2),
    ("canonical", "ubuntu-24_04-lts", "server", "ubuntu 24.04", true, GENERATION_2),
    ("canonical", "ubuntu-24_04-lts", "server-gen1", "ubuntu 24.04", true, &[]),
    ("microsoft-dsvm", "ubuntu-hpc", "2204", "ubuntu 22.04", false, HPC_2),
    ("microsoft-dsvm", "ubuntu-hpc", "2404", "ubuntu 24.04", true, HPC_2),
    ("microsoftcblmariner", "azure-linux-3", "azure-linux-3", "azurelinux 3.0", true, &[]),
];

const GENERATION_2: &[&str] = &["Generation2VMImage"];
const HPC: &[&str] = &["DockerCompatible", "SupportsRDMAOnly", "IntelMPIRuntimeInstalled"];
const HPC_2: &[&str] =
    &["DockerCompatible", "SupportsRDMAOnly", "IntelMPIRuntimeInstalled", "Generation2VMImage"];

/// Returns all images as the service shows them.
pub(crate) fn all() -> impl Iterator<Item = Map<String, Value>> {
    IMAGES.iter().map(|(publisher, offer, sku, agent, is_verified, capabilities)| {
        let image = ImageReference::of_marketplace(publisher, offer, sku);
        object(&json!({
            "nodeAgentSKUId": format!("batch.node.{agent}"),
            "imageReference": image_reference(&image),
            "osType": "linux",
            "verificationType": if *is_verified { "verified" } else { "unverified" },
            "capabilities": (!capabilities.is_empty()).then_some(capabilities),
        }))
    })
}
