//! Event numbers.

use std::fmt;
use std::str::FromStr;

/// The numbers of the events that a fault applies to, counted from 1 since the fault was added:
/// `#2`, `#2..5`, `#2..`. An empty text means every event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nth {
    /// The first number.
    pub(crate) first: u64,
    /// The last number; `None` for no end.
    pub(crate) last: Option<u64>,
}

impl Nth {
    /// Every event.
    pub(crate) const EVERY: Nth = Nth { first: 1, last: None };

    /// Returns exactly this number.
    pub(crate) fn only(number: u64) -> Nth {
        Nth { first: number, last: Some(number) }
    }

    pub(crate) fn contains(self, number: u64) -> bool {
        self.first <= number && self.last.is_none_or(|last| number <= last)
    }
}

impl FromStr for Nth {
    type Err = String;

    /// Parses the text after the `#`: `2`, `2..5` or `2..`.
    fn from_str(text: &str) -> Result<Nth, String> {
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
        let nth = match text.split_once("..") {
            None => number(text).map(Nth::only),
            Some((first, "")) => number(first).map(|first| Nth { first, last: None }),
            Some((first, last)) => number(first)
                .zip(number(last))
                .filter(|(first, last)| first <= last)
                .map(|(first, last)| Nth { first, last: Some(last) }),
        };
        nth.ok_or_else(|| {
            format!("'#{text}' is not of the form #2, #2..5 or #2.., counting from #1")
        })
    }
}

impl fmt::Display for Nth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (1, None) => Ok(()),
            (first, None) => write!(formatter, "#{first}.."),
            (first, Some(last)) if first == last => write!(formatter, "#{first}"),
            (first, Some(last)) => write!(formatter, "#{first}..{last}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_a_range_and_an_open_range_are_read_and_written() {
        for (text, in_it, not_in_it) in [
            ("2", vec![2], vec![1, 3]),
            ("2..4", vec![2, 4], vec![1, 5]),
            ("2..", vec![2, 99], vec![1]),
        ] {
            let nth: Nth = text.parse().unwrap();
            assert_eq!(nth.to_string(), format!("#{text}"));
            assert!(in_it.iter().all(|&number| nth.contains(number)), "{text}");
            assert!(!not_in_it.iter().any(|&number| nth.contains(number)), "{text}");
        }
        assert_eq!(Nth::EVERY.to_string(), "");
    }

    #[test]
    fn what_is_no_number_from_one_on_is_refused() {
        for text in ["", "0", "-1", "a", "..", "..3", "3..2", "0..2", "1...2", "1..2..3"] {
            assert!(text.parse::<Nth>().is_err(), "{text}");
        }
    }
}
