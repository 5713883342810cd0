"""The provider `oidc-provider` for Node, a certified one; installed with npm when it is first needed."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from dmarq.embedded.programs import LOOPBACK, free_port

PACKAGE = "oidc-provider@8.8.1"
HOME = Path(__file__).parents[3] / "build" / "oidc-provider"
CLIENT_ID, CLIENT_SECRET = "dmarq", "a-secret-of-the-tests-4f1e9c"
CALLBACK = "http://127.0.0.1:8080/sign-in/provider/callback"
WAIT_S = 60.0

# Anybody may sign in under any name; "groups" of alice@example.com are "staff", those of root@example.com "admins".
SCRIPT = """
import Provider from "oidc-provider";
const [issuer, port, id, secret, callback] = process.argv.slice(1);
const groups = { "root@example.com": ["admins", "staff"], "alice@example.com": ["staff"] };
const provider = new Provider(issuer, {
  clients: [{ client_id: id, client_secret: secret, redirect_uris: [callback] }],
  claims: { openid: ["sub", "groups", "domains"], email: ["email", "email_verified"], profile: ["preferred_username"] },
  pkce: { required: () => true },
  findAccount: async (_, sub) => ({ accountId: sub, claims: async () => ({
    sub, email: sub, email_verified: true, preferred_username: sub.split("@")[0], groups: groups[sub] ?? [],
    domains: ["example.com"],
  }) }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
"""


@contextmanager
def running_provider() -> Iterator[str]:
    """The issuer of a provider that runs inside the block."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("no Node is installed")
    if not (HOME / "node_modules" / "oidc-provider").is_dir():
        HOME.mkdir(parents=True, exist_ok=True)
        quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--silent")
        subprocess.run([npm, "install", "--prefix", str(HOME), *quiet, PACKAGE], check=True, timeout=100)
    port = free_port()
    issuer = f"http://{LOOPBACK}:{port}"
    arguments = ["--input-type=module", "-e", SCRIPT, issuer, str(port), CLIENT_ID, CLIENT_SECRET, CALLBACK]
    with subprocess.Popen(
        [node, *arguments], cwd=HOME, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
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
