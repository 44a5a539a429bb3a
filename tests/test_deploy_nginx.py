"""The example of a reverse proxy, in a real nginx, in front of a real server."""

import getpass
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from shadowboard.configuration import RunConfig
from shadowboard.records import Metric
from shadowboard.settings import Settings
from shadowboard.store import Store
from tests.server.conftest import running

ROOT = Path(__file__).parents[1]
NAME = "board.example"
TOKEN = "a-token-for-this-test"  # noqa: S105

pytestmark = pytest.mark.skipif(
    not (shutil.which("nginx") and shutil.which("openssl")),
    reason="The example for nginx is tested with nginx and openssl (Debian: nginx-light, openssl).",
)

# Everything that nginx writes goes into its folder (-p), and the test's user may do that.
AROUND = """
{user} daemon off; pid nginx.pid; error_log stderr; worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy;
    fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    include shadowboard.conf;
}}
"""


def free_ports(n: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def example(replaced: dict[str, str]) -> str:
    """The example as it is, but for what a machine has one of, such as port 443."""
    text = (ROOT / "deploy" / "nginx" / "shadowboard.conf").read_text(encoding="utf-8")
    for there, here in replaced.items():
        assert there in text
        text = text.replace(there, here)
    return text


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    return Settings(home=home, port=0, token=SecretStr(TOKEN), allowed_hosts=NAME)


@pytest.fixture(scope="module")
def outside(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A client of nginx, over TLS, by the name that the proxy serves."""
    folder = tmp_path_factory.mktemp("nginx")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    named = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run([*made, *named, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    plain, secure = free_ports(2)
    with running(settings) as inside:
        text = example(
            {
                "127.0.0.1:8000": f"127.0.0.1:{inside.base_url.port}",
                "    listen [::]:80;\n": "",
                "    listen [::]:443 ssl http2;\n": "",
                "listen 80;": f"listen 127.0.0.1:{plain};",
                "listen 443 ": f"listen 127.0.0.1:{secure} ",
                "/etc/ssl/board.example/fullchain.pem": str(certificate),
                "/etc/ssl/board.example/privkey.pem": str(key),
            }
        )
        (folder / "shadowboard.conf").write_text(text, encoding="utf-8")
        user = "user root;" if getpass.getuser() == "root" else ""
        (folder / "nginx.conf").write_text(AROUND.format(user=user), encoding="utf-8")
        command = ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr"]
        nginx = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            await_port(secure, nginx)
            with httpx2.Client(
                base_url=f"https://127.0.0.1:{secure}",
                headers={"Host": f"{NAME}:{secure}", "Plain-Port": str(plain)},
                verify=ssl.create_default_context(cafile=str(certificate)),
            ) as client:
                client.event_hooks["request"] = [lambda r: r.extensions.update(sni_hostname=NAME)]
                yield client
        finally:
            nginx.terminate()
            nginx.communicate(timeout=10)


def await_port(port: int, process: subprocess.Popen[str]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=10).close()
        except ConnectionRefusedError:
            continue
        return
    pytest.fail(f"nginx ended: {process.stderr and process.stderr.read()}")


@pytest.fixture
def origin(outside: httpx2.Client) -> str:
    """Where a page of ours was loaded from, as a browser says it."""
    return f"https://{outside.headers['Host']}"


def test_the_page_and_what_it_is_made_of_come_over_tls(outside: httpx2.Client) -> None:
    page = outside.get("/")
    assert page.status_code == 200
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    addresses = [part.split('"')[0] for part in page.text.split('="')[1:] if part.startswith("/static/")]
    assert addresses
    for address in addresses:
        assert outside.get(address.replace("&amp;", "&")).status_code == 200, address


def test_plain_http_is_sent_to_https(outside: httpx2.Client) -> None:
    url = f"http://127.0.0.1:{outside.headers['Plain-Port']}/runs?limit=1"
    answer = httpx2.get(url, headers={"Host": NAME})
    assert (answer.status_code, answer.headers["location"]) == (308, f"https://{NAME}/runs?limit=1")


def test_the_servers_own_redirects_stay_on_https(outside: httpx2.Client, origin: str) -> None:
    assert outside.get("/runs/").headers["location"] == f"{origin}/runs"


def test_a_login_over_https_gives_a_cookie_for_https_that_works(outside: httpx2.Client, origin: str) -> None:
    from_here = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert outside.post("/runs", json={}, headers=from_here).status_code == 401
    answer = outside.post("/login", data={"token": TOKEN, "next": "/runs"}, headers=from_here)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    value, *flags = answer.headers["set-cookie"].split("; ")
    assert {"Secure", "HttpOnly"} <= set(flags)
    made = outside.post("/runs", json={"config": {"steps": 1}}, headers=from_here | {"Cookie": value})
    assert made.status_code == 201
    # Older browsers send no Sec-Fetch-Site; then it is Origin that is compared, with its port.
    way, cookie = f"/runs/{made.json()['id']}/stop", {"Cookie": value}
    assert outside.post(way, headers=cookie | {"Origin": origin}).status_code == 202
    for other in ("https://evil.example", f"https://{NAME}:1", "null"):
        assert outside.post(way, headers=cookie | {"Origin": other}).status_code == 403


def test_a_name_that_is_not_allowed_is_refused(outside: httpx2.Client) -> None:
    answer = outside.get("/healthz", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert NAME in answer.json()["detail"]


def test_events_arrive_one_by_one(outside: httpx2.Client, settings: Settings) -> None:
    store = Store(settings.store_url)
    run = store.create_run(RunConfig(), worker="worker")
    with outside.stream("GET", f"/runs/{run.id}/events", timeout=20) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "event: run"
        # It is here while the stream goes on. Now the next, after which nothing comes to push it out.
        store.add_progress(run.id, "worker", 20, 7.0, [Metric(20, 0.25)])
        assert any(line.startswith("data:") and "0.25" in line for line in islice(lines, 10))
    store.release(run.id, "worker", "stopped", "")
    store.close()


@pytest.mark.parametrize("mib", [8.5, 9.5], ids=["by the server", "by nginx"])
def test_a_body_that_is_too_large_is_told_so(outside: httpx2.Client, mib: float) -> None:
    answer = outside.post("/predict", content=bytes(int(mib * 2**20)))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "The body is too large; expected at most 8 MiB."


def test_the_request_has_an_id_and_the_metrics_are_kept_inside(outside: httpx2.Client) -> None:
    assert len(outside.get("/healthz").headers["x-request-id"]) == 32
    assert outside.get("/metrics").status_code == 404
