"""The provider `oidc-provider` for Node, a certified one, from tests/node."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import httpx

from dmarq.embedded.programs import LOOPBACK, free_port
from tests.support.node import NODE

CLIENT_ID, CLIENT_SECRET = "dmarq", "a-secret-of-the-tests-4f1e9c"
CALLBACK = "http://127.0.0.1:8080/sign-in/provider/callback"
WAIT_S = 60.0


@contextmanager
def running_provider(node: str) -> Iterator[str]:
    """The issuer of a provider that runs inside the block, in this program."""
    port = free_port()
    issuer = f"http://{LOOPBACK}:{port}"
    arguments = [str(NODE / "oidc_provider.mjs"), issuer, str(port), CLIENT_ID, CLIENT_SECRET, CALLBACK]
    with subprocess.Popen([node, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(issuer, process)
            yield issuer
        finally:
            process.kill()


def signed_in_at(address: str, login: str) -> dict[str, str]:
    """What the provider sends a browser back with, after somebody signed in there and agreed."""
    with httpx.Client(timeout=30.0) as browser:
        answer = browser.get(address)
        for _ in range(12):
            if answer.is_redirect:
                target = str(answer.headers["Location"])
                if target.startswith(CALLBACK):
                    return dict(parse_qsl(urlsplit(target).query))
                answer = browser.get(httpx.URL(answer.url).join(target))
                continue
            action = re.search(r'action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert action, answer.text
            assert prompt, answer.text
            fields = {"prompt": prompt[1], "login": login, "password": "whatever"}
            answer = browser.post(httpx.URL(answer.url).join(action[1]), data=fields)
    raise AssertionError("the provider never sent the browser back")


def _wait_for(issuer: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        assert process.poll() is None, "the provider ended"
        try:
            if httpx.get(f"{issuer}/.well-known/openid-configuration").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the provider does not answer")
