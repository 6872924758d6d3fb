//! ISO 8601 durations as the service accepts them: years, months, days, hours, minutes and seconds. A year has 365 days,
//! a month 30, and the service shows both in days.

use std::borrow::Cow;
use std::time::Duration;

/// The largest duration of the service, which it shows where there is no limit.
pub(crate) const UNLIMITED: &str = "P10675199DT2H48M5.4775807S";

const DAY: f64 = 86_400.0;
const DATE: [(char, f64); 3] = [('Y', 365.0 * DAY), ('M', 30.0 * DAY), ('D', DAY)];

/// Returns a duration as the service shows it.
pub(crate) fn in_days(text: &str) -> Cow<'_, str> {
    let date = text.trim_start_matches('P').split('T').next().unwrap_or_default();
    let days = sum(date, &DATE).filter(|_| date.contains(['Y', 'M'])).map(|days| days / DAY);
    let shown = days.map(|days| format!("P{days}D{}", &text['P'.len_utf8() + date.len()..]));
    shown.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Returns a duration in ISO 8601, to a tenth of a microsecond.
pub(crate) fn text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let part =
        |number: u64, unit| if number == 0 { String::new() } else { format!("{number}{unit}") };
    let fraction = format!(".{:07}", duration.subsec_nanos() / 100);
    let fraction = fraction.trim_end_matches(['0', '.']);
    let rest = format!("{}{fraction}S", seconds % 60);
    let clock = part(hours, 'H') + &part(minutes, 'M') + if rest == "0S" { "" } else { &rest };
    match (days, clock.is_empty()) {
        (0, true) => "PT0S".to_owned(),
        (_, true) => format!("P{days}D"),
        (_, false) => format!("P{}T{clock}", part(days, 'D')),
    }
}

/// Parses an ISO 8601 duration such as `PT30M` or `P1DT2.5S`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.strip_prefix('P')?;
    let (date, clock) =
        text.split_once('T').map_or((text, None), |(date, clock)| (date, Some(clock)));
    if (date.is_empty() && clock.is_none()) || clock == Some("") {
        return None;
    }
    let days = sum(date, &DATE)?;
    let rest = sum(clock.unwrap_or(""), &[('H', 3_600.0), ('M', 60.0), ('S', 1.0)])?;
    Duration::try_from_secs_f64(days + rest).ok()
}

/// Adds up numbers with units; each unit appears at most once, in order.
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_duration_is_the_sum_of_its_parts(
            days in prop::option::of(0..9_999_u64),
            clock in prop::option::of((0..99_u64, 0..99_u64, 0..99_u64, 0..1_000_u64)),
        ) {
            prop_assume!(days.is_some() || clock.is_some());
            let date = days.map_or(String::new(), |days| format!("{days}D"));
            let time = clock.map_or(String::new(), |(h, m, s, milli)| format!("T{h}H{m}M{s}.{milli:03}S"));
            let (h, m, s, milli) = clock.unwrap_or_default();
            let seconds = ((days.unwrap_or_default() * 24 + h) * 60 + m) * 60 + s;
            let read = parse(&format!("P{date}{time}")).map(|read| (read.as_secs_f64() * 1e3).round());
            prop_assert_eq!(read, Some((seconds * 1000 + milli) as f64));
        }

        #[test]
        fn any_text_is_a_duration_or_none(text in "P?[0-9.DTHMSe+-]{0,12}|P[0-9]{1,400}D|\\PC*") {
            parse(&text);
        }
    }

    #[test]
    fn durations_are_written() {
        let cases = [
            (0.0, "PT0S"),
            (0.25, "PT0.25S"),
            (60.0, "PT1M"),
            (3_600.5, "PT1H0.5S"),
            (86_400.0, "P1D"),
            (90_061.0, "P1DT1H1M1S"),
        ];
        for (seconds, written) in cases {
            let duration = Duration::from_secs_f64(seconds);
            assert_eq!(text(duration), written);
            assert_eq!(parse(written), Some(duration));
        }
    }

    #[test]
    fn durations_are_read() {
        let cases = [
            ("PT30M", 1_800.0),
            ("P7D", 604_800.0),
            ("PT3S", 3.0),
            ("P1DT1H1M1.5S", 90_061.5),
            ("PT0S", 0.0),
            ("P3Y6M4DT12H30M5S", 1_279.0 * 86_400.0 + 45_005.0),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        assert!(parse(UNLIMITED).is_some());
    }

    #[test]
    fn years_and_months_are_shown_in_days() {
        let cases = [
            ("P3Y6M4DT12H30M5S", "P1279DT12H30M5S"),
            ("P1Y", "P365D"),
            ("P2MT1H", "P60DT1H"),
            ("PT5M", "PT5M"),
            ("P7D", "P7D"),
            (UNLIMITED, UNLIMITED),
        ];
        for (text, shown) in cases {
            assert_eq!(in_days(text), shown);
        }
    }

    #[test]
    fn other_text_is_no_duration() {
        for text in ["", "P", "PT", "30", "PT5", "P1H", "PT1S1M", "P-1D", "PT1e3S", "1:00:00"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
