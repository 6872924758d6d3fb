//! A small HTTP client that signs requests as documented by Azure Batch.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderMap;
use serde_json::Value;
use sha2::Sha256;
use time::OffsetDateTime;
use time::macros::format_description;

use super::{ACCOUNT, KEY};

pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    endpoint: String,
}

/// A request before it is sent.
pub(crate) struct Request<'a> {
    client: &'a Client,
    method: &'static str,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

/// A response.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// The body as JSON; null if it is not JSON.
    pub(crate) body: Value,
}

impl Reply {
    /// Checks the status and returns the response.
    pub(crate) fn expect(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Checks an error response.
    pub(crate) fn expect_error(self, status: u16, code: &str) -> Reply {
        let reply = self.expect(status);
        assert_eq!(reply.body["code"], code, "{}", reply.text);
        reply
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns a value of an error's details.
    pub(crate) fn value(&self, key: &str) -> &str {
        let values = self.body["values"].as_array().unwrap();
        values.iter().find(|one| one["key"] == key).map_or("", |one| one["value"].as_str().unwrap())
    }

    /// Returns the ids (or names) of a list.
    pub(crate) fn ids(&self, property: &str) -> Vec<String> {
        let items = self.body["value"].as_array().unwrap();
        items.iter().map(|item| item[property].as_str().unwrap().to_owned()).collect()
    }
}

impl Client {
    pub(crate) fn new(endpoint: &str) -> Client {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Client { http, endpoint: endpoint.to_owned() }
    }

    pub(crate) fn get(&self, path: &str) -> Request<'_> {
        self.request("GET", path)
    }

    pub(crate) fn head(&self, path: &str) -> Request<'_> {
        self.request("HEAD", path)
    }

    pub(crate) fn post(&self, path: &str) -> Request<'_> {
        self.request("POST", path)
    }

    pub(crate) fn patch(&self, path: &str) -> Request<'_> {
        self.request("PATCH", path)
    }

    pub(crate) fn delete(&self, path: &str) -> Request<'_> {
        self.request("DELETE", path)
    }

    pub(crate) fn put(&self, path: &str) -> Request<'_> {
        self.request("PUT", path)
    }

    pub(crate) fn request(&self, method: &'static str, path: &str) -> Request<'_> {
        let path = path.to_owned();
        let query = vec![("api-version".to_owned(), "2025-06-01".to_owned())];
        Request { client: self, method, path, query, headers: Vec::new(), body: None }
    }

    pub(crate) async fn reply(&self, request: reqwest::Request) -> reqwest::Result<Reply> {
        let answer = self.http.execute(request).await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Reply { status, headers, text, body })
    }

    /// Requests the URL of a next page as it is.
    pub(crate) async fn follow(&self, link: &str) -> Reply {
        let url = url::Url::parse(link).unwrap();
        assert!(link.starts_with(&self.endpoint), "{link}");
        let mut request = self.get(url.path());
        request.query = url.query_pairs().into_owned().collect();
        request.send().await
    }
}

impl Request<'_> {
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.query.retain(|(known, _)| known != name);
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without_version(mut self) -> Self {
        self.query.clear();
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body(&body.to_string())
    }

    /// Sets a body with a JSON content type.
    pub(crate) fn body(mut self, text: &str) -> Self {
        self.body = Some(text.to_owned());
        self
    }

    /// Sets a body that may be invalid JSON.
    pub(crate) fn text(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    pub(crate) async fn send(self) -> Reply {
        self.try_send().await.unwrap()
    }

    /// Signs for another time than now.
    pub(crate) async fn send_at(self, at: OffsetDateTime) -> Reply {
        let client = self.client;
        client.reply(self.signed(at)).await.unwrap()
    }

    /// Sends with this Authorization header and date; empty ones are omitted.
    pub(crate) async fn send_as(self, authorization: &str, date: &str) -> Reply {
        let client = self.client;
        client.reply(self.build(authorization, date)).await.unwrap()
    }

    /// Sends a request that may get no response, or an incomplete one.
    pub(crate) async fn try_send(self) -> reqwest::Result<Reply> {
        let client = self.client;
        client.reply(self.signed(OffsetDateTime::now_utc())).await
    }

    /// Returns the bytes of the request, for a raw connection.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let path = self.path.clone();
        self.bytes_at(&path)
    }

    /// The same with this path, which is sent as it is written, and closes the connection.
    pub(crate) fn bytes_at(self, path: &str) -> Vec<u8> {
        let request = self.signed(OffsetDateTime::now_utc());
        let url = request.url();
        let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let query = url.query().unwrap();
        let mut bytes = format!("{} {path}?{query} HTTP/1.1\r\nhost: {host}\r\n", request.method());
        bytes += "connection: close\r\n";
        for (name, value) in request.headers() {
            bytes += &format!("{name}: {}\r\n", value.to_str().unwrap());
        }
        let body = request.body().map_or(&[][..], |body| body.as_bytes().unwrap());
        if !body.is_empty() {
            bytes += &format!("content-length: {}\r\n", body.len());
        }
        [bytes.as_bytes(), b"\r\n", body].concat()
    }

    fn signed(self, at: OffsetDateTime) -> reqwest::Request {
        let date = http_date(at);
        let credential = format!("SharedKey {ACCOUNT}:{}", self.signature(&date));
        self.build(&credential, &date)
    }

    fn build(self, authorization: &str, date: &str) -> reqwest::Request {
        let method = self.method.parse().unwrap();
        let query: Vec<String> = self
            .query
            .iter()
            .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
            .collect();
        let url = format!("{}{}?{}", self.client.endpoint, self.path, query.join("&"));
        let mut request = self.client.http.request(method, url).header("ocp-date", date);
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            request = request.header("content-type", CONTENT_TYPE).body(body);
        }
        request.build().unwrap()
    }

    fn signature(&self, date: &str) -> String {
        let (length, content_type) = match &self.body {
            Some(body) => (body.len().to_string(), CONTENT_TYPE),
            None => (String::new(), ""),
        };
        let own = |name: &str| {
            let found = self.headers.iter().find(|(known, _)| known == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        let (since, tag) = (own("if-modified-since"), own("if-match"));
        let (none, unless) = (own("if-none-match"), own("if-unmodified-since"));
        let mut text = format!(
            "{}\n\n\n{length}\n\n{content_type}\n\n{since}\n{tag}\n{none}\n{unless}\n\n",
            self.method
        );
        text += &format!("ocp-date:{date}\n");
        if !own("ocp-range").is_empty() {
            text += &format!("ocp-range:{}\n", own("ocp-range"));
        }
        text += &format!("/{ACCOUNT}{}", self.path);
        let mut query = self.query.clone();
        query.sort_by_key(|(name, _)| name.to_lowercase());
        query.iter().for_each(|(name, value)| text += &format!("\n{name}:{value}"));
        sign(&text)
    }
}

/// Returns the signature of a string to sign.
pub(crate) fn sign(text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(KEY).unwrap()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

const CONTENT_TYPE: &str = "application/json; odata=minimalmetadata";

pub(crate) fn escape(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

pub(crate) fn now() -> String {
    http_date(OffsetDateTime::now_utc())
}

fn http_date(at: OffsetDateTime) -> String {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    at.format(format).unwrap()
}
