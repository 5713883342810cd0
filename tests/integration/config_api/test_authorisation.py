"""Who may call what: each route says it, and for each role each route is tried."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask.testing import FlaskClient
from werkzeug.routing import Rule

from config_api.access.scopes import Role
from config_api.web.needs import Need, need_of
from tests.support.config_api import Api
from tests.support.people import user_browser
from tests.support.signing_in import csrf_token

REFUSED = 403
HIGHER = {
    Role.VIEWER: ("/settings/users", "/settings/audit", "/settings/access", "/settings/mailboxes/new", "/upload"),
    Role.OPERATOR: ("/settings/users", "/settings/audit", "/settings/access", "/settings/mailboxes/new"),
    Role.ADMIN: (),
}


@dataclass(frozen=True)
class Route:
    """An address with numbers and names filled in, and what it needs."""

    method: str
    path: str
    need: Need


def routes(api: Api) -> Iterator[Route]:
    with api.app.test_request_context():
        for rule in api.app.url_map.iter_rules():
            need = need_of(api.app.view_functions[rule.endpoint])
            assert need is not None, f"nobody said who may call {rule.endpoint}: see config_api/web/needs.py"
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield Route(method, _filled(rule), need)


def test_every_route_says_what_it_needs_and_few_are_open(api: Api) -> None:
    found = list(routes(api))
    assert len(found) > 120
    opened = {
        f"{each.method} {each.path.rpartition('/x')[0] or each.path}" for each in found if each.need.scope is None
    }
    assert opened == {
        "GET /healthz", "GET /readyz", "GET /sign-in", "POST /sign-in", "GET /sign-in/provider",
        "GET /sign-in/provider/callback", "POST /theme", "GET /static",
    }  # fmt: skip


def test_a_route_without_a_declaration_is_served_to_nobody(api: Api) -> None:
    api.app.view_functions["healthz_undeclared"] = lambda: "here"
    api.app.url_map.add(Rule("/undeclared", endpoint="healthz_undeclared", methods=["GET"]))
    assert api.browser().get("/undeclared").status_code == REFUSED


def test_each_role_is_refused_by_every_route_that_needs_more_and_by_no_other(api: Api) -> None:
    for role in Role:
        browser = user_browser(api, f"the {role}", role)
        token = csrf_token(browser, "/account")
        for route in routes(api):
            if route.need.scope is None or _ends_the_session(route):
                continue
            status = _status(browser, route, token)
            if role.scope.holds(route.need.scope):
                assert status != REFUSED, (role, route)
            else:
                assert status == REFUSED, (role, route)


def test_a_viewer_changes_nothing_but_what_is_their_own(api: Api) -> None:
    own = {"/sign-out", "/account/password", "/account/sessions/end-others", "/account/sessions/1/end", "/theme"}
    changing = {each.path for each in routes(api) if each.method != "GET" and _is_for_viewers(each)}
    assert {path for path in changing if "/sign-in" not in path} == own


def test_a_bound_viewer_is_refused_by_every_route_that_is_about_more_than_their_domains(api: Api) -> None:
    browser = user_browser(api, "customer", "viewer", domains=["example.com"])
    token = csrf_token(browser, "/account")
    refused = set()
    for route in routes(api):
        if route.need.scope is None or route.need.within_domains:
            continue
        assert _status(browser, route, token) == REFUSED, route
        refused.add(route.path)
    assert {"/settings/mailboxes", "/settings/logs", "/attention", "/api/v1/events/stream", "/api/v1/status"} <= refused


def test_pages_show_a_role_nothing_that_it_may_not_do(api: Api) -> None:
    api.add_mailbox(id="main")
    for role, higher in HIGHER.items():
        browser = user_browser(api, f"the {role}", role)
        page = browser.get("/settings/mailboxes").text
        assert [path for path in higher if f'href="{path}"' in page] == []
        assert ('action="/settings/mailboxes/main/fetch"' in page) == (role is not Role.VIEWER)


def test_a_strangers_request_for_a_page_leads_to_the_sign_in_and_for_the_api_to_a_refusal(api: Api) -> None:
    stranger = api.browser()
    for route in routes(api):
        if route.need.scope is None or route.method != "GET":
            continue
        assert stranger.get(route.path).status_code == (303 if route.need.for_pages else 401), route


def _status(browser: FlaskClient, route: Route, token: str) -> int:
    answer = browser.open(route.path, method=route.method, headers={"X-CSRF-Token": token}, buffered=False)
    answer.close()
    return answer.status_code


def _is_for_viewers(route: Route) -> bool:
    return route.need.scope is None or Role.VIEWER.scope.holds(route.need.scope)


def _ends_the_session(route: Route) -> bool:
    is_end = route.path in ("/sign-out", "/account/password", "/api/v1/password")
    return is_end or "/end" in route.path or route.path.startswith("/api/v1/sessions") or "/events/stream" in route.path


def _filled(rule: Rule) -> str:
    """The address with something in place of what varies."""
    path = ""
    for is_dynamic, part in rule._trace[1:]:
        converter = rule._converters.get(part) if is_dynamic else None
        if converter is None:
            path += part.lstrip("|")
        else:
            path += "fetch" if converter.regex.startswith("(?:") and "fetch" in converter.regex else _sample(converter)
    return path


def _sample(converter: object) -> str:
    return "1" if type(converter).__name__ == "IntegerConverter" else "x"
