//! A real PostgreSQL, thrown away with the test process: one server for all tests, a database for each.
//!
//! A small shell script starts the server, says where it is, and then waits for its standard input to end. That end
//! comes when the test process does, however it ends, so that no server outlives a panic or a kill.
//! `BACKOUT_TEST_POSTGRES` may name a server that runs already; its role must be allowed to create databases.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The server's address without a database: `postgres://backout@127.0.0.1:PORT`.
pub struct Server {
    pub base: String,
    /// Whether databases must be dropped by us, since the server outlives the tests.
    pub lasting: bool,
    /// Holds the pipe whose end stops the server.
    _keeper: Option<Child>,
}

const KEEPER: &str = r#"
set -eu
trap '' INT TERM HUP PIPE
dir=$(mktemp -d "${TMPDIR:-/tmp}/backout-postgres-XXXXXX")
cd "$dir"
clean_up() {
    "$1/pg_ctl" -D data -m immediate -w stop >/dev/null 2>&1 || true
    cd / && rm -rf "$dir"
}
# However this script ends: also when nobody is left to hear that the server is ready.
trap 'clean_up "$1"' EXIT
"$1/initdb" -D data -U backout --auth=trust --no-sync --no-locale -E UTF8 >log 2>&1 || { cat log >&2; exit 1; }
"$1/pg_ctl" -D data -w -t 30 -l log -o "-c listen_addresses=127.0.0.1 -p $2 -k '$dir' -c fsync=off -c max_connections=400" start >/dev/null 2>&1 \
    || { cat log >&2; exit 1; }
echo ready
read -r _ || true
"#;

/// The server of this test process, started when it is first asked for.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| match env::var("BACKOUT_TEST_POSTGRES") {
        Ok(base) => Server { base: base.trim_end_matches('/').to_owned(), lasting: true, _keeper: None },
        Err(_) => start(),
    })
}

fn start() -> Server {
    let binaries = binaries().expect(
        "the tests need PostgreSQL: install it (initdb in the PATH or in /usr/lib/postgresql), or name a running server \
         in BACKOUT_TEST_POSTGRES",
    );
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // PostgreSQL refuses to run as root.
    let root = rustix::process::geteuid().is_root();
    let mut command = if root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    let mut keeper = command
        .args(["-c", KEEPER, "postgres-for-tests"])
        .arg(&binaries)
        .arg(port.to_string())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said.trim(), "ready", "PostgreSQL did not start; what it said is above");
    Server { base: format!("postgres://backout@127.0.0.1:{port}"), lasting: false, _keeper: Some(keeper) }
}

/// The folder with `initdb`, the newest version's first.
fn binaries() -> Option<PathBuf> {
    let has_both = |dir: &Path| dir.join("initdb").exists() && dir.join("pg_ctl").exists();
    let mut installed: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.filter_map(|version| Some(version.ok()?.path().join("bin"))).collect())
        .unwrap_or_default();
    installed.sort();
    let path = env::var_os("PATH").unwrap_or_default();
    installed.into_iter().rev().chain(env::split_paths(&path)).find(|dir| has_both(dir))
}
