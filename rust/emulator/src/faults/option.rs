//! Options of a failure, such as `ms=500`.

/// Parses `NAME=NUMBER`.
///
/// # Errors
/// When the option has another name or no number.
pub(crate) fn number(option: &str, name: &str) -> Result<u32, String> {
    let value = option.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
    let number = value.and_then(|value| value.parse().ok());
    number.ok_or_else(|| format!("'{option}' is not {name}=NUMBER"))
}
