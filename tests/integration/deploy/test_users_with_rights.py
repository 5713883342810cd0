"""Users, and viewers of some domains, with the PostgreSQL role and the NATS user of config-api alone."""

from pydantic import SecretStr

from pipeline.settings import Settings
from tests.support.config_api import running_api
from tests.support.deployment import GuardedNats, Secrets, service_urls
from tests.support.people import add_user, audited, browser_of
from tests.support.services import ADMIN_TOKEN


def test_config_api_may_do_what_users_need(
    secrets: Secrets, guarded: GuardedNats, superuser_url: str, upgraded: dict[str, str]
) -> None:
    urls = service_urls("config-api", secrets, guarded, superuser_url)
    settings = Settings.load({**upgraded, **urls}).model_copy(update={"admin_token": SecretStr(ADMIN_TOKEN)})
    with running_api(settings) as api:
        user = add_user(api, "customer", "viewer", domains=["example.com"])
        viewer = browser_of(api, "customer")
        for path in (
            "/",
            "/reports",
            "/sources",
            "/domains",
            "/mails",
            "/account",
            "/api/v1/summary",
            "/api/v1/standings",
        ):
            assert viewer.get(path).status_code == 200, path
        assert api("PATCH", f"/users/{user['id']}", {"disabled": True}).status_code == 200
        assert viewer.get("/account").status_code == 303
        assert api("DELETE", f"/users/{user['id']}").status_code == 204
        assert {"user_added", "user_changed", "user_removed", "signed_in"} <= {line["action"] for line in audited(api)}
