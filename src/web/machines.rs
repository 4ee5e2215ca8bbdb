//! The addresses for machines. What they answer is made in [`crate::api`]; here stands who is near enough to ask without
//! a token.

use super::AppState;
use super::layers::Peer;
use super::routes::Route;
use crate::access::capability::Capability;
use crate::api::problem::Problem;
use crate::api::{Desk, bearer, freeze, operation, updates};
use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use std::convert::Infallible;

impl FromRef<AppState> for Desk {
    fn from_ref(app: &AppState) -> Desk {
        Desk(app.incidents.clone())
    }
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/freeze", Capability::Machine, freeze::get),
        Route::get("/api/v1/incidents/{id}/updates", Capability::Machine, updates::get),
        Route::get("/healthz", Capability::Machine, operation::healthz),
        Route::get("/readyz", Capability::Machine, readyz),
        Route::get("/metrics", Capability::Machine, metrics),
    ]
}

/// Who asks: from this machine, and not through a proxy on it (whose visitors all come from its own address).
struct Visit {
    local: bool,
    headers: HeaderMap,
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visit, Infallible> {
        let near = parts.extensions.get::<Peer>().is_some_and(|Peer(peer)| peer.ip().is_loopback());
        let forwarded = ["x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via"];
        let direct = !forwarded.iter().any(|name| parts.headers.contains_key(*name));
        Ok(Visit { local: near && direct, headers: parts.headers.clone() })
    }
}

async fn admit(desk: &Desk, visit: &Visit) -> Result<(), Problem> {
    if visit.local { Ok(()) } else { bearer::reads(desk, &visit.headers).await }
}

async fn readyz(State(desk): State<Desk>, visit: Visit) -> Result<&'static str, Problem> {
    admit(&desk, &visit).await?;
    operation::ready(&desk).await
}

async fn metrics(State(desk): State<Desk>, visit: Visit) -> Result<String, Problem> {
    admit(&desk, &visit).await?;
    operation::render(&desk).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::tokens::{Scope, create};
    use crate::web::sample::World;
    use axum::body::{Body, to_bytes};
    use axum::extract::Request;
    use axum::http::StatusCode;
    use serde_json::Value;
    use std::net::SocketAddr;
    use tower::ServiceExt;

    async fn ask(
        world: &World,
        path: &str,
        headers: &[(&str, &str)],
        peer: [u8; 4],
    ) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::builder().uri(path).header("host", "backout.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.extension(Peer(SocketAddr::from((peer, 4_000)))).body(Body::empty()).unwrap();
        let response = world.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    const FAR: [u8; 4] = [203, 0, 113, 9];
    const NEAR: [u8; 4] = [127, 0, 0, 1];

    async fn token(world: &World) -> String {
        let secret = create(&world.app.store, "person:ada", "pipeline", Scope::Read, 1, world.now()).await.unwrap();
        format!("Bearer {secret}")
    }

    #[tokio::test]
    async fn without_a_living_token_the_answer_is_a_problem_with_a_stable_type() {
        let world = World::new().await;
        let wrong = format!("Bearer bko_{}", "A".repeat(43));
        for path in ["/api/v1/freeze", "/api/v1/incidents/RB-0001/updates", "/readyz", "/metrics"] {
            for headers in [vec![], vec![("authorization", wrong.as_str())], vec![("authorization", "Basic YQ==")]] {
                let (status, answered, body) = ask(&world, path, &headers, FAR).await;
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
                assert_eq!(answered["content-type"], "application/problem+json");
                assert!(answered.contains_key("www-authenticate"));
                let problem: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(problem["type"], "urn:backout:problem:token");
            }
        }
    }

    #[tokio::test]
    async fn deployments_are_frozen_from_the_ordered_start_and_a_misspelt_name_is_no_free_road() {
        let world = World::new().await;
        let token = token(&world).await;
        let headers = [("authorization", token.as_str())];
        let read = |body: &str| serde_json::from_str::<Value>(body).unwrap();
        let (status, _, body) = ask(&world, "/api/v1/freeze", &headers, FAR).await;
        assert_eq!((status, read(&body)["frozen"].clone()), (StatusCode::OK, Value::Bool(false)));
        let id = world.critical().await;
        world.authorised(&id).await;
        let path = "/api/v1/freeze?environment=production&component=crisis-detection";
        let (_, answered, body) = ask(&world, path, &headers, FAR).await;
        let told = read(&body);
        assert_eq!((told["frozen"].clone(), answered["retry-after"].to_str().unwrap()), (Value::Bool(true), "30"));
        assert_eq!(told["freezes"][0]["incident"], id.as_str());
        assert_eq!(told["freezes"][0]["owner"], "Maya Okafor");
        for wrong in ["environment=prodution", "environment=production&component=nothing", "component=nothing"] {
            let (status, _, body) = ask(&world, &format!("/api/v1/freeze?{wrong}"), &headers, FAR).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{wrong}");
            assert!(!body.contains("\"frozen\""), "{wrong}");
        }
    }

    #[tokio::test]
    async fn updates_are_numbered_and_the_next_is_promised() {
        let world = World::new().await;
        let token = token(&world).await;
        let headers = [("authorization", token.as_str())];
        let id = world.critical().await;
        world.turn(crate::domain::Span::minutes(1));
        let send = crate::domain::command::Command::SendUpdate { number: 1, note: Some("we look".to_owned()) };
        world.acts("maya", &id, send).await;
        let (status, _, body) = ask(&world, &format!("/api/v1/incidents/{id}/updates"), &headers, FAR).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let told: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (told["updates"][0]["number"].clone(), told["updates"][0]["early"].clone()),
            (1.into(), true.into())
        );
        assert_eq!(told["next"]["number"], 2);
        for other in ["RB-9999", "RB-1", "x"] {
            let (status, _, _) = ask(&world, &format!("/api/v1/incidents/{other}/updates"), &headers, FAR).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{other}");
        }
    }

    #[tokio::test]
    async fn a_visitor_on_this_machine_needs_no_token_and_one_through_a_proxy_does() {
        let world = World::new().await;
        world.critical().await;
        assert_eq!(ask(&world, "/healthz", &[], FAR).await.2, "ok\n");
        assert_eq!(ask(&world, "/readyz", &[], NEAR).await.2, "ready\n");
        let (status, _, counted) = ask(&world, "/metrics", &[], NEAR).await;
        assert_eq!(status, StatusCode::OK);
        for name in ["backout_open_incidents{severity=\"P0\"} 1", "backout_ledger_seq", "backout_http_requests_total"] {
            assert!(counted.contains(name), "{name} is missing: {counted}");
        }
        let (status, ..) = ask(&world, "/metrics", &[("x-forwarded-for", "198.51.100.7")], NEAR).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        let token = token(&world).await;
        assert_eq!(ask(&world, "/metrics", &[("authorization", &token)], FAR).await.0, StatusCode::OK);
    }
}
