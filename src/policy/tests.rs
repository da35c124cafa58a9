//! Policies as files, through the same door as the commands.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::*;

/// A directory with policy files and what they name.
struct Dir(TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    fn read(&self, text: &str) -> Result<Effective, String> {
        self.write("p.toml", text);
        self.effective(None)
    }

    fn effective(&self, profile: Option<Profile>) -> Result<Effective, String> {
        let search = Search { flag: Some(self.path().join("p.toml")), profile, ..Search::default() };
        let here = format!("{}/", self.path().display());
        search.effective().map_err(|error| error.to_string().replace(&here, "").replace("p.toml:", ":"))
    }
}

fn load(text: &str) -> Result<Policy, String> {
    Dir::new().read(text).map(|effective| effective.policy)
}

/// `path` in the repository is `text`, or becomes it where that is asked for.
fn bless(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("CELLBLOCK_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert!(
        found == text,
        "{} is not what the table of keys says: write it anew with CELLBLOCK_BLESS=1",
        path.display()
    );
}

#[test]
fn the_commented_file_is_the_table_and_changes_nothing() {
    bless("config/policy.toml", &sample_file());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/policy.toml");
    assert_eq!(Policy::load(&path, None).unwrap(), Policy::default());
}

#[test]
fn the_page_of_keys_is_the_table() {
    const MARK: &str = "<!-- From here on written by the tests, from src/policy/keys.rs (CELLBLOCK_BLESS=1). -->\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/policy.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (prose, _) = page.split_once(MARK).expect("the mark is gone");
    bless("docs/policy.md", &format!("{prose}{MARK}{}", key_page()));
}

#[test]
fn the_defaults_are_those_of_the_notebook_profile() {
    let policy = load("").unwrap();
    assert_eq!(policy, Policy::default());
    assert_eq!((policy.fuel_budget, policy.memory_bytes), (1_000_000_000_000, 2 << 30));
    assert_eq!((policy.stdout_max_bytes, policy.timeout_seconds), (50_000_000, None));
    assert_eq!((policy.workspace_bytes, policy.workspace_files), (10 << 30, 100_000));
    assert_eq!((policy.session.persist, policy.session.resume), (Persist::Cells, Resume::Ask));
    assert_eq!((policy.session.idle_evict, policy.session.undo), (Some(Duration::from_secs(900)), 20));
    assert!(!policy.output.active_content && !policy.output.remote_resources && !policy.output.terminal);
    let strict = Policy::for_profile(Profile::Strict);
    assert_eq!((strict.workspace_bytes, strict.workspace_files), (100 << 20, 1_000));
    assert_eq!((strict.session.persist, strict.fuel_budget), (Persist::Off, 2_000_000_000));
}

/// A value for every key that is not its default, so that a key which sets nothing, or another's field, is seen.
#[test]
fn every_key_changes_the_policy_and_nothing_else() {
    let dir = Dir::new();
    dir.write("data.csv", "");
    let mut seen = Vec::new();
    for key in KEYS {
        let value = match key.kind {
            Kind::Count(least, _) | Kind::Size(least, _) if Setting::Count(least) == key.default(Profile::Notebook) => {
                (least + 1).to_string()
            }
            Kind::Count(least, _) | Kind::Size(least, _) => least.to_string(),
            Kind::Seconds(..) => "7.5".to_owned(),
            Kind::Flag => (key.default(Profile::Notebook) == Setting::Flag(false)).to_string(),
            Kind::Choice(words) => {
                let other = words.iter().find(|word| Setting::Word(word) != key.default(Profile::Notebook));
                format!("{:?}", other.unwrap())
            }
            Kind::NewDirectory => "\"new\"".to_owned(),
            Kind::Directory => "\".\"".to_owned(),
            Kind::Store => "\"s3://bucket\"".to_owned(),
            Kind::Files => "[\"data.csv\"]".to_owned(),
            Kind::Packages | Kind::Targets => "[\"Foo_Bar\"]".to_owned(),
            Kind::Env => "{ A = \"b\" }".to_owned(),
            Kind::Mounts => "{ \"/mnt/a\" = \".\" }".to_owned(),
        };
        let effective = dir.read(&format!("{} = {value}", key.name)).unwrap();
        assert_ne!(effective.policy, Policy::default(), "{}", key.name);
        assert!(!seen.contains(&effective.policy), "{} sets another's field", key.name);
        let changed: Vec<&str> =
            effective.values().filter(|v| !matches!(v.origin, Origin::Default(_))).map(|v| v.key.name).collect();
        assert_eq!(changed, [key.name]);
        // What is shown of it is what it takes.
        let shown = in_toml(effective.value(key).unwrap().setting).unwrap();
        assert_eq!(dir.read(&format!("{} = {shown}", key.name)).unwrap().policy, effective.policy, "{shown}");
        seen.push(effective.policy);
    }
}

#[test]
fn keys_are_laid_over_a_profile() {
    let policy = load("profile = \"strict\"\nfuel_budget = 3_000_000\ntimeout_seconds = 5\n[env]\nA = \"b\"").unwrap();
    assert_eq!((policy.fuel_budget, policy.timeout_seconds), (3_000_000, Some(5.0)));
    assert_eq!((policy.stdout_max_bytes, policy.env["A"].as_str()), (2_000_000, "b"));
}

#[test]
fn sizes_may_have_units_zero_seconds_mean_never_and_a_file_url_is_a_directory() {
    let policy =
        load("memory_bytes = \"512 MiB\"\nsession.idle_evict = 0\nsession.store = \"file:///var/kept\"").unwrap();
    assert_eq!((policy.memory_bytes, policy.session.idle_evict), (512 << 20, None));
    assert_eq!(policy.session.store, Some(Store::Directory("/var/kept".into())));
}

#[test]
fn paths_are_relative_to_the_file_and_absolute_in_the_policy() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    let file = dir.write("a.csv", "");
    let text = "workspace = \"not/yet\"\nmount_data_dir = \"data\"\nexternal_files = [\"a.csv\"]\nsession.store = \"kept\"\n\
                [mounts]\n\"/data/more\" = \"data\"";
    let policy = dir.read(text).unwrap().policy;
    assert_eq!(policy.workspace.unwrap(), dir.path().join("not/yet"));
    assert_eq!(policy.mount_data_dir.unwrap(), dir.path().join("data"));
    assert_eq!(policy.mounts["/data/more"], dir.path().join("data"));
    assert_eq!(policy.external_files, [file]);
    assert_eq!(policy.session.store, Some(Store::Directory(dir.path().join("kept"))));
}

#[test]
fn a_file_extends_another_and_tables_are_merged() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    dir.write("sub/a.toml", "profile = \"strict\"\nopen_files = 9\nworkspace = \"w\"\nsession = { undo = 3, ids = \"uuid\" }\n[env]\nA = \"1\"\nB = \"1\"");
    dir.write("b.toml", "extends = \"sub/a.toml\"\nopen_files = 10\nmessage_max_bytes = 70_000");
    let effective = dir.read("extends = \"b.toml\"\nopen_files = 11\nsession.undo = 4\n\n[env]\nB = \"2\"").unwrap();
    let policy = &effective.policy;
    assert_eq!((policy.profile, policy.open_files, policy.message_max_bytes), (Profile::Strict, 11, 70_000));
    assert_eq!((policy.session.undo, policy.session.ids), (4, Ids::Uuid));
    assert_eq!((policy.env["A"].as_str(), policy.env["B"].as_str()), ("1", "2"));
    assert_eq!(policy.workspace.as_deref(), Some(&*dir.path().join("sub/w")));
    // The profile's numbers lie below all files.
    assert_eq!(policy.stdout_max_bytes, 2_000_000);

    let at = |name: &str, line| Origin::File(dir.path().join(name).into(), line);
    let origin = |name, inner| effective.origin(find_key(name).unwrap(), inner);
    assert_eq!(origin("open_files", None), at("p.toml", 2));
    assert_eq!(origin("message_max_bytes", None), at("b.toml", 3));
    assert_eq!(origin("session.ids", None), at("sub/a.toml", 4));
    assert_eq!(origin("env", Some("A")), at("sub/a.toml", 6));
    assert_eq!(origin("env", Some("B")), at("p.toml", 6));
    assert_eq!(origin("stdout_max_bytes", None), Origin::Default(Profile::Strict));
    assert_eq!(effective.profile, at("sub/a.toml", 1));
    assert_eq!(effective.files.len(), 3);

    let flagged = dir.effective(Some(Profile::Agent)).unwrap();
    assert_eq!(
        (flagged.policy.profile, flagged.policy.open_files, flagged.profile),
        (Profile::Agent, 11, Origin::Flag)
    );
}

#[test]
fn chains_end() {
    let dir = Dir::new();
    dir.write("b.toml", "\nextends = \"again.toml\"");
    symlink("p.toml", dir.path().join("again.toml")).unwrap();
    let error = dir.read("extends = \"b.toml\"").unwrap_err();
    assert!(error.starts_with("b.toml:2: `extends`") && error.contains("leads back to itself"), "{error}");
    let error = dir.read("extends = \"p.toml\"").unwrap_err();
    assert!(error.starts_with(":1: `extends`") && error.contains("leads back to itself"), "{error}");
    for number in 0..9 {
        dir.write(&format!("{number}.toml"), &format!("extends = \"{}.toml\"", number + 1));
    }
    dir.write("9.toml", "");
    assert!(dir.read("extends = \"3.toml\"").is_ok());
    assert!(dir.read("extends = \"2.toml\"").unwrap_err().contains("more than 8 files"));
    assert!(
        dir.read("extends = \"none.toml\"")
            .unwrap_err()
            .starts_with(":1: `extends` is \"none.toml\", which cannot be read: ")
    );
    dir.write("b.toml", "\n\nopen_files = 1");
    assert!(dir.read("extends = \"b.toml\"").unwrap_err().starts_with("b.toml:3: `open_files` is 1; "));
}

#[test]
fn mistakes_name_the_line_the_key_and_what_is_allowed() {
    for (text, expected) in [
        ("\nfule_budget = 1", ":2: there is no key `fule_budget`; did you mean `fuel_budget`?"),
        ("open_files = \"many\"", ":1: `open_files` is \"many\"; it takes a whole number from 8 to 65536"),
        ("open_files = 2", ":1: `open_files` is 2; it takes a whole number from 8 to 65536"),
        ("open_files = -5", ":1: `open_files` is -5; it takes a whole number from 8 to 65536"),
        ("timeout_seconds = nan", ":1: `timeout_seconds` is nan; it takes seconds from 0.001 to 31536000"),
        ("profile = \"lax\"", ":1: `profile` is \"lax\"; it takes \"notebook\", \"agent\" or \"strict\""),
        ("[env]\nA = 1", ":2: `env.A` is 1; it takes a text"),
        ("[fuel_budget]", ":1: `fuel_budget` is a table; it takes a whole number from 1000000 to 1000000000000000"),
        ("deterministic = 1", ":1: `deterministic` is 1; it takes true or false"),
        (
            "external_files = \"a\"",
            ":1: `external_files` is \"a\"; it takes a list of paths of files (no directories, no symbolic links, no name twice)",
        ),
        (
            "external_max_bytes = \"501 MB\"",
            ":1: `external_max_bytes` is \"501 MB\"; it takes bytes from 1 MB to 500 MB, as a whole number or a text such as \"512 MiB\"",
        ),
        ("\n[session]\npersist = \"on\"", ":3: `session.persist` is \"on\"; it takes \"off\" or \"cells\""),
        ("session.resume = true", ":1: `session.resume` is true; it takes \"ask\", \"always\" or \"never\""),
        ("[session]\n\npersits = \"off\"", ":3: there is no key `session.persits`; did you mean `session.persist`?"),
        ("persist = \"off\"", ":1: there is no key `persist`; did you mean `session.persist`?"),
        ("[sesion]\npersist = \"off\"", ":1: there is no key `sesion`; did you mean `session`?"),
        ("[log]\ncolour = 1", ":2: there is no key `log.colour`; the keys of `log` are code, format"),
        ("colour = 1", ":1: there is no key `colour`; `cellblock policy explain` lists all"),
        ("log = true", ":1: `log` is true; it takes a table of keys"),
        (
            "packages.allowed = [\"a\", \"-b\"]",
            ":1: `packages.allowed` is \"-b\"; it takes a list of names of Python packages",
        ),
        ("extends = 5", ":1: `extends` is 5; it takes the path of a policy file"),
    ] {
        assert_eq!(load(text).unwrap_err(), expected);
    }
    assert!(load("open_files = 9\nopen_files = 9").unwrap_err().starts_with(":2: "));
    assert!(load("a = ").unwrap_err().starts_with(":1: "));
}

#[test]
fn paths_that_will_not_do_are_told_from_one_another() {
    let dir = Dir::new();
    std::fs::create_dir_all(dir.path().join("d/e")).unwrap();
    dir.write("f.csv", "");
    dir.write("d/f.csv", "");
    symlink("f.csv", dir.path().join("link.csv")).unwrap();
    for (text, expected) in [
        (
            "mount_data_dir = \"none\"",
            ":1: `mount_data_dir` is \"none\", which does not exist; it takes the path of a directory that exists",
        ),
        (
            "mount_data_dir = \"f.csv\"",
            ":1: `mount_data_dir` is \"f.csv\", which is no directory; it takes the path of a directory that exists",
        ),
        ("mount_data_dir = \"~/x\"", "`~` means nothing here"),
        ("mount_data_dir = \"\"", "which is no path"),
        (
            "workspace = \"f.csv\"",
            ":1: `workspace` is \"f.csv\", which is no directory; it takes the path of a directory",
        ),
        ("external_files = [\n\"f.csv\",\n\"none\"]", ":3: `external_files` is \"none\", which does not exist; "),
        ("external_files = [\"d\"]", ":1: `external_files` is \"d\", which is a directory; "),
        ("external_files = [\"link.csv\"]", ":1: `external_files` is \"link.csv\", which is a symbolic link; "),
        ("external_files = [\"/dev/null\"]", "which is no regular file"),
        ("external_files = [\"f.csv\", \"d/f.csv\"]", ":1: `external_files` has two files named \"f.csv\"; "),
        ("[mounts]\n\"/mnt/a\" = \"none\"", ":2: `mounts.\"/mnt/a\"` is \"none\", which does not exist; "),
        ("[mounts]\n\"/app\" = \"d\"", ":2: in `mounts`, \"/app\" is not below /data or /mnt"),
        ("[mounts]\n\"/mnt/../app\" = \"d\"", ":2: in `mounts`, \"/mnt/../app\" is no guest path"),
        (
            "session.store = \"ftp://a/b\"",
            ":1: `session.store` is \"ftp://a/b\", whose scheme is not known; there are s3, file; ",
        ),
    ] {
        let error = dir.read(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn external_files_may_not_be_larger_than_their_limit_wherever_that_stands() {
    let dir = Dir::new();
    std::fs::File::create(dir.path().join("big.bin")).unwrap().set_len(2_000_000).unwrap();
    dir.write("b.toml", "\nexternal_files = [\"big.bin\"]");
    assert!(dir.read("extends = \"b.toml\"\nexternal_max_bytes = 2_000_000").is_ok());
    let error = dir.read("extends = \"b.toml\"\nexternal_max_bytes = 1_999_999").unwrap_err();
    assert_eq!(error, "b.toml:2: `external_files` has big.bin, which has 2 MB; `external_max_bytes` is 1999999");
}

#[test]
fn the_flag_goes_before_the_environment_and_that_before_the_users_file() {
    let dir = Dir::new();
    let paths = ["flag", "environment", "config"].map(|name| dir.write(name, &format!("env.WHO = {name:?}")));
    let [flag, environment, config] = paths.map(Some);
    let who = |search: Search| search.effective().unwrap().policy.env.get("WHO").cloned();
    assert_eq!(
        who(Search { flag, environment: environment.clone(), config: config.clone(), profile: None }),
        Some("flag".into())
    );
    assert_eq!(who(Search { environment, config: config.clone(), ..Search::default() }), Some("environment".into()));
    assert_eq!(who(Search { config, ..Search::default() }), Some("config".into()));
    assert_eq!(who(Search { config: Some(dir.path().join("none")), ..Search::default() }), None);
    let named = Search { environment: Some(dir.path().join("none")), ..Search::default() };
    assert!(named.effective().is_err(), "a file that is named has to be there");
}

#[test]
fn a_file_that_others_can_write_is_used_only_if_it_was_named() {
    let dir = Dir::new();
    let path = dir.write("p.toml", "extends = \"b.toml\"");
    let base = dir.write("b.toml", "open_files = 9");
    let found = || Search { config: Some(path.clone()), ..Search::default() }.effective();
    assert!(found().is_ok());
    std::fs::set_permissions(&base, std::fs::Permissions::from_mode(0o664)).unwrap();
    let error = found().unwrap_err().to_string();
    assert!(error.contains("chmod go-w") && error.contains("b.toml"), "{error}");
    let named = dir.effective(None).unwrap();
    assert!(named.warnings.iter().any(|warning| warning.contains("chmod go-w")), "{:?}", named.warnings);
    std::fs::set_permissions(&base, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(found().unwrap_err().to_string().contains("chmod go-w"));
}

#[test]
fn cells_cannot_write_to_what_their_policy_comes_from() {
    let dir = Dir::new();
    let error = dir.read("\nworkspace = \".\"").unwrap_err();
    assert!(error.starts_with(":2: `workspace` is ") && error.ends_with("p.toml has to lie elsewhere"), "{error}");
    assert!(
        dir.read("workspace = \"w\"\nsession.store = \"w/kept\"").unwrap_err().ends_with("w/kept has to lie elsewhere")
    );
    assert!(dir.read("workspace = \"w\"\nsession.store = \"kept\"").is_ok());
    std::fs::create_dir(dir.path().join("w")).unwrap();
    dir.write("w/base.toml", "");
    assert!(
        dir.read("workspace = \"w\"\nextends = \"w/base.toml\"")
            .unwrap_err()
            .ends_with("w/base.toml has to lie elsewhere")
    );
    // The user's own file, even while there is none.
    dir.write("p.toml", "workspace = \"home\"");
    let search = |config| Search {
        flag: Some(dir.path().join("p.toml")),
        config: Some(dir.path().join(config)),
        ..Search::default()
    };
    assert!(search("home/.config/policy.toml").effective().is_err());
    assert!(search("home2/.config/policy.toml").effective().is_ok());
}

#[test]
fn a_missing_or_huge_file_is_named() {
    let error = Policy::load(Path::new("/nowhere/p.toml"), None).unwrap_err().to_string();
    assert!(error.contains("/nowhere/p.toml"), "{error}");
    let dir = Dir::new();
    assert!(dir.read(&"# \n".repeat(400_000)).unwrap_err().contains("larger than 1 MiB"));
    assert!(Policy::load(dir.path(), None).is_err());
}

proptest::proptest! {
    /// Whatever a file says, it is judged: never a panic, and never a policy out of its ranges.
    #[test]
    fn any_text_is_judged(lines in proptest::collection::vec("(session|output|env|[a-z_]{1,8})(\\.[a-z_]{1,8})? = ([0-9]{1,20}|-1|true|\"[^\"\\\\\n]{0,9}\"|\\[\\]|\\{\\}|nan)|\\[[a-z.]{1,9}\\]", 0..6)) {
        let _ = load(&lines.join("\n"));
    }

    #[test]
    fn any_bytes_are_judged(text in ".{0,60}") {
        let _ = load(&text);
    }
}
