//! The pools of an account.

use std::str::FromStr;
use std::time::Duration;

use super::{ResizeError, StartTask};

/// The most task slots of a node.
pub(crate) const MAX_SLOTS: u32 = 256;
/// The most characters of a user account's name.
pub(crate) const MAX_USER_NAME: usize = 20;
/// The most nodes of a pool here: each is a directory tree of this machine.
pub(crate) const MAX_NODES: u32 = 100;

const SLOTS: &str = "a node has 1 to 256 task slots";
const NODES: &str = "a pool has at most 100 nodes";
const USAGE: &str = "none of nodes=N, low-priority=N (100 nodes at most in all), slots=1 to \
    slots=256, containers=yes|no, identity=RESOURCE-ID, user=NAME, admin=NAME, start-delay=MILLIS";

/// A pool of Linux nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// The pool's id.
    pub id: String,
    /// The number of dedicated nodes.
    pub nodes: u32,
    /// The number of low-priority nodes, which can be preempted. At most 100 nodes in all.
    pub low_priority: u32,
    /// The task slots of each node, from 1 to 256.
    pub slots: u32,
    /// Whether it has a containerConfiguration. Its tasks need containerSettings if and only if it
    /// has.
    pub containers: bool,
    /// The resource ids of its user-assigned managed identities.
    pub identities: Vec<String>,
    /// The names of its user accounts.
    pub users: Vec<String>,
    /// The names of those that are administrators.
    pub administrators: Vec<String>,
    /// The start task of its nodes.
    pub start_task: Option<StartTask>,
    /// How long each node takes to start, before its start task.
    pub start_delay: Duration,
    /// The error with which all allocations fail; `None` lets them succeed.
    pub resize_error: Option<ResizeError>,
}

impl From<&str> for PoolSettings {
    /// Returns a pool with this id, containers, and one dedicated node with 4 slots.
    fn from(id: &str) -> PoolSettings {
        PoolSettings {
            id: id.to_owned(),
            nodes: 1,
            low_priority: 0,
            slots: 4,
            containers: true,
            identities: Vec::new(),
            users: Vec::new(),
            administrators: Vec::new(),
            start_task: None,
            start_delay: Duration::ZERO,
            resize_error: None,
        }
    }
}

impl FromStr for PoolSettings {
    type Err = String;

    /// Parses `NAME` or `NAME:nodes=2,slots=2,containers=no`.
    fn from_str(text: &str) -> Result<PoolSettings, String> {
        let Some((id, traits)) = text.split_once(':') else { return Ok(text.into()) };
        let mut pool = PoolSettings::from(id);
        for one in traits.split(',') {
            let set = pool.set(one).filter(|()| pool.exceeded_limit().is_none());
            set.ok_or_else(|| format!("'{one}' is {USAGE}"))?;
        }
        Ok(pool)
    }
}

impl PoolSettings {
    fn set(&mut self, assignment: &str) -> Option<()> {
        match assignment.split_once('=')? {
            ("nodes", count) => self.nodes = count.parse().ok()?,
            ("low-priority", count) => self.low_priority = count.parse().ok()?,
            ("slots", count) => self.slots = count.parse().ok()?,
            ("start-delay", millis) => {
                self.start_delay = Duration::from_millis(millis.parse().ok()?)
            }
            ("containers", "yes") => self.containers = true,
            ("containers", "no") => self.containers = false,
            ("user", name) if is_user_name(name) => self.users.push(name.to_owned()),
            ("admin", name) if is_user_name(name) => self.administrators.push(name.to_owned()),
            ("identity", id) if !id.is_empty() => self.identities.push(id.to_owned()),
            _ => return None,
        }
        Some(())
    }

    /// Returns the limit that these settings exceed, if any.
    pub(crate) fn exceeded_limit(&self) -> Option<&'static str> {
        if !(1..=MAX_SLOTS).contains(&self.slots) {
            Some(SLOTS)
        } else if self.nodes.saturating_add(self.low_priority) > MAX_NODES {
            Some(NODES)
        } else {
            None
        }
    }
}

fn is_user_name(name: &str) -> bool {
    (1..=MAX_USER_NAME).contains(&name.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_read_with_what_it_names() {
        let plain = PoolSettings::from("p");
        let cases = [
            ("p", plain.clone()),
            ("p:containers=no", PoolSettings { containers: false, ..plain.clone() }),
            ("p:slots=9,containers=yes", PoolSettings { slots: 9, ..plain.clone() }),
            (
                "p:nodes=0,low-priority=2",
                PoolSettings { nodes: 0, low_priority: 2, ..plain.clone() },
            ),
            (
                "p:identity=/a/b,identity=/c",
                PoolSettings { identities: vec!["/a/b".into(), "/c".into()], ..plain.clone() },
            ),
            (
                "p:user=u,admin=a",
                PoolSettings { users: vec!["u".into()], administrators: vec!["a".into()], ..plain },
            ),
        ];
        for (text, pool) in cases {
            assert_eq!(text.parse(), Ok(pool), "{text}");
        }
    }

    #[test]
    fn what_a_pool_does_not_have_is_named() {
        let wrong = [
            "slots=0",
            "slots=257",
            "slots=x",
            "containers=maybe",
            "slots",
            "identity=",
            "user=",
            "",
        ];
        for wrong in wrong.into_iter().chain(["nodes=-1", "nodes=101", "low-priority=100"]) {
            let error = format!("p:{wrong}").parse::<PoolSettings>().unwrap_err();
            assert!(error.starts_with(&format!("'{wrong}'")), "{error}");
        }
    }
}
