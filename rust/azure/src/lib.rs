//! Azure Batch and Blob Storage, as far as a task runner needs them. Knows nothing of Kestra.
