//! Numbers as the service writes them: with six significant digits, as C's `%g`.

/// The significant digits.
const DIGITS: i32 = 6;

/// Returns the text of a number.
pub(super) fn text(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".to_owned() } else { value.to_string().to_lowercase() };
    }
    let scientific = format!("{value:.*e}", (DIGITS - 1) as usize);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..DIGITS).contains(&exponent) {
        let decimals = (DIGITS - 1 - exponent).max(0) as usize;
        return trimmed(&format!("{value:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
}

/// Drops zeros at the end of a fraction.
fn trimmed(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_have_six_significant_digits() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (5.0, "5"),
            (0.5, "0.5"),
            (290.0 / 3.0, "96.6667"),
            (999_999.0, "999999"),
            (999_999.5, "1e+06"),
            (-1_234_567.0, "-1.23457e+06"),
            (0.0001, "0.0001"),
            (0.000_012_345_67, "1.23457e-05"),
            (1e300, "1e+300"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(value), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]
        #[test]
        fn numbers_are_written_as_printf_does(
            values in prop::collection::vec((-1e9..1e9_f64, -12..12_i32), 64),
        ) {
            let values: Vec<f64> = values.iter().map(|(one, scale)| one * 10_f64.powi(*scale)).collect();
            let arguments = values.iter().map(|value| format!("{value:e}"));
            let output = Command::new("printf").arg("%g\n").args(arguments).output().unwrap();
            let expected = String::from_utf8(output.stdout).unwrap();
            let written: Vec<String> = values.iter().map(|value| text(*value)).collect();
            prop_assert_eq!(written, expected.lines().collect::<Vec<_>>());
        }
    }
}
