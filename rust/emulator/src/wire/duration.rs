//! ISO 8601 durations as the service takes them: days, hours, minutes and seconds.

use std::time::Duration;

/// The largest duration of the service, which it shows where no limit was set.
pub(crate) const UNLIMITED: &str = "P10675199DT2H48M5.4775807S";

/// The length of an ISO 8601 duration such as `PT30M` or `P1DT2.5S`; `None` if it is not one.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.strip_prefix('P')?;
    let (date, clock) =
        text.split_once('T').map_or((text, None), |(date, clock)| (date, Some(clock)));
    if (date.is_empty() && clock.is_none()) || clock == Some("") {
        return None;
    }
    let days = sum(date, &[('D', 86_400.0)])?;
    let rest = sum(clock.unwrap_or(""), &[('H', 3_600.0), ('M', 60.0), ('S', 1.0)])?;
    Duration::try_from_secs_f64(days + rest).ok()
}

/// Adds up numbers, each followed by its unit; units appear once and in order.
fn sum(text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut rest = text;
    let mut total = 0.0;
    for &(unit, seconds) in units {
        if let Some((number, after)) = rest.split_once(unit) {
            if !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
                return None;
            }
            total += number.parse::<f64>().ok()? * seconds;
            rest = after;
        }
    }
    rest.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        let cases = [
            ("PT30M", 1_800.0),
            ("P7D", 604_800.0),
            ("PT3S", 3.0),
            ("P1DT1H1M1.5S", 90_061.5),
            ("PT0S", 0.0),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        assert!(parse(UNLIMITED).is_some());
    }

    #[test]
    fn other_text_is_no_duration() {
        for text in ["", "P", "PT", "30", "PT5", "P1H", "PT1S1M", "P-1D", "PT1e3S", "1:00:00"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
