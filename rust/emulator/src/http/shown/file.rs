//! Files of nodes.

use serde_json::{Map, Value, json};

use super::object;
use crate::wire::time::instant;

use crate::service::files::NodeFile;

/// The media type of every file: the emulator guesses none.
pub(crate) const CONTENT_TYPE: &str = "application/octet-stream";

/// A file as a listing shows it; a directory has no properties.
pub(crate) fn render(file: &NodeFile, url: &str) -> Map<String, Value> {
    let mut shown = object(&json!({
        "name": file.name,
        "url": url,
        "isDirectory": file.is_directory,
    }));
    if !file.is_directory {
        let properties = json!({
            "lastModified": instant(file.modified),
            "contentLength": file.length.to_string(),
            "contentType": CONTENT_TYPE,
            "fileMode": mode(file),
        });
        shown.insert("properties".into(), properties);
    }
    shown
}

/// The mode in octal.
pub(crate) fn mode(file: &NodeFile) -> String {
    format!("0o{:o}", file.mode)
}
