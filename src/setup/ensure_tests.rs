//! Tests of whole set-ups, with a builder that stands in for the sandbox. The tests that need the real
//! artifact from pip are `ignored`.

use std::cell::RefCell;
use std::path::PathBuf;

use super::super::progress::Silent;
use super::*;
use crate::language::DEFAULT;

/// The last image's file.
const SCIENCE: &str = "science.img";

/// Writes recognisable files; fails at the stage whose name is set.
#[derive(Default)]
struct Fake {
    calls: RefCell<Vec<&'static str>>,
    fail_at: RefCell<Option<&'static str>>,
    version: u32,
}

impl Fake {
    fn called(&self, name: &'static str) -> Result<(), super::super::build::BuildError> {
        self.calls.borrow_mut().push(name);
        match *self.fail_at.borrow() {
            Some(stage) if stage == name => Err("as told".into()),
            _ => Ok(()),
        }
    }

    fn take_calls(&self) -> Vec<&'static str> {
        self.calls.take()
    }
}

impl Builder for Fake {
    fn language(&self) -> &'static Language {
        DEFAULT
    }

    fn identity(&self) -> String {
        format!("fake {}", self.version)
    }

    fn compile(&self, wasm: &[u8], out: &Path) -> Result<(), super::super::build::BuildError> {
        assert!(!wasm.is_empty());
        // Half-written when it fails.
        fs::write(out, "code")?;
        self.called("compile")
    }

    fn make_image(&self, order: &ImageOrder<'_>) -> Result<Value, super::super::build::BuildError> {
        assert!(order.code.exists());
        let (From::InitialMemory(before) | From::Image(before, _)) = order.from;
        fs::write(order.out, [fs::read(before)?.as_slice(), order.image.profile.as_bytes()].concat())?;
        self.called(order.image.profile)?;
        Ok(Value::from(order.image.profile))
    }
}

/// A cache in which the stages that need the artifact seem to have run already.
fn cache_with_guest(dir: &Path) -> (Cache, PathBuf) {
    let cache = Cache::at(&dir.join("cache")).unwrap();
    let path = cache.runtime_dir(&artifact::id(DEFAULT, "fake 0"));
    let mut store = Store::open_to_write(&path).unwrap();
    let tree = store.unfinished_dir().unwrap();
    fs::write(tree.path().join("file"), "x").unwrap();
    store.keep_tree(names::GUEST, tree).unwrap();
    for name in [names::MODULE, names::INITIAL] {
        let file = store.unfinished_file().unwrap();
        fs::write(file.path(), name).unwrap();
        store.keep_file(name, file, Value::Null).unwrap();
    }
    (cache, path)
}

#[test]
fn stages_run_in_order_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, path) = cache_with_guest(dir.path());
    let fake = Fake::default();
    let prepared = setup(&cache, &fake, Check::Stat, &Silent).unwrap();
    assert_eq!(fake.take_calls(), ["compile", "base", "science"]);
    assert_eq!(prepared.image().unwrap().meta, "science");
    assert!(!path.join(names::MODULE).exists(), "intermediate files are gone");
    setup(&cache, &fake, Check::Contents, &Silent).unwrap();
    ensure(&cache, &fake, &Silent).unwrap();
    assert!(fake.take_calls().is_empty(), "nothing is left to do");
}

#[test]
fn a_set_up_that_failed_anywhere_goes_on_from_there() {
    for (stage, rest) in
        [("compile", &["compile", "base", "science"][..]), ("base", &["base", "science"]), ("science", &["science"])]
    {
        let dir = tempfile::tempdir().unwrap();
        let (cache, _) = cache_with_guest(dir.path());
        let fake = Fake::default();
        *fake.fail_at.borrow_mut() = Some(stage);
        let error = setup(&cache, &fake, Check::Stat, &Silent).unwrap_err().to_string();
        assert!(error.contains("as told"), "{error}");
        assert!(matches!(Prepared::open(&cache, &fake), Err(SetupError::NotPrepared)), "{stage}");
        *fake.fail_at.borrow_mut() = None;
        fake.take_calls();
        setup(&cache, &fake, Check::Stat, &Silent).unwrap();
        assert_eq!(fake.take_calls(), rest);
    }
}

#[test]
fn damage_is_found_on_opening_and_made_good_by_ensure() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, path) = cache_with_guest(dir.path());
    let fake = Fake::default();
    let prepared = setup(&cache, &fake, Check::Stat, &Silent).unwrap();
    fs::remove_file(path.join(SCIENCE)).unwrap();
    fs::write(path.join(SCIENCE), "scribbled over").unwrap();
    let error = prepared.image().unwrap_err();
    assert!(matches!(error, SetupError::Damaged { .. }) && error.to_string().contains("science.img"), "{error}");
    let bad: Vec<_> = prepared.check_all().into_iter().filter(|(_, found)| found.is_err()).map(|(n, _)| n).collect();
    assert_eq!(bad, [SCIENCE]);
    fake.take_calls();
    assert!(matches!(Prepared::open(&cache, &fake), Err(SetupError::Damaged { .. })));
    ensure(&cache, &fake, &Silent).unwrap();
    assert_eq!(fake.take_calls(), ["science"]);
    Prepared::open(&cache, &fake).unwrap().image().unwrap();
}

#[test]
fn code_that_an_older_version_compiled_is_used_if_it_is_whole() {
    for (contents, calls) in [("code", &["base", "science"][..]), ("coda", &["compile", "base", "science"])] {
        let dir = tempfile::tempdir().unwrap();
        let (cache, path) = cache_with_guest(dir.path());
        drop(setup(&cache, &Fake::default(), Check::Stat, &Silent).unwrap());
        let old = cache.root().join("python-of-an-older-version");
        fs::rename(&path, &old).unwrap();
        fs::remove_file(old.join(names::CODE)).unwrap();
        fs::write(old.join(names::CODE), contents).unwrap();
        cache_with_guest(dir.path());
        let fake = Fake::default();
        let prepared = setup(&cache, &fake, Check::Stat, &Silent).unwrap();
        assert_eq!(fake.take_calls(), calls);
        assert_eq!(std::io::read_to_string(prepared.code().unwrap().file).unwrap(), "code");
    }
}

#[test]
fn a_copied_cache_is_hashed_once_and_then_known() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, path) = cache_with_guest(dir.path());
    let fake = Fake::default();
    drop(setup(&cache, &fake, Check::Stat, &Silent).unwrap());
    let code = path.join(names::CODE);
    let contents = fs::read(&code).unwrap();
    fs::remove_file(&code).unwrap();
    fs::write(&code, contents).unwrap();
    let hashed = |prepared: Prepared| prepared.code().unwrap().hashed;
    assert!(hashed(Prepared::open_unchecked(&cache, &fake).unwrap()));
    assert!(!hashed(Prepared::open(&cache, &fake).unwrap()));
    assert!(!hashed(Prepared::open_unchecked(&cache, &fake).unwrap()), "it has been recorded");
}

#[test]
fn pruning_keeps_this_runtime_and_those_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, _) = cache_with_guest(dir.path());
    let _prepared = setup(&cache, &Fake::default(), Check::Stat, &Silent).unwrap();
    for name in ["python-old", "downloads", "something-else"] {
        fs::create_dir(cache.root().join(name)).unwrap();
    }
    let other = Fake { version: 1, ..Fake::default() };
    assert_eq!(prune(&cache, &Fake::default()), ["downloads", "python-old"]);
    assert_eq!(prune(&cache, &other), Vec::<String>::new(), "it is in use");
    drop(_prepared);
    assert_eq!(prune(&cache, &other), [artifact::id(DEFAULT, "fake 0")]);
}

fn prune(cache: &Cache, builder: &Fake) -> Vec<String> {
    super::super::prepared::prune(cache, &[builder], || ()).unwrap()
}

#[test]
fn other_platforms_are_told_what_to_do() {
    supported("linux", "aarch64").unwrap();
    let error = supported("macos", "aarch64").unwrap_err().to_string();
    assert!(error.contains("macos on aarch64") && error.contains("Linux"), "{error}");
}

/// Everything but compiling and warming up: `cargo test --release -- --ignored real_downloads`.
#[test]
#[ignore = "downloads the artifact with pip"]
fn real_downloads_are_unpacked_and_rewritten() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(&dir.path().join("cache")).unwrap();
    let fake = Fake::default();
    let progress = super::super::progress::Lines::new(std::io::stdout());
    let prepared = setup(&cache, &fake, Check::Stat, &progress).unwrap();
    let guest = prepared.guest();
    for path in [
        "usr-local/lib/python315.zip",
        "usr-local/lib/cellblock/cellblock_bridge/__init__.py",
        "mpl-data/matplotlibrc",
        "site-packages/IPython/__init__.py",
    ] {
        assert!(guest.path(path).is_file(), "{path}");
    }
    let started = Instant::now();
    for _ in 0..20 {
        Prepared::open(&cache, &fake).unwrap();
    }
    println!("opening a prepared runtime: {:?}", started.elapsed() / 20);
    let started = Instant::now();
    for _ in 0..20 {
        artifact::id(DEFAULT, "fake 0");
    }
    println!("of which its id: {:?}", started.elapsed() / 20);
}
