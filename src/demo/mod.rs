//! stub

/// STUB: replaced by the real one at merge.
pub struct DemoHandle;
