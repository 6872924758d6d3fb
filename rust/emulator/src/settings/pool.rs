//! The pools of an account.

use std::str::FromStr;

/// Task slots of a node that the service takes at most.
const MOST_SLOTS: u32 = 256;

/// A pool of one Linux node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// The pool's id.
    pub id: String,
    /// The task slots of its node, from 1 to 256.
    pub slots: u32,
    /// Whether it has a containerConfiguration: its tasks need containerSettings exactly then.
    pub containers: bool,
}

impl From<&str> for PoolSettings {
    /// A pool of this id for containers, with 4 slots.
    fn from(id: &str) -> PoolSettings {
        PoolSettings { id: id.to_owned(), slots: 4, containers: true }
    }
}

impl FromStr for PoolSettings {
    type Err = String;

    /// Reads `NAME` or `NAME:slots=2,containers=no`.
    fn from_str(text: &str) -> Result<PoolSettings, String> {
        let Some((id, traits)) = text.split_once(':') else { return Ok(text.into()) };
        let mut pool = PoolSettings::from(id);
        for one in traits.split(',') {
            pool.set(one).ok_or_else(|| {
                format!("'{one}' is neither slots=1 to slots={MOST_SLOTS} nor containers=yes|no")
            })?;
        }
        Ok(pool)
    }
}

impl PoolSettings {
    fn set(&mut self, assignment: &str) -> Option<()> {
        match assignment.split_once('=')? {
            ("slots", count) => self.slots = count.parse().ok().filter(is_slots)?,
            ("containers", "yes") => self.containers = true,
            ("containers", "no") => self.containers = false,
            _ => return None,
        }
        Some(())
    }

    /// Whether its node has as many slots as a node may have.
    pub(crate) fn has_valid_slots(&self) -> bool {
        is_slots(&self.slots)
    }
}

fn is_slots(count: &u32) -> bool {
    (1..=MOST_SLOTS).contains(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_read_with_what_it_names() {
        let plain = PoolSettings { id: "p".into(), slots: 4, containers: true };
        let cases = [
            ("p", plain.clone()),
            ("p:containers=no", PoolSettings { containers: false, ..plain.clone() }),
            ("p:slots=9,containers=yes", PoolSettings { slots: 9, ..plain }),
        ];
        for (text, pool) in cases {
            assert_eq!(text.parse(), Ok(pool), "{text}");
        }
    }

    #[test]
    fn what_a_pool_does_not_have_is_named() {
        for wrong in ["slots=0", "slots=257", "slots=x", "containers=maybe", "nodes=2", "slots", ""]
        {
            let error = format!("p:{wrong}").parse::<PoolSettings>().unwrap_err();
            assert!(error.starts_with(&format!("'{wrong}'")), "{error}");
        }
    }
}
