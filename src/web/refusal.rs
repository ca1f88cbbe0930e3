//! What the HTTP side answers instead of what was asked for.

use std::time::SystemTime;

use hyper::StatusCode;

/// An answer that is not the one asked for: a status and, for a person, what is wrong and what would
/// be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// Plain text. It may hold what was asked, with control characters escaped.
    pub message: String,
    /// For 405: the methods that are allowed.
    pub allow: Option<&'static str>,
    /// When to ask again, in seconds.
    pub retry_after: Option<u64>,
    /// For 401: how to say who one is (RFC 9110, 11.6.1).
    pub challenge: Option<&'static str>,
}

impl Refusal {
    /// A refusal without further headers.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), allow: None, retry_after: None, challenge: None }
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 403.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 405 with the `Allow` header that RFC 9110, 15.5.6 asks for.
    pub fn method(allow: &'static str) -> Self {
        let message = format!("method not allowed; this path takes {allow}");
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message) }
    }

    /// 503.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// 500.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// Adds `Retry-After`, from `now` until `until`, at least one second.
    #[must_use]
    pub fn until(mut self, until: Option<SystemTime>, now: SystemTime) -> Self {
        self.retry_after =
            until.map(|until| until.duration_since(now).unwrap_or_default().as_secs().max(1));
        self
    }
}
