//! An empty database of each kind for a test, gone with it; and a way to reach past the store into it.

use super::postgres;
use backout::clock::fresh_id;
use backout::store::Store;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use std::path::PathBuf;

/// A database that only this test knows.
pub struct Database {
    /// As `Store::open` takes it.
    pub address: String,
    kind: Kind,
}

enum Kind {
    Sqlite { folder: PathBuf },
    Postgres { name: String },
}

impl Database {
    pub fn sqlite() -> Database {
        let folder = std::env::temp_dir().join(format!("backout-test-{}", fresh_id()));
        std::fs::create_dir(&folder).unwrap();
        Database { address: format!("sqlite:{}", folder.join("backout.db").display()), kind: Kind::Sqlite { folder } }
    }

    pub async fn postgres() -> Database {
        let name = format!("test_{}", fresh_id().replace('-', ""));
        run_postgres("postgres", &format!("CREATE DATABASE {name}")).await;
        Database { address: format!("{}/{name}", postgres::server().base), kind: Kind::Postgres { name } }
    }

    pub async fn open(&self) -> Store {
        Store::open(&self.address).await.unwrap()
    }

    /// The SQLite file.
    pub fn file(&self) -> PathBuf {
        PathBuf::from(self.address.strip_prefix("sqlite:").unwrap())
    }

    /// Runs statements as someone would who has the database and not the program.
    pub async fn by_hand(&self, sql: &str) {
        match &self.kind {
            Kind::Sqlite { .. } => {
                let mut connection = SqliteConnection::connect(&self.address).await.unwrap();
                connection.execute(AssertSqlSafe(sql)).await.unwrap();
                connection.close().await.unwrap();
            }
            Kind::Postgres { name } => run_postgres(name, sql).await,
        }
    }
}

async fn run_postgres(database: &str, sql: &str) {
    let mut connection = PgConnection::connect(&format!("{}/{database}", postgres::server().base)).await.unwrap();
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
    connection.close().await.unwrap();
}

impl Drop for Database {
    fn drop(&mut self) {
        match &self.kind {
            Kind::Sqlite { folder } => {
                let _ = std::fs::remove_dir_all(folder);
            }
            Kind::Postgres { name } if postgres::server().lasting => {
                let sql = format!("DROP DATABASE {name} WITH (FORCE)");
                let drop = move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(run_postgres("postgres", &sql));
                };
                let _ = std::thread::spawn(drop).join();
            }
            Kind::Postgres { .. } => {}
        }
    }
}

/// Makes of one test two: `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($database:ident) $body:block)*) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn test($database: Database) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                test(Database::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                test(Database::postgres().await).await;
            }
        }
    )*};
}
pub(crate) use on_both;
