//! Every method of a session's façade once, with what has to come of it: a check for the tests rather than a thing to copy.
//! `session.rs` is the example to begin with.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use cellblock::language;
use cellblock::policy::{Policy, Store};
use cellblock::session::factory::{SessionFactory, edition};
use cellblock::session::{Completeness, Event, Execute, OperationError, Session, Which};
use cellblock::setup::{Cache, SandboxBuilder, ensure, progress::Silent};
use cellblock::store::SessionId;
use cellblock::timeline::MoveError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let mut policy = Policy::default();
    policy.session.store = Some(Store::Directory(scratch.path().join("store")));
    policy.deterministic = std::env::args().any(|argument| argument == "--deterministic");
    let builder =
        SandboxBuilder::new(language::DEFAULT, edition(&policy)).map_err(|error| anyhow::anyhow!("{error:#}"))?;
    let prepared = ensure(&Cache::of_user()?, &builder, &Silent)?;
    let factory = SessionFactory::open(&builder, prepared, policy, scratch.path())?;
    let id = SessionId::parse("every-wish")?;
    let session = factory.session(Which::Id(id.clone()), "the check")?;

    questions(&session).await?;
    moves(&session).await?;
    files(&session).await?;
    forks(&session, &factory).await?;
    cancelled(&session).await?;

    value(&session, "kept = 1").await;
    session.evict().await?;
    assert_eq!(value(&session, "kept").await, "1", "it comes back unnoticed");
    session.wait_until_idle().await?;
    session.close(false).await;
    assert!(matches!(session.status().await, Ok(status) if status.id == id), "what is asked after the end is answered");
    drop(session);
    let again = factory.session(Which::Id(id), "the check")?;
    assert_eq!(value(&again, "kept").await, "1");
    println!("every wish came true");
    Ok(())
}

async fn questions(session: &Session) -> anyhow::Result<()> {
    let status = session.status().await?;
    assert!(status.kept && status.problem.is_none());
    value(session, "import numpy as np; answer = 42; table = np.zeros((3, 4)); text = 'x' * 1000").await;
    let variables = session.variables().await?;
    let described: Vec<_> =
        variables.iter().map(|found| (&*found.name, &*found.kind, found.shape.as_deref())).collect();
    let expected = [
        ("np", "module", None),
        ("answer", "int", None),
        ("table", "numpy.ndarray", Some("(3, 4)")),
        ("text", "str", Some("1000")),
    ];
    assert_eq!(described, expected);
    assert_eq!(variables[1].text.as_deref(), Some("42"));
    let found = session.complete("answ", 4).await?;
    assert_eq!((found.matches[0].text.as_str(), found.start, found.end), ("answer", 0, 4));
    assert!(
        session.inspect("answer", 3, 0).await?.is_some() && session.inspect("nothing_there", 3, 0).await?.is_none()
    );
    assert_eq!(session.is_complete("1 + 1").await?, Completeness::Complete);
    assert!(matches!(session.is_complete("if x:").await?, Completeness::Incomplete { .. }));
    Ok(())
}

async fn moves(session: &Session) -> anyhow::Result<()> {
    value(session, "x = 1").await;
    session.save("one").await?;
    value(session, "x = 2").await;
    assert_eq!(session.undo(1).await?.cell.map(|cell| cell.first_line).as_deref(), Some("x = 1"));
    assert_eq!(session.redo(1).await?.redoable, 0);
    assert_eq!(value(session, "x").await, "2");
    let nowhere = [session.redo(1).await, session.undo(1000).await, session.restore("two").await];
    assert!(nowhere.iter().all(|error| matches!(error, Err(OperationError::Move(_)))), "{nowhere:?}");
    assert!(matches!(&nowhere[0], Err(OperationError::Move(MoveError::NothingToRedo))));
    assert_eq!(value(session, "x").await, "2", "what comes to nothing changes nothing");
    session.restore("one").await?;
    assert_eq!(value(session, "x").await, "1");
    let log = session.log().await?;
    let one = log.iter().find(|entry| entry.names == ["one"]).and_then(|entry| entry.state.clone());
    session.reset().await?;
    assert!(session.variables().await?.is_empty());
    session.undo(1).await?;
    let one = one.ok_or_else(|| anyhow::anyhow!("the named state is in the log: {log:?}"))?;
    assert_eq!(session.restore_state(one.id).await?.cell.map(|cell| cell.first_line).as_deref(), Some("x = 1"));
    Ok(())
}

async fn files(session: &Session) -> anyhow::Result<()> {
    session.write_file("d/a.txt", b"abc".to_vec(), false).await?;
    assert_eq!(value(session, "open('d/a.txt').read()").await, "'abc'");
    let again = session.write_file("d/a.txt", b"abcd".to_vec(), false).await;
    assert!(matches!(again, Err(OperationError::Files(_))), "{again:?}");
    assert_eq!(session.write_file("d/a.txt", b"abcd".to_vec(), true).await?, 4);
    assert_eq!(session.read_file("d/a.txt", 4).await?, b"abcd");
    assert!(matches!(session.read_file("d/a.txt", 3).await, Err(OperationError::TooLarge { bytes: 4, .. })));
    for bad in ["../x", "/etc/passwd", "d/../../x", ""] {
        assert!(matches!(session.read_file(bad, 9).await, Err(OperationError::Files(_))), "{bad}");
        assert!(matches!(session.write_file(bad, Vec::new(), true).await, Err(OperationError::Files(_))), "{bad}");
    }
    let listed = session.list_files(Some("d/**")).await?;
    assert_eq!(listed.iter().map(|file| (&*file.path, file.size)).collect::<Vec<_>>(), [("d/a.txt", 4)]);
    value(session, "import shutil; shutil.rmtree('d')").await;
    session.undo(1).await?;
    assert_eq!(session.read_file("d/a.txt", 9).await.unwrap(), b"abcd", "undo brings back what was put there");
    value(session, "1").await;
    assert_eq!(session.delete_file("d", true).await?.bytes, 4);
    assert!(session.list_files(None).await?.is_empty());
    session.undo(1).await?;
    assert_eq!(session.read_file("d/a.txt", 9).await.unwrap(), b"abcd", "and what was deleted");
    Ok(())
}

async fn forks(session: &Session, factory: &SessionFactory) -> anyhow::Result<()> {
    value(session, "x = 10").await;
    session.fork(SessionId::parse("by-name")?).await?;
    let taken = session.fork(SessionId::parse("by-name")?).await;
    assert!(matches!(taken, Err(OperationError::Store(_))), "{taken:?}");
    for fork in session.fork_many(2).await?.into_iter().chain([SessionId::parse("by-name")?]) {
        let fork = factory.session(Which::Id(fork), "the check")?;
        assert_eq!(value(&fork, "x += 1; (x, open('d/a.txt').read())").await, "(11, 'abcd')");
    }
    assert_eq!(value(session, "x").await, "10");
    let unkept = factory.session(Which::Unkept, "the check")?;
    assert!(matches!(unkept.fork_many(1).await, Err(OperationError::NotKept)));
    Ok(())
}

/// A wish whose caller has gone is not done.
async fn cancelled(session: &Session) -> anyhow::Result<()> {
    value(session, "x = 'here'").await;
    let endless = session.run(cell("while True: pass"));
    {
        let undo = session.undo(1);
        tokio::pin!(undo);
        // Polled once, so that it stands in line; then let go.
        assert!(futures::poll!(&mut undo).is_pending());
    }
    session.interrupt();
    assert!(endless.end().await.failure.is_some());
    assert_eq!(value(session, "x").await, "'here'");
    Ok(())
}

fn cell(code: &str) -> Execute {
    Execute { code: code.to_owned(), store_history: true, ..Execute::default() }
}

async fn value(session: &Session, code: &str) -> String {
    let (mut running, mut value) = (session.run(cell(code)), String::new());
    while let Some(queued) = running.next().await {
        match queued.event {
            Event::Result { data, .. } => value = data["text/plain"].as_str().unwrap_or_default().to_owned(),
            Event::Done(outcome) => assert!(outcome.failure.is_none(), "{:?}", outcome.failure),
            _ => {}
        }
    }
    value
}
