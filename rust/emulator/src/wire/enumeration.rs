//! Enumerations, which requests may write in any case and responses write as Azure was recorded to.

/// Implements `Deserialize`, which ignores case, and `Serialize` for an enumeration without data.
macro_rules! enumeration {
    ($name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<$name, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(from)?;
                $(if text.eq_ignore_ascii_case($text) {
                    return Ok($name::$variant);
                })+
                Err(serde::de::Error::unknown_variant(&text, &[$($text),+]))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(match self {
                    $($name::$variant => $text),+
                })
            }
        }
    };
}

pub(crate) use enumeration;
