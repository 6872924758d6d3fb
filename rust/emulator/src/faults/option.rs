//! The options of a failure: `ms=500`.

/// The number of the option of this name.
///
/// # Errors
/// Says that the option is not that.
pub(crate) fn number(option: &str, name: &str) -> Result<u32, String> {
    let value = option.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
    let number = value.and_then(|value| value.parse().ok());
    number.ok_or_else(|| format!("'{option}' is not {name}=NUMBER"))
}
