//! A local Azure Batch: answers as the service would and runs tasks on this machine.
