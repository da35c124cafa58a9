//! A store in memory that fails, once or from then on, before or after doing what it was asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What happens at the chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It is not done, and neither is anything after it.
    Dies,
    /// It is done, but nobody is told; nothing after it is done.
    DiesAfter,
    /// It alone is not done.
    Refuses,
    /// It alone is done, and said not to be.
    Lies,
    /// It is not done, and neither are as many after it as are said; then everything is well.
    RefusesFor(usize),
    /// The same, but they are done.
    LiesFor(usize),
}

#[derive(Debug)]
pub struct Flaky {
    pub inner: Arc<InMemory>,
    pub failure: Failure,
    /// Counted from 0.
    pub at: usize,
    pub count: AtomicUsize,
    /// What the system is said to have answered.
    pub errno: rustix::io::Errno,
}

enum Verdict {
    Do,
    Refuse,
    DoAndRefuse,
}

impl Flaky {
    pub fn new(inner: Arc<InMemory>, failure: Failure, at: usize) -> Arc<Self> {
        Self::with(inner, failure, at, rustix::io::Errno::NOSPC)
    }

    pub fn with(inner: Arc<InMemory>, failure: Failure, at: usize, errno: rustix::io::Errno) -> Arc<Self> {
        Arc::new(Self { inner, failure, at, count: AtomicUsize::new(0), errno })
    }

    pub fn operations(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    fn verdict(&self) -> Verdict {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        if let Failure::RefusesFor(count) | Failure::LiesFor(count) = self.failure {
            return match (number >= self.at && number < self.at.saturating_add(count), self.failure) {
                (false, _) => Verdict::Do,
                (true, Failure::LiesFor(_)) => Verdict::DoAndRefuse,
                (true, _) => Verdict::Refuse,
            };
        }
        match (number.cmp(&self.at), self.failure) {
            (std::cmp::Ordering::Less, _) => Verdict::Do,
            (std::cmp::Ordering::Equal, Failure::DiesAfter | Failure::Lies) => Verdict::DoAndRefuse,
            (std::cmp::Ordering::Equal, _) | (_, Failure::Dies | Failure::DiesAfter) => Verdict::Refuse,
            (std::cmp::Ordering::Greater, _) => Verdict::Do,
        }
    }

    fn judge<T>(&self, result: impl FnOnce() -> Result<T>) -> Result<T> {
        let system = std::io::Error::from_raw_os_error(self.errno.raw_os_error());
        let error = || Error::Generic { store: "flaky", source: system.into() };
        match self.verdict() {
            Verdict::Do => result(),
            Verdict::Refuse => Err(error()),
            Verdict::DoAndRefuse => result().and_then(|_| Err(error())),
        }
    }
}

impl std::fmt::Display for Flaky {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Flaky")
    }
}

/// In memory everything is done at the first poll.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

impl ObjectStore for Flaky {
    fn put_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> BoxFuture<'c, Result<PutResult>>
    where
        'a: 'c,
        'b: 'c,
    {
        let result = self.judge(|| now(self.inner.put_opts(location, payload, opts)));
        async move { result }.boxed()
    }

    fn put_multipart_opts<'a, 'b, 'c>(
        &'a self,
        _: &'b Path,
        _: PutMultipartOptions,
    ) -> BoxFuture<'c, Result<Box<dyn MultipartUpload>>>
    where
        'a: 'c,
        'b: 'c,
    {
        unimplemented!("nobody asks")
    }

    fn get_opts<'a, 'b, 'c>(&'a self, location: &'b Path, options: GetOptions) -> BoxFuture<'c, Result<GetResult>>
    where
        'a: 'c,
        'b: 'c,
    {
        let result = self.judge(|| now(self.inner.get_opts(location, options)));
        async move { result }.boxed()
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let locations: Vec<_> = now(locations.collect());
        let delete = |location: Result<Path>| {
            let one = futures::stream::once(async move { location }).boxed();
            self.judge(|| now(self.inner.delete_stream(one).next()).unwrap())
        };
        let results: Vec<_> = locations.into_iter().map(delete).collect();
        futures::stream::iter(results).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_delimiter<'a, 'b, 'c>(&'a self, prefix: Option<&'b Path>) -> BoxFuture<'c, Result<ListResult>>
    where
        'a: 'c,
        'b: 'c,
    {
        let result = self.judge(|| now(self.inner.list_with_delimiter(prefix)));
        async move { result }.boxed()
    }

    fn copy_opts<'a, 'b, 'c, 'd>(
        &'a self,
        from: &'b Path,
        to: &'c Path,
        options: CopyOptions,
    ) -> BoxFuture<'d, Result<()>>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
    {
        let result = self.judge(|| now(self.inner.copy_opts(from, to, options)));
        async move { result }.boxed()
    }
}
