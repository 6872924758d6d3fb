use runner::Network;
use tokio::runtime::{Builder, Handle, Runtime};

/// Enough for runs that mostly wait.
const THREADS: usize = 2;

/// What runs share: threads, connections, and what is known about each Batch account.
///
/// They come with the first run and go with the last, so an idle library has none. That is the only moment to end
/// them: Java does not say that it throws a class loader away, with the library in it.
pub(crate) struct Shared {
    /// Absent only while it is dropped.
    runtime: Option<Runtime>,
    pub(crate) threads: Handle,
    pub(crate) network: Network,
}

impl Shared {
    /// # Errors
    /// Words on what this machine refuses.
    pub(crate) fn new() -> Result<Self, String> {
        let network = Network::new().map_err(|error| error.to_string())?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("kestra-azure-batch")
            .enable_all()
            .build()
            .map_err(|error| format!("no threads for the Azure Batch task runner: {error}"))?;
        Ok(Self { threads: runtime.handle().clone(), runtime: Some(runtime), network })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The last run may end on one of these very threads, which cannot wait for itself.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
