//! The kernel against a dummy session: no sandbox is needed to see that requests are served as clients
//! expect. The client speaks through the `zeromq` crate, so that another implementation of ZMTP is at
//! the other end.

mod client;
mod dummy;
mod replies;
mod setup;
mod stdin;
mod toy;
