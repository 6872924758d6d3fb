//! JSON of files.

use serde_json::{Map, Value, json};

use super::object;
use crate::wire::time::instant;

use crate::service::files::NodeFile;

/// Returns the media type of a file. Only that of `.txt` was recorded.
pub(crate) fn content_type(file: &NodeFile) -> &'static str {
    if file.name.ends_with(".txt") { "text/plain" } else { "application/octet-stream" }
}

/// Returns a file as an item of a list; a directory has no properties.
pub(crate) fn render(file: &NodeFile, url: &str) -> Map<String, Value> {
    let mut properties = object(&json!({
        "name": file.name,
        "url": url,
        "isDirectory": file.is_directory,
    }));
    if !file.is_directory {
        let details = json!({
            "lastModified": instant(file.modified),
            "contentLength": file.length.to_string(),
            "contentType": content_type(file),
            "fileMode": mode(file),
        });
        properties.insert("properties".into(), details);
    }
    properties
}

/// Returns the mode in octal.
pub(crate) fn mode(file: &NodeFile) -> String {
    format!("0o{:o}", file.mode)
}
