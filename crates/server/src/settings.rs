//! What can be set about the server. Resolved once, by the binary.

use std::time::Duration;

/// Settings of a server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Largest upload in bytes.
    pub max_upload_bytes: u64,
    /// Largest image in bytes after decompression.
    pub max_image_bytes: u64,
    /// Largest JSON body in bytes.
    pub max_json_bytes: usize,
    /// Bytes of decoded volumes that are kept in memory.
    pub image_cache_bytes: u64,
    /// How long an agent may be silent before its task is handed on.
    pub lease: Duration,
    /// How often an agent says that it lives.
    pub heartbeat: Duration,
    /// A task that becomes due by the clock alone (back-off, expired lease) is seen this late at most.
    pub look_again: Duration,
    /// What segmenting a slice may take.
    pub slice_time_limit: Duration,
    /// What a propagation may take.
    pub propagate_time_limit: Duration,
    /// Grants before a task is given up.
    pub max_attempts: u32,
    /// Which pages of other origins may call.
    pub cors: Cors,
    /// `host` or `host:port` besides loopback under which the server is reached.
    pub public_host: Option<String>,
    /// Part of the GPU's memory that engines may use, 0–1.
    pub gpu_memory_limit: f64,
    /// Tasks that the server's own agent runs at once.
    pub max_concurrent_jobs: usize,
}

/// Which pages of other origins may call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cors {
    /// None: only the server's own page, and clients that send no `Origin`.
    #[default]
    SameOrigin,
    /// The pages of these origins.
    These(Vec<String>),
    /// Any page.
    Any,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_upload_bytes: 4 << 30,
            max_image_bytes: 8 << 30,
            max_json_bytes: 1 << 20,
            image_cache_bytes: 512 << 20,
            lease: Duration::from_secs(60),
            heartbeat: Duration::from_secs(15),
            look_again: Duration::from_secs(1),
            slice_time_limit: Duration::from_secs(6 * 60),
            propagate_time_limit: Duration::from_secs(3 * 60 * 60),
            max_attempts: 3,
            cors: Cors::SameOrigin,
            public_host: None,
            gpu_memory_limit: 0.8,
            max_concurrent_jobs: 2,
        }
    }
}
