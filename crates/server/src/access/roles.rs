//! What a route asks of whoever calls it. One table for all of them; a route that is not in it asks
//! for an admin.

use axum::http::Method;
use protocol::access::Role::{self, Agent, Annotator, Reviewer, Viewer};

/// What a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Open,
    /// A role that includes this one.
    Role(Role),
}

/// Routes that answer everybody: what watches the server, and the ways in.
const OPEN: &[(&str, &str)] = &[
    ("GET", "/health"),
    ("GET", "/api/v1/session"),
    ("POST", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
    ("POST", "/api/v1/invitation"),
    ("POST", "/api/v1/invitation/accept"),
    ("POST", "/api/v1/agents/enrol"),
];

const TABLE: &[(Role, &[(&str, &str)])] = &[
    (
        Viewer,
        &[
            ("GET", "/api/v1/jobs"),
            ("GET", "/api/v1/jobs/{job_id}"),
            ("GET", "/api/v1/jobs/{job_id}/status"),
            ("GET", "/api/v1/jobs/{job_id}/image"),
            ("GET", "/api/v1/jobs/{job_id}/mask"),
            ("GET", "/api/v1/jobs/{job_id}/slices/{axis}/{slice_file}"),
            ("GET", "/api/v1/jobs/{job_id}/revisions"),
            ("GET", "/api/v1/jobs/{job_id}/reviews"),
            ("GET", "/api/v1/jobs/{job_id}/compare"),
            ("GET", "/api/v1/jobs/{job_id}/result"),
            ("GET", "/api/v1/jobs/{job_id}/measurements"),
            ("GET", "/api/v1/jobs/{job_id}/surface"),
            ("GET", "/api/v1/jobs/{job_id}/export/{file}"),
            ("GET", "/api/v1/jobs/{job_id}/thumbnail.png"),
            ("GET", "/api/v1/label-sets"),
            ("GET", "/api/v1/tasks"),
            ("GET", "/api/v1/tasks/rates"),
            ("GET", "/api/v1/tasks/{task_id}"),
            ("GET", "/api/v1/tasks/{task_id}/log"),
            ("GET", "/api/v1/tasks/{task_id}/waiting"),
            ("GET", "/api/v1/tasks/{task_id}/partial"),
            ("GET", "/api/v1/tasks/{task_id}/output"),
            ("GET", "/api/v1/system/status"),
            ("GET", "/api/v1/system/gpu"),
            ("GET", "/api/v1/system/jobs/active"),
            ("GET", "/api/v1/system/model"),
            ("GET", "/api/devices"),
            ("GET", "/events/stream"),
            ("GET", "/api/v1/requests"),
            ("GET", "/api/v1/requests/{request_id}"),
            ("GET", "/api/v1/requests/{request_id}/result"),
            ("GET", "/api/v1/requests/{request_id}/files/{name}"),
            ("GET", "/api/v1/programs"),
            ("GET", "/api/pathology/requests/"),
            ("GET", "/api/pathology/requests/{request_id}/"),
            // One's own account.
            ("PUT", "/api/v1/account/password"),
            ("GET", "/api/v1/account/credentials"),
            ("POST", "/api/v1/account/credentials"),
            ("DELETE", "/api/v1/account/credentials/{credential_id}"),
        ],
    ),
    (
        Annotator,
        &[
            ("POST", "/api/v1/jobs"),
            ("POST", "/api/v1/sample"),
            // Only what they opened themselves.
            ("DELETE", "/api/v1/jobs/{job_id}"),
            ("PATCH", "/api/v1/jobs/{job_id}"),
            ("PUT", "/api/v1/jobs/{job_id}/labels"),
            ("POST", "/api/v1/label-sets"),
            ("PUT", "/api/v1/label-sets/{label_set_id}"),
            ("DELETE", "/api/v1/label-sets/{label_set_id}"),
            ("POST", "/api/v1/jobs/{job_id}/prepare"),
            ("POST", "/api/v1/jobs/{job_id}/initial-mask"),
            ("POST", "/api/v1/jobs/{job_id}/propagate"),
            ("POST", "/api/v1/jobs/{job_id}/interpolate"),
            ("POST", "/api/v1/jobs/{job_id}/operations"),
            ("PUT", "/api/v1/jobs/{job_id}/prompts"),
            ("DELETE", "/api/v1/jobs/{job_id}/prompts"),
            ("POST", "/api/v1/jobs/{job_id}/revisions"),
            ("PUT", "/api/v1/jobs/{job_id}/head"),
            // Handing over and taking back; the other steps ask for a reviewer.
            ("POST", "/api/v1/jobs/{job_id}/review"),
            ("POST", "/api/v1/jobs/{job_id}/opinions"),
            // Only their own.
            ("DELETE", "/api/v1/jobs/{job_id}/opinions/{opinion_id}"),
            ("POST", "/api/v1/tasks/{task_id}/cancel"),
            ("POST", "/api/v1/tasks/{task_id}/retry"),
            ("POST", "/api/v1/requests"),
            ("POST", "/api/v1/requests/inputs"),
            ("PUT", "/api/v1/requests/inputs/{sha256}"),
            // Only what they asked for themselves.
            ("DELETE", "/api/v1/requests/{request_id}"),
            ("POST", "/api/pathology/analyze/"),
        ],
    ),
    (Reviewer, &[("GET", "/api/v1/audit"), ("PUT", "/api/v1/tasks/{task_id}/priority")]),
    (
        Agent,
        &[
            ("POST", "/api/v1/claims"),
            ("POST", "/api/v1/tasks/{task_id}/heartbeat"),
            ("GET", "/api/v1/tasks/{task_id}/inputs/{sha256}"),
            ("HEAD", "/api/v1/tasks/{task_id}/outputs/{sha256}"),
            ("PUT", "/api/v1/tasks/{task_id}/outputs/{sha256}"),
            ("PATCH", "/api/v1/tasks/{task_id}/outputs/{sha256}"),
            ("POST", "/api/v1/tasks/{task_id}/log"),
            ("POST", "/api/v1/tasks/{task_id}/complete"),
            ("POST", "/api/v1/tasks/{task_id}/fail"),
            ("GET", "/api/pathology/pending-requests/"),
            ("POST", "/api/pathology/update-status/{request_id}/"),
            ("POST", "/api/pathology/complete-request/{request_id}/"),
            ("POST", "/api/devices/heartbeat"),
        ],
    ),
];

/// What a route, as it is declared, asks for.
#[must_use]
pub fn needed(method: &Method, route: &str) -> Need {
    let asked = (method.as_str(), route);
    // HEAD asks for what GET asks for, but where it is a route of its own.
    let is_own = TABLE.iter().any(|(_, routes)| routes.contains(&asked));
    let asked = if method == Method::HEAD && !is_own { ("GET", route) } else { asked };
    if OPEN.contains(&asked) {
        return Need::Open;
    }
    let found = TABLE.iter().find(|(_, routes)| routes.contains(&asked));
    Need::Role(found.map_or(Role::Admin, |(role, _)| *role))
}

/// The word for a role in sentences.
#[must_use]
pub(crate) fn word(role: Role) -> &'static str {
    match role {
        Agent => "agent",
        Viewer => "viewer",
        Annotator => "annotator",
        Reviewer => "reviewer",
        Role::Admin => "admin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_nobody_thought_of_asks_for_an_admin() {
        let needed = |method: &str, route| needed(&method.parse().unwrap(), route);
        assert_eq!(needed("POST", "/api/v1/something/new"), Need::Role(Role::Admin));
        assert_eq!(needed("DELETE", "/api/v1/jobs"), Need::Role(Role::Admin));
        assert_eq!(needed("HEAD", "/api/v1/jobs"), Need::Role(Viewer));
        assert_eq!(needed("HEAD", "/health"), Need::Open);
    }

    #[test]
    fn no_route_stands_in_the_table_twice() {
        let all: Vec<_> = OPEN.iter().chain(TABLE.iter().flat_map(|(_, it)| *it)).collect();
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), different.len());
    }
}
