use std::fmt;

/// A request that cannot be run, and the property that is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    property: &'static str,
    reason: String,
}

impl Invalid {
    pub(crate) fn new(property: &'static str, reason: impl fmt::Display) -> Self {
        let reason = reason.to_string();
        Self { property, reason }
    }

    /// The name of the property as a flow author writes it, such as `blobStorage.connectionString`.
    #[must_use]
    pub fn property(&self) -> &'static str {
        self.property
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.property, self.reason)
    }
}

impl std::error::Error for Invalid {}
