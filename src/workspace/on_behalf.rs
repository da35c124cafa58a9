//! Changing the files of a running session on its guest's behalf: what becomes of them is recorded with the guest's own work,
//! and taken back with it.

use futures::executor::block_on;

use super::error::WorkspaceError;
use super::files::{FilesError, SessionFiles};
use super::recorder::Workspace;
use super::tracker::Refused;

impl Workspace {
    /// The files below one of the workspace's directories, by its name.
    ///
    /// # Errors
    /// [`WorkspaceError::Open`].
    pub fn files(&self, root: &str) -> Result<SessionFiles, WorkspaceError> {
        let failed = |source| WorkspaceError::Open { path: root.to_owned(), source };
        let (dir, _) =
            self.tracker.root(&format!("{root}/x")).ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
        Ok(SessionFiles::of(dir.try_clone().map_err(failed)?))
    }

    /// Has `change` done to what is at `path` of the directory `root` and below, and to the directories on the way. No guest
    /// may be running.
    ///
    /// # Errors
    /// `change`'s, and [`FilesError::Workspace`] if what is there cannot be put away before.
    pub fn on_behalf<T>(
        &self,
        (root, path): (&str, &str),
        change: impl FnOnce() -> Result<T, FilesError>,
    ) -> Result<T, FilesError> {
        let whole = format!("{root}/{path}");
        let above = whole.match_indices('/').skip(1).filter_map(|(at, _)| whole.get(..at)).map(str::to_owned);
        let below = self.tracker.below(&whole).map_err(|refused| put_away(&whole, &refused))?;
        // A directory on the way is touched only where it has to be made.
        let above = above.map(|path| (path, true));
        let paths: Vec<(String, bool)> =
            above.chain(below.iter().map(|rest| (format!("{whole}{rest}"), false))).collect();
        let touch = |(path, make): &(String, bool)| {
            block_on(self.tracker.touch(path, *make)).map(drop).map_err(|refused| put_away(path, &refused))
        };
        let done = paths.iter().try_for_each(touch).and_then(|()| change());
        for (path, _) in &paths {
            let (root, below) = path.split_once('/').unwrap_or((path, ""));
            self.tracker.after(root, below, false, None);
        }
        done
    }
}

fn put_away(path: &str, refused: &Refused) -> FilesError {
    let why = match refused {
        Refused::Names => "the names of the workspace's files are more than a state can hold",
        Refused::Unreadable => "what is there cannot be read",
        Refused::Full => "there is no room for what is there",
        Refused::Failed => "what is there could not be kept",
    };
    WorkspaceError::io("put away", path)(std::io::Error::other(why)).into()
}
