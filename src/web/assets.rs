//! Stylesheet, icons and scripts, built into the program. Each is served under a name that holds the hash of its
//! content, so that a browser may keep it for ever.

use super::error::WebError;
use super::headers::IMMUTABLE;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

struct Asset {
    kind: String,
    bytes: Cow<'static, [u8]>,
}

struct Catalogue {
    /// `app.css` to `/static/app.1a2b3c4d5e6f.css`.
    paths: HashMap<String, String>,
    /// `app.1a2b3c4d5e6f.css` to the file.
    files: HashMap<String, Asset>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let (mut paths, mut files) = (HashMap::new(), HashMap::new());
    for name in Files::iter() {
        let file = Files::get(&name).expect("a listed file exists");
        let hash = &data_encoding::HEXLOWER.encode(&file.metadata.sha256_hash())[..12];
        let hashed = match name.rsplit_once('.') {
            Some((stem, ending)) => format!("{stem}.{hash}.{ending}"),
            None => format!("{name}.{hash}"),
        };
        paths.insert(name.to_string(), format!("/static/{hashed}"));
        files.insert(hashed, Asset { kind: file.metadata.mimetype().to_owned(), bytes: file.data });
    }
    Catalogue { paths, files }
});

/// The address of a file in `static/`, for templates: `{{ crate::web::assets::path("app.css") }}`.
///
/// Panics when there is no such file: a template then names something that was never built in, and every test that
/// renders it fails.
pub fn path(name: &str) -> &'static str {
    CATALOGUE.paths.get(name).unwrap_or_else(|| panic!("there is no static file {name}"))
}

/// Serves a file under its hashed name.
pub async fn get(Path(name): Path<String>) -> Result<Response, WebError> {
    let asset = CATALOGUE.files.get(&name).ok_or_else(WebError::not_found)?;
    let kind =
        if asset.kind.starts_with("text/") { format!("{}; charset=utf-8", asset.kind) } else { asset.kind.clone() };
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache())], asset.bytes.clone()).into_response())
}

fn cache() -> String {
    IMMUTABLE.to_str().expect("a constant of plain letters").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_file_holds_its_hash() {
        let css = path("app.css");
        assert!(css.starts_with("/static/app.") && css.ends_with(".css") && css.len() == "/static/app..css".len() + 12);
    }
}
