//! What every route answers when it cannot do what was asked.

use serde::{Deserialize, Serialize};

/// `application/problem+json` (RFC 9457) with our members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// A stable word for programs: `not-found`, `lease-lost`, `repository-bound-elsewhere`, ….
    pub code: String,
    /// A sentence for people: what is wrong and what to do.
    pub message: String,
    /// Names the request in our logs.
    pub request_id: String,
    /// The fields at fault, where the body was at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldProblem>,
}

/// One field at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldProblem {
    /// The field's path in the body.
    pub field: String,
    /// What is wrong with it, in a sentence.
    pub message: String,
}
