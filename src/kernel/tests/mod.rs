//! The kernel against a dummy session: no sandbox is needed to see that requests are served as clients
//! expect.

mod dummy;
