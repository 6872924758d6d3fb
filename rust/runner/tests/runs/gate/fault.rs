//! What can happen to one request on its way.

use std::fmt;

/// A way in which a request fails once, or stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// 429 without an effect.
    TooMany,
    /// 429 with a Retry-After of a second.
    TooManyWait,
    /// 429 after the effect, with a Retry-After of a second: Batch has answered so to a job that it had created.
    TooManyAfter,
    /// 500 after the effect.
    Internal,
    /// 503 without an effect.
    Busy,
    /// The connection breaks without an effect, and the next one is refused.
    Refused,
    /// The connection breaks without an effect.
    DroppedBefore,
    /// The connection breaks after the effect.
    DroppedAfter,
    /// Half of the answer comes, then the connection breaks.
    CutShort,
    /// The effect is there, and the answer never comes.
    Stalled,
}

impl Fault {
    pub(crate) const ALL: [Self; 10] = [
        Self::TooMany,
        Self::TooManyWait,
        Self::TooManyAfter,
        Self::Internal,
        Self::Busy,
        Self::Refused,
        Self::DroppedBefore,
        Self::DroppedAfter,
        Self::CutShort,
        Self::Stalled,
    ];

    pub(crate) fn has_effect(self) -> bool {
        use Fault::{CutShort, DroppedAfter, Internal, Stalled, TooManyAfter};
        matches!(self, TooManyAfter | Internal | DroppedAfter | CutShort | Stalled)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMany => "429",
            Self::TooManyWait => "429 + Retry-After",
            Self::TooManyAfter => "429 after the work",
            Self::Internal => "500",
            Self::Busy => "503",
            Self::Refused => "refused",
            Self::DroppedBefore => "dropped before",
            Self::DroppedAfter => "dropped after",
            Self::CutShort => "cut short",
            Self::Stalled => "stalled",
        })
    }
}
