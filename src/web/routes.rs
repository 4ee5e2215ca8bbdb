//! The one table of addresses. Each line names method, path and the capability that opens it; a line without one cannot
//! be written. Tests walk the same table as nobody and as each role, so that no route escapes them.

use super::AppState;
use super::layers::BODY_BYTES;
use crate::access::capability::Capability;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

/// One line of the table.
pub struct Route {
    pub method: Method,
    /// As the router matches it: `/incidents/{number}`.
    pub path: &'static str,
    pub capability: Capability,
    /// Whether a visit keeps the session from falling idle. Streams and polls do not.
    pub is_activity: bool,
    /// The most bytes of a body.
    pub body_bytes: usize,
    handler: MethodRouter<AppState>,
    /// What answers a form that came without the confirmation that it demands.
    rehearsal: Option<MethodRouter<AppState>>,
}

impl Route {
    /// A page that is read. It must change nothing: links are followed by machines.
    pub fn get<H, T>(path: &'static str, capability: Capability, handler: H) -> Route
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        Route::new(Method::GET, path, capability, get(handler))
    }

    /// A form or a command that is sent.
    pub fn post<H, T>(path: &'static str, capability: Capability, handler: H) -> Route
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        Route::new(Method::POST, path, capability, post(handler))
    }

    /// A form that demands a fresh confirmation. Where that is missing, `rehearsal` answers: the page with what is wrong,
    /// or [`Waits`](super::rehearsal::Waits). It must change nothing but note a refusal in the ledger.
    pub fn confirmed<H, T, R, U>(path: &'static str, capability: Capability, handler: H, rehearsal: R) -> Route
    where
        H: Handler<T, AppState>,
        T: 'static,
        R: Handler<U, AppState>,
        U: 'static,
    {
        Route { rehearsal: Some(post(rehearsal)), ..Route::post(path, capability, handler) }
    }

    fn new(method: Method, path: &'static str, capability: Capability, handler: MethodRouter<AppState>) -> Route {
        Route { method, path, capability, is_activity: true, body_bytes: BODY_BYTES, handler, rehearsal: None }
    }

    /// Visits do not count as activity: for streams and polls.
    pub fn without_activity(mut self) -> Route {
        self.is_activity = false;
        self
    }

    /// Another limit for the body.
    pub fn with_body_bytes(mut self, bytes: usize) -> Route {
        self.body_bytes = bytes;
        self
    }
}

/// Every address that the server answers.
pub fn table() -> Vec<Route> {
    let own = vec![
        Route::get("/static/{file}", Capability::Machine, super::assets::get),
        Route::post("/-/csp-report", Capability::Machine, super::headers::policy_report)
            .with_body_bytes(super::headers::REPORT_BYTES),
    ];
    [
        own,
        super::now::routes(),
        super::sign_in::routes(),
        super::reauthenticate::routes(),
        super::setup::routes(),
        super::account::routes(),
        super::people::routes(),
        super::room::routes(),
        super::timeline::routes(),
        super::impact::routes(),
        super::approve::routes(),
        super::start::routes(),
        super::verify::routes(),
        super::plan::routes(),
        super::stop::routes(),
        super::update::routes(),
        super::wall::routes(),
        super::run::routes(),
        super::evidence::routes(),
        super::close::routes(),
        super::rollbacks::routes(),
        super::registers::routes(),
        super::playbook::routes(),
        super::report::routes(),
        super::print_foot::routes(),
        super::tokens::routes(),
        super::audit::routes(),
        super::live::routes(),
        super::machines::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The lines for browsers, and the lines for machines, each as a router of its own: the second has no session and no
/// CSRF check, because it reads no cookie.
pub(super) fn build(app: &AppState, table: Vec<Route>) -> (Router<AppState>, Router<AppState>) {
    let (mut pages, mut machines) = (Router::new(), Router::new());
    for route in table {
        let rehearsal = route.rehearsal.map(|rehearsal| rehearsal.with_state(app.clone()));
        let door = super::session::Door { capability: route.capability, is_activity: route.is_activity, rehearsal };
        let limited = route.handler.layer(DefaultBodyLimit::max(route.body_bytes));
        if route.capability == Capability::Machine {
            machines = machines.route(route.path, limited);
        } else {
            let guarded = limited.route_layer(from_fn_with_state((app.clone(), door), super::session::guard));
            pages = pages.route(route.path, guarded);
        }
    }
    (pages, machines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::capability::Standing;
    use crate::domain::{Role, Span};
    use crate::web::router_of;
    use crate::web::sample::{PEOPLE, World};
    use axum::http::StatusCode;
    use axum::routing::on;

    #[test]
    fn a_form_that_demands_the_password_is_looked_at_before_and_no_other() {
        for route in table() {
            let stale = Standing { roles: &Role::ALL, fresh: false };
            let demands = route.capability.open_to(Some(stale)).is_err();
            assert_eq!(route.rehearsal.is_some(), demands, "{} {}", route.method, route.path);
        }
    }

    /// What every handler of the table below answers, and nothing else does: whoever sees it was let through.
    const LET_IN: StatusCode = StatusCode::IM_A_TEAPOT;

    /// The real table; behind each door stands nothing but [`LET_IN`].
    fn doors() -> Vec<Route> {
        let behind = |method: &Method| on(method.clone().try_into().unwrap(), async || LET_IN);
        table().into_iter().map(|route| Route { handler: behind(&route.method), ..route }).collect()
    }

    /// A rehearsal looks at what it was sent and says what would be refused: that too is for those alone who may.
    #[tokio::test]
    async fn nobody_reaches_a_rehearsal_whose_capability_they_lack() {
        let world = World::new().await;
        let rehearsed = || table().into_iter().filter(|route| route.rehearsal.is_some());
        let doors = rehearsed().map(|route| Route { rehearsal: Some(post(async || LET_IN)), ..route }).collect();
        let router = router_of(world.app.clone(), doors);
        let mut visitors = vec![("nobody", None, world.nobody())];
        for (login, _, roles) in PEOPLE {
            visitors.push((login, Some(Standing { roles, fresh: true }), world.signed_in(login).await));
        }
        for route in rehearsed() {
            world.turn(Span::seconds(4));
            let path = route.path.replace(['{', '}'], "");
            for (login, once_fresh, browser) in &mut visitors {
                browser.router = router.clone();
                let status = browser.ask(route.method.clone(), &path, String::new(), &[]).await.0.status;
                let open = route.capability.open_to(*once_fresh).is_ok();
                assert_eq!(status == LET_IN, open, "{} {path} as {login}: {status}", route.method);
            }
        }
    }

    #[tokio::test]
    async fn nobody_reaches_a_handler_whose_capability_they_lack_or_have_yet_to_confirm() {
        let world = World::new().await;
        let router = router_of(world.app.clone(), doors());
        let mut visitors = vec![("nobody", None, world.nobody())];
        for (login, _, roles) in PEOPLE {
            visitors.push((login, Some(Standing { roles, fresh: false }), world.signed_in(login).await));
            visitors.push((login, Some(Standing { roles, fresh: true }), world.confirmed(login).await));
        }
        for route in table() {
            // Each person has two browsers here and a pace for their forms; a confirmation stays fresh for five minutes.
            world.turn(if route.method == Method::POST { Span::seconds(4) } else { Span::ZERO });
            let path = route.path.replace(['{', '}'], "");
            for (login, standing, browser) in &mut visitors {
                browser.router = router.clone();
                let status = browser.ask(route.method.clone(), &path, String::new(), &[]).await.0.status;
                let open = route.capability.open_to(*standing).is_ok();
                assert_eq!(status == LET_IN, open, "{} {path} as {login}, {standing:?}: {status}", route.method);
            }
        }
    }
}
