//! The usage of pools: the time that their nodes were there.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};

/// The intervals in which usage is summed up. They begin at full and half hours.
const INTERVAL: Duration = Duration::minutes(30);

/// The time of a node in its pool.
#[derive(Clone)]
pub(crate) struct NodeTime {
    pub(crate) pool: String,
    pub(crate) vm_size: String,
    pub(crate) from: OffsetDateTime,
    pub(crate) to: OffsetDateTime,
}

/// The usage of a pool in an interval.
#[derive(Debug, PartialEq)]
pub(crate) struct PoolUsage {
    pub(crate) pool: String,
    pub(crate) vm_size: String,
    pub(crate) start: OffsetDateTime,
    pub(crate) end: OffsetDateTime,
    pub(crate) core_hours: f64,
}

/// Returns the beginning of the interval in which a time lies.
pub(crate) fn interval_start(at: OffsetDateTime) -> OffsetDateTime {
    let into = at.unix_timestamp().rem_euclid(INTERVAL.whole_seconds());
    at.replace_nanosecond(0).unwrap_or(at) - Duration::seconds(into)
}

/// Returns the start of the last interval that ends at this time.
pub(crate) fn interval_before(end: OffsetDateTime) -> OffsetDateTime {
    end - INTERVAL
}

/// Sums up the usage in each interval that lies between two times.
pub(crate) fn sum(
    nodes: impl Iterator<Item = NodeTime>,
    from: OffsetDateTime,
    to: OffsetDateTime,
) -> Vec<PoolUsage> {
    let mut usage: BTreeMap<_, f64> = BTreeMap::new();
    for node in nodes {
        let mut start = interval_start(node.from).max(interval_start(from));
        while start < node.to && start + INTERVAL <= to {
            let time = node.to.min(start + INTERVAL) - node.from.max(start);
            if start >= from {
                let hours = time.as_seconds_f64() / 3600.0 * f64::from(cores(&node.vm_size));
                let key = (start, node.pool.clone(), node.vm_size.clone());
                *usage.entry(key).or_default() += hours;
            }
            start += INTERVAL;
        }
    }
    let pool_usage = |((start, pool, vm_size), core_hours)| PoolUsage {
        pool,
        vm_size,
        start,
        end: start + INTERVAL,
        core_hours,
    };
    usage.into_iter().map(pool_usage).collect()
}

/// Returns the cores of a VM size: the first number in its name.
fn cores(vm_size: &str) -> u32 {
    let from = vm_size.find(|c: char| c.is_ascii_digit()).unwrap_or(vm_size.len());
    let digits: String = vm_size[from..].chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn node(from: OffsetDateTime, to: OffsetDateTime) -> NodeTime {
        NodeTime { pool: "pool".into(), vm_size: "Standard_D4s_v3".into(), from, to }
    }

    fn usage(start: OffsetDateTime, core_hours: f64) -> PoolUsage {
        let (pool, vm_size) = ("pool".into(), "Standard_D4s_v3".into());
        PoolUsage { pool, vm_size, start, end: start + INTERVAL, core_hours }
    }

    #[test]
    fn the_time_of_nodes_is_summed_up_for_each_half_hour() {
        let day = datetime!(2026-11-02 00:00 UTC);
        let at = |minutes| day + Duration::minutes(minutes);
        let nodes = [node(at(10), at(70)), node(at(30), at(60)), node(at(500), at(510))];
        let sums = sum(nodes.into_iter(), day, at(90));
        let expected = [usage(at(0), 4.0 / 3.0), usage(at(30), 4.0), usage(at(60), 2.0 / 3.0)];
        assert_eq!(sums.len(), 3);
        for (found, wanted) in sums.iter().zip(&expected) {
            assert_eq!((found.start, found.end), (wanted.start, wanted.end));
            assert!((found.core_hours - wanted.core_hours).abs() < 1e-9, "{found:?}");
        }
    }

    #[test]
    fn only_whole_half_hours_between_the_two_times_count() {
        let day = datetime!(2026-11-02 00:00 UTC);
        let at = |minutes| day + Duration::minutes(minutes);
        let all_day = || [node(day, at(1440))].into_iter();
        let starts = |from, to| {
            sum(all_day(), from, to).into_iter().map(|usage| usage.start).collect::<Vec<_>>()
        };
        assert_eq!(starts(at(5), at(95)), [at(30), at(60)]);
        assert_eq!(starts(at(30), at(60)), [at(30)]);
        assert!(starts(at(60), at(30)).is_empty());
    }

    #[test]
    fn the_cores_of_a_machine_are_in_its_name() {
        let sizes =
            [("Standard_D1_v2", 1), ("standard_d16s_v5", 16), ("STANDARD_NC6", 6), ("x", 1)];
        for (size, number) in sizes {
            assert_eq!(cores(size), number, "{size}");
        }
    }

    #[test]
    fn an_interval_begins_at_a_full_or_half_hour() {
        let at = datetime!(2026-11-02 22:07:31.5 UTC);
        assert_eq!(interval_start(at), datetime!(2026-11-02 22:00 UTC));
        assert_eq!(interval_before(interval_start(at)), datetime!(2026-11-02 21:30 UTC));
    }
}
