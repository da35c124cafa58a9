//! Two hundred sessions in one process, each of which has run a pandas cell, 190 of them evicted: what memory
//! they take, and that each goes on. `cargo bench --bench many_sessions`; needs what `cellblock setup` prepares.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::time::{Duration, Instant};

use cellblock::policy::Policy;
use cellblock::sandbox::Edition;
use cellblock::session::factory::SessionFactory;
use cellblock::session::{Event, Execute, Request, Session, Which, spawn};
use cellblock::setup::progress::Silent;
use cellblock::setup::{Cache, SandboxBuilder, ensure};
use cellblock::store::SessionId;

const SESSIONS: usize = 200;
const AWAKE: usize = 10;
const IDLE: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo test --benches` and the like ask for a list.
    if std::env::args().any(|argument| argument == "--list") {
        return Ok(());
    }
    let scratch = tempfile::tempdir()?;
    let store = scratch.path().join("sessions");
    let mut policy = Policy::default();
    policy.session.store = Some(cellblock::policy::Store::Directory(store.clone()));
    policy.session.idle_evict = Some(IDLE);
    let builder =
        SandboxBuilder::new(cellblock::language::DEFAULT, Edition::Ordinary).map_err(|error| format!("{error:#}"))?;
    let prepared = ensure(&Cache::of_user()?, &builder, &Silent)?;
    let factory = SessionFactory::open(&builder, prepared, policy, scratch.path())?;
    println!("before any session:         {}", memory()?);

    let started = Instant::now();
    let mut sessions = Vec::new();
    for number in 0..SESSIONS {
        let id = SessionId::parse(&format!("s{number}"))?;
        let origin = factory.origin(Which::Id(id.clone()), "the benchmark", id.as_str())?;
        let session = spawn(move || Ok::<_, String>(origin))?;
        let code =
            format!("import pandas as pd\ndf = pd.DataFrame({{'a': range({number}, {number} + 1000)}})\ndf.describe()");
        expect(&session, &code, |text| text.contains("mean"));
        sessions.push(session);
    }
    println!("{SESSIONS} sessions after pandas: {} ({:.1} s)", memory()?, started.elapsed().as_secs_f64());

    // The first ten are kept busy, the others fall asleep.
    let until = Instant::now() + IDLE + Duration::from_secs(30);
    while Instant::now() < until && evicted(&store) < SESSIONS - AWAKE {
        for session in sessions.iter().take(AWAKE) {
            expect(session, "1 + 1", |text| text == "2");
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    println!("{} of them evicted:        {}", SESSIONS - AWAKE, memory()?);

    let mut times = Vec::new();
    for (number, session) in sessions.iter().enumerate() {
        let asked = Instant::now();
        let sum: usize = (number..number + 1000).sum();
        expect(session, "int(df['a'].sum())", |text| text == sum.to_string());
        if number >= AWAKE {
            times.push(asked.elapsed());
        }
    }
    times.sort();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default().as_secs_f64() * 1e3;
    println!(
        "all answered correctly; back from eviction with an answer in {:.1} ms (p50), {:.1} ms (p99)",
        at(50),
        at(99)
    );
    Ok(())
}

/// Whether a session sleeps is seen from outside by the portable part that it leaves.
fn evicted(store: &std::path::Path) -> usize {
    (0..SESSIONS).filter(|number| store.join(format!("sessions/s{number}/portable.rec")).exists()).count()
}

fn expect(session: &Session, code: &str, right: impl Fn(&str) -> bool) {
    let execute = Execute { code: code.to_owned(), store_history: true, execution_count: 1, ..Execute::default() };
    let mut events = session.submit(Request::Execute(execute));
    let mut result = String::new();
    while let Some(queued) = events.blocking_recv() {
        match queued.event {
            Event::Result { data, .. } => {
                result = data.get("text/plain").and_then(|text| text.as_str()).unwrap_or_default().to_owned();
            }
            Event::Error(failure) => panic!("{}: {}", failure.name, failure.text),
            Event::Done(_) => break,
            _ => {}
        }
    }
    assert!(right(&result), "{code} gave {result:?}");
}

/// This process's memory, in megabytes: resident, and private.
fn memory() -> std::io::Result<String> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let of = |key: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
    };
    Ok(format!("RSS {:8.1} MiB, private {:8.1} MiB", of("Rss:"), of("Private_Dirty:") + of("Private_Clean:")))
}
