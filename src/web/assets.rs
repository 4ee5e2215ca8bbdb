//! Stylesheet, script, fonts and icons, built into the program. Each is served under a name that holds the hash of its
//! content, so that a browser may keep it for ever.
//!
//! The files of `static/css/` are one stylesheet, `app.css`, and those of `static/js/` one script, `app.js`: joined in the
//! order of their names, so that a page costs one request for each and a file stays small enough to read.

use super::error::WebError;
use super::headers::IMMUTABLE;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::{LazyLock, OnceLock};

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

struct Asset {
    kind: String,
    bytes: Bytes,
    /// The same compressed as well as can be, once somebody asks for it; nothing where that makes it no smaller.
    compressed: OnceLock<Option<Bytes>>,
}

impl Asset {
    fn new(kind: &str, bytes: Bytes) -> Asset {
        Asset { kind: kind.to_owned(), bytes, compressed: OnceLock::new() }
    }

    fn compressed(&self) -> Option<Bytes> {
        let made = self.compressed.get_or_init(|| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
            let made = gzip.write_all(&self.bytes).and_then(|()| gzip.finish()).ok()?;
            // A font is compressed already.
            (made.len() + self.bytes.len() / 20 < self.bytes.len()).then(|| Bytes::from(made))
        });
        made.clone()
    }
}

struct Catalogue {
    /// `app.css` to `/static/app.1a2b3c4d5e6f.css`.
    paths: HashMap<String, String>,
    /// `app.1a2b3c4d5e6f.css` to the file.
    files: HashMap<String, Asset>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let mut catalogue = Catalogue { paths: HashMap::new(), files: HashMap::new() };
    let mut joined: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in Files::iter() {
        match name.split_once('/') {
            Some((folder @ ("css" | "js"), _)) => joined.entry(folder.to_owned()).or_default().push(name.into_owned()),
            Some((_, file)) => catalogue.add(file, asset(&name)),
            None => catalogue.add(&name, asset(&name)),
        }
    }
    for (folder, mut names) in joined {
        names.sort();
        let parts: Vec<Asset> = names.iter().map(|name| asset(name)).collect();
        let lean = names.iter().zip(&parts).map(|(name, part)| {
            let text = String::from_utf8_lossy(&part.bytes);
            // What others wrote is served as it is, with its licence.
            if name.contains("/0-") { text.into_owned() } else { without_comments(&text) }
        });
        let texts: Vec<String> = lean.collect();
        let whole = catalogue.with_addresses(&texts.join("\n"));
        let asset = Asset::new(&parts[0].kind, Bytes::from(whole));
        catalogue.add(&format!("app.{folder}"), asset);
    }
    catalogue
});

/// Leaves out comments that have lines of their own, and what indents a line: people read the files, browsers this. Hence
/// no text of ours runs over the end of a line.
fn without_comments(text: &str) -> String {
    let (mut lean, mut within) = (String::with_capacity(text.len()), false);
    for line in text.lines().map(str::trim) {
        let (begins, ends) = (line.starts_with("/*"), line.ends_with("*/"));
        if !(within || begins || line.starts_with("//") || line.is_empty()) {
            lean.push_str(line);
            lean.push('\n');
        }
        within = (within || begins) && !ends;
    }
    lean
}

fn asset(name: &str) -> Asset {
    let file = Files::get(name).expect("a listed file exists");
    let bytes = match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    Asset::new(file.metadata.mimetype(), bytes)
}

impl Catalogue {
    fn add(&mut self, name: &str, asset: Asset) {
        let hash = &data_encoding::HEXLOWER.encode(&Sha256::digest(&asset.bytes))[..12];
        let hashed = match name.rsplit_once('.') {
            Some((stem, ending)) => format!("{stem}.{hash}.{ending}"),
            None => format!("{name}.{hash}"),
        };
        self.paths.insert(name.to_owned(), format!("/static/{hashed}"));
        self.files.insert(hashed, asset);
    }

    /// A stylesheet names a font by its file, `url(inter.woff2)`; the browser needs its hashed address.
    fn with_addresses(&self, text: &str) -> String {
        let name_it = |text: String, (name, path): (&String, &String)| {
            text.replace(&format!("url({name})"), &format!("url({path})"))
        };
        self.paths.iter().fold(text.to_owned(), name_it)
    }
}

/// The address of a file in `static/`, for templates: `{{ crate::web::assets::path("app.css") }}`.
///
/// Panics when there is no such file: a template then names something that was never built in, and every test that
/// renders it fails.
pub fn path(name: &str) -> &'static str {
    CATALOGUE.paths.get(name).unwrap_or_else(|| panic!("there is no static file {name}"))
}

/// Serves a file under its hashed name, compressed for whoever takes it so.
pub async fn get(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, WebError> {
    let asset = CATALOGUE.files.get(&name).ok_or_else(WebError::not_found)?;
    let kind =
        if asset.kind.starts_with("text/") { format!("{}; charset=utf-8", asset.kind) } else { asset.kind.clone() };
    let about = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache())];
    let vary = [(header::VARY, "accept-encoding")];
    if takes_gzip(&headers)
        && let Some(bytes) = asset.compressed()
    {
        return Ok((about, vary, [(header::CONTENT_ENCODING, "gzip")], bytes).into_response());
    }
    Ok((about, vary, asset.bytes.clone()).into_response())
}

/// Whether a browser says that it takes gzip. Whoever says nothing, or weighs it at nothing, gets the file as it is.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let said = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    said.flat_map(|value| value.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let nothing = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !nothing
    })
}

fn cache() -> String {
    IMMUTABLE.to_str().expect("a constant of plain letters").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::sample::World;

    #[test]
    fn the_address_of_a_file_holds_its_hash() {
        let css = path("app.css");
        assert!(css.starts_with("/static/app.") && css.ends_with(".css") && css.len() == "/static/app..css".len() + 12);
    }

    #[test]
    fn the_stylesheet_names_fonts_by_their_hashed_address_and_their_licence_is_served() {
        let name = path("app.css").trim_start_matches("/static/");
        let text = String::from_utf8_lossy(&CATALOGUE.files[name].bytes);
        for font in ["inter-latin.woff2", "inter-latin-ext.woff2"] {
            assert!(text.contains(&format!("url({})", path(font))), "{font}");
            let served = &CATALOGUE.files[path(font).trim_start_matches("/static/")];
            assert_eq!(served.kind, "font/woff2");
        }
        assert!(path("inter-OFL.txt").ends_with(".txt"));
    }

    #[test]
    fn comments_are_for_those_who_read_the_files() {
        let text = "/* What it is.\n   More. */\nlet a = 1; /* stays */\n\n  // why\n  /** one */\n  let b = \"//\";\n";
        assert_eq!(without_comments(text), "let a = 1; /* stays */\nlet b = \"//\";\n");
        let script = &CATALOGUE.files[path("app.js").trim_start_matches("/static/")].bytes;
        assert!(String::from_utf8_lossy(script).contains("Zero-Clause BSD"), "another's licence goes along");
    }

    /// The first view of a room with a rollback under way, as it is served: the page itself, the stylesheet, the script,
    /// the icons, and the one font that English needs.
    #[tokio::test]
    async fn the_first_view_of_the_room_stays_below_100_kib_compressed() {
        let world = World::new().await;
        let id = world.critical().await;
        world.authorised(&id).await;
        world.runs(&id, "app-rollback").await;
        let room = world.signed_in("maya").await.get(&format!("/incidents/{id}")).await.body;
        assert!(room.contains("id=\"run-"), "a run stands in the room");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(room.as_bytes()).unwrap();
        let page = gzip.finish().unwrap().len();
        let file = |name: &str| {
            let asset = &CATALOGUE.files[CATALOGUE.paths[name].trim_start_matches("/static/")];
            asset.compressed().unwrap_or(asset.bytes.clone()).len()
        };
        let files = ["app.css", "app.js", "icons.svg", "icon.svg", "inter-latin.woff2"].map(file);
        assert!(page + files.iter().sum::<usize>() < 100 * 1024, "page {page}, files {files:?}");
    }

    #[tokio::test]
    async fn a_file_comes_compressed_for_whoever_takes_it_so() {
        let ask = async |name: &str, encodings: &str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, encodings.parse().unwrap())]);
            let name = path(name).trim_start_matches("/static/").to_owned();
            let response = get(Path(name), headers).await.unwrap();
            let encoding = response.headers().get(header::CONTENT_ENCODING).cloned();
            let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            (encoding.map(|value| value.to_str().unwrap().to_owned()), bytes)
        };
        let (none, plain) = ask("app.css", "br").await;
        let (gzip, packed) = ask("app.css", "br, gzip;q=0.5").await;
        assert_eq!((none, gzip.as_deref()), (None, Some("gzip")));
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[..]), &mut text).unwrap();
        assert!(text.as_bytes() == plain && packed.len() * 3 < plain.len());
        for refused in ["", "identity", "gzip;q=0", "gzip; q=0.000"] {
            assert_eq!(ask("app.css", refused).await.0, None, "{refused}");
        }
        assert_eq!(ask("inter-latin.woff2", "gzip").await.0, None, "a font is compressed already");
    }
}
