//! A session driven from Rust: run, undo, fork three ways, files, interrupt, and going on after the process has let it go.
//!
//!     cargo run --release --example session
//!
//! `cellblock setup` (or the first kernel) has to have been run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use cellblock::language;
use cellblock::policy::{Policy, Store};
use cellblock::session::factory::{SessionFactory, edition};
use cellblock::session::{Event, Execute, Session, Which};
use cellblock::setup::{Cache, SandboxBuilder, ensure, progress::Silent};
use cellblock::store::SessionId;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let mut policy = Policy::default();
    policy.session.store = Some(Store::Directory(scratch.path().join("store")));
    let builder =
        SandboxBuilder::new(language::DEFAULT, edition(&policy)).map_err(|error| anyhow::anyhow!("{error:#}"))?;
    let prepared = ensure(&Cache::of_user()?, &builder, &Silent)?;
    let factory = SessionFactory::open(&builder, prepared, policy, scratch.path())?;
    let id = SessionId::parse("example")?;
    let session = factory.session(Which::Id(id.clone()), "the example")?;

    assert_eq!(value(&session, "x = 20; x + 1").await, "21");
    session.write_file("data/a.csv", b"n\n1\n2\n".to_vec(), false).await?;
    assert_eq!(value(&session, "import pandas; int(pandas.read_csv('data/a.csv').n.sum())").await, "3");
    value(&session, "x = 'lost'; open('b.txt', 'w').write('b')").await;
    println!("undone: {:?}", session.undo(1).await?.cell.map(|cell| cell.first_line));
    assert_eq!(value(&session, "x").await, "20");
    println!("files: {:?}", session.list_files(None).await?.iter().map(|file| &*file.path).collect::<Vec<_>>());
    println!("variables: {:?}", session.variables().await?);

    for (add, fork) in (1..).zip(session.fork_many(3).await?) {
        let fork = factory.session(Which::Id(fork), "the example")?;
        assert_eq!(value(&fork, &format!("x += {add}; x")).await, (20 + add).to_string());
    }

    let endless = session.run(cell("x = 5\nwhile True: pass"));
    session.interrupt();
    println!("interrupted: {:?}", endless.end().await.failure.map(|failure| failure.name));
    session.wait_until_idle().await?;
    session.close(false).await;

    let again = factory.session(Which::Id(id), "the example")?;
    println!("after the session was let go, x = {}", value(&again, "x").await);
    Ok(())
}

fn cell(code: &str) -> Execute {
    Execute { code: code.to_owned(), store_history: true, ..Execute::default() }
}

/// Runs a cell; the text of its value.
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
