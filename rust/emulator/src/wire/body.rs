//! Parses request bodies strictly: unknown, unsupported and missing properties are errors.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::common::UNSUPPORTED;
use crate::error::{ApiError, Code, Result};

/// Parses a request body.
///
/// # Errors
/// `UnsupportedProperty` for a property of the specification that the emulator does not support,
/// `MissingRequiredProperty` for a missing one, `InvalidRequestBody` for anything else.
pub(crate) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        refusal(&path, &error.into_inner().to_string())
    })?;
    json.end().map_err(|error| refusal(".", &error.to_string()))?;
    Ok(value)
}

/// Serde reports the kind of an error only in its message. The tests below check that it stays the
/// same.
fn refusal(path: &str, message: &str) -> ApiError {
    if let Some(name) = missing(path, message) {
        return ApiError::from(Code::MissingRequiredProperty).with("PropertyName", name);
    }
    let code = match message.starts_with(UNSUPPORTED) {
        true => Code::UnsupportedProperty,
        false => Code::InvalidRequestBody,
    };
    ApiError::from(code).with("PropertyName", path).with("Reason", message)
}

/// Returns the path of the missing property; `path` is that of its object.
fn missing(path: &str, message: &str) -> Option<String> {
    let name = message.strip_prefix("missing field `")?.split('`').next()?;
    Some(if path == "." { name.to_owned() } else { format!("{path}.{name}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{job::JobCreate, task::TaskCreate};

    fn refused<T: DeserializeOwned>(body: &str) -> (Code, String) {
        match read::<T>(&Bytes::copy_from_slice(body.as_bytes())) {
            Ok(_) => panic!("the body was accepted: {body}"),
            Err(error) => (error.code, error.values[0].1.clone()),
        }
    }

    #[test]
    fn an_unknown_property_is_refused_and_named() {
        let (code, path) = refused::<TaskCreate>(r#"{"id":"t","commandLine":"x","colour":1}"#);
        assert_eq!((code, path.as_str()), (Code::InvalidRequestBody, "colour"));
    }

    #[test]
    fn an_unknown_property_deep_inside_is_named_with_its_path() {
        let body = r#"{"id":"t","commandLine":"x","resourceFiles":[{"url":"http://x"}]}"#;
        let (code, path) = refused::<TaskCreate>(body);
        assert_eq!((code, path.as_str()), (Code::InvalidRequestBody, "resourceFiles[0].url"));
    }

    #[test]
    fn a_property_that_the_emulator_does_not_do_is_refused_and_named() {
        let body =
            r#"{"id":"t","commandLine":"x","multiInstanceSettings":{"numberOfInstances":2}}"#;
        let (code, path) = refused::<TaskCreate>(body);
        assert_eq!((code, path.as_str()), (Code::UnsupportedProperty, "multiInstanceSettings"));
    }

    #[test]
    fn an_enumeration_is_taken_in_any_case() {
        let body = |action: &str| {
            format!(r#"{{"id":"j","poolInfo":{{"poolId":"p"}},"onAllTasksComplete":"{action}"}}"#)
        };
        for action in ["terminatejob", "TerminateJob"] {
            assert!(read::<JobCreate>(&Bytes::from(body(action))).is_ok(), "{action}");
        }
        let (code, path) = refused::<JobCreate>(&body("terminate"));
        assert_eq!((code, path.as_str()), (Code::InvalidRequestBody, "onAllTasksComplete"));
    }

    #[test]
    fn a_missing_property_is_refused_and_named() {
        let preparation = r#"{"id":"j","poolInfo":{},"jobPreparationTask":{}}"#;
        for (body, path) in
            [(r#"{"id":"j"}"#, "poolInfo"), (preparation, "jobPreparationTask.commandLine")]
        {
            let refused = refused::<JobCreate>(body);
            assert_eq!(refused, (Code::MissingRequiredProperty, path.to_owned()));
        }
    }

    #[test]
    fn text_after_the_body_is_refused() {
        let body = r#"{"id":"j","poolInfo":{"poolId":"p"}} x"#;
        assert_eq!(refused::<JobCreate>(body).0, Code::InvalidRequestBody);
    }

    #[test]
    fn null_means_absent() {
        let body =
            Bytes::from_static(br#"{"id":"t","commandLine":"x","multiInstanceSettings":null}"#);
        assert!(read::<TaskCreate>(&body).is_ok());
    }
}
