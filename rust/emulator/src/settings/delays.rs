//! The minimum duration of states.

use std::str::FromStr;
use std::time::Duration;

/// The minimum time in each state before jobs and tasks change state by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateDelays {
    /// A task before it gets a node, and a job whose tasks are completed.
    pub active: Duration,
    /// A task on its node, before it runs.
    pub preparing: Duration,
    /// A task whose command has ended, before it is completed.
    pub running: Duration,
    /// A job, pool or node in transition: disabling, terminating, deleting, resizing.
    pub changing: Duration,
}

impl From<Duration> for StateDelays {
    /// Returns the same delay for every state.
    fn from(delay: Duration) -> StateDelays {
        StateDelays { active: delay, preparing: delay, running: delay, changing: delay }
    }
}

impl FromStr for StateDelays {
    type Err = String;

    /// Parses milliseconds: `300` for every state, or `active=300,running=500` for some states.
    fn from_str(text: &str) -> Result<StateDelays, String> {
        if let Ok(millis) = text.parse() {
            return Ok(Duration::from_millis(millis).into());
        }
        let mut delays = StateDelays::default();
        for one in text.split(',') {
            delays.set(one).ok_or_else(|| {
                format!("'{one}' is neither MILLIS nor active|preparing|running|changing=MILLIS")
            })?;
        }
        Ok(delays)
    }
}

impl StateDelays {
    fn set(&mut self, assignment: &str) -> Option<()> {
        let (state, millis) = assignment.split_once('=')?;
        let state = match state {
            "active" => &mut self.active,
            "preparing" => &mut self.preparing,
            "running" => &mut self.running,
            "changing" => &mut self.changing,
            _ => return None,
        };
        *state = Duration::from_millis(millis.parse().ok()?);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_delay_is_for_all_states_and_others_are_for_theirs() {
        let millis = Duration::from_millis;
        assert_eq!("300".parse(), Ok(StateDelays::from(millis(300))));
        let two = StateDelays { active: millis(1), changing: millis(20), ..StateDelays::default() };
        assert_eq!("changing=20,active=1".parse(), Ok(two));
        for text in ["", "1s", "-1", "running", "running=", "running=1,", "idle=1"] {
            let error = text.parse::<StateDelays>().unwrap_err();
            assert!(error.contains("preparing"), "{text}: {error}");
        }
    }
}
