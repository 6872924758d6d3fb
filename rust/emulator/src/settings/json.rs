//! The settings that the admin endpoint shows, without keys.

use clap::ValueEnum;
use serde_json::{Value, json};

use super::{EntraSettings, Isolation, PoolSettings, Principal, Settings};

impl Settings {
    /// Returns the settings by the names of their switches.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "account": self.account,
            "authentication-modes": self.authentication_modes.iter().map(name).collect::<Vec<_>>(),
            "entra": self.entra.as_ref().map(entra),
            "pools": self.pools.iter().map(pool).collect::<Vec<_>>(),
            "images": self.images,
            "isolation": if self.isolation == Isolation::Bubblewrap { "bwrap" } else { "none" },
            "logs": name(&self.logs),
            "command-line": name(&self.command_line),
            "blob-prefix": name(&self.blob_prefix),
            "wildcard-base": name(&self.wildcard_base),
            "ended-exit-code": name(&self.ended_exit_code),
            "requeue-count": name(&self.requeue_count),
            "consistency": name(&self.consistency),
            "rate-limit": self.rate_limit,
            "clock-offset": self.clock_offset,
            "job-quota": self.job_quota,
            "stats-delay": self.stats_delay.as_millis(),
            "schedule-minimum": self.schedule_minimum.as_millis(),
            "autoscale-speed": self.autoscale_speed,
            "deleted-id-delay": self.deleted_id_delay.as_millis(),
            "client-timeout": self.client_timeout.as_secs(),
        })
    }
}

fn entra(entra: &EntraSettings) -> Value {
    json!({
        "tenant": entra.tenant.to_string(),
        "principals": entra.principals.iter().map(principal).collect::<Vec<_>>(),
        "token-life": entra.token_life.as_secs(),
    })
}

fn principal(principal: &Principal) -> Value {
    json!({
        "client-id": principal.client_id.to_string(),
        "object-id": principal.object_id().to_string(),
        "roles": principal.roles.iter().map(name).collect::<Vec<_>>(),
    })
}

fn pool(pool: &PoolSettings) -> Value {
    json!({
        "id": pool.id,
        "nodes": pool.nodes,
        "low-priority": pool.low_priority,
        "slots": pool.slots,
        "containers": pool.containers,
    })
}

/// Returns a value as its switch accepts it.
fn name(choice: &impl ValueEnum) -> Option<String> {
    choice.to_possible_value().map(|value| value.get_name().to_owned())
}
