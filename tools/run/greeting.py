"""What `make run` prints once the service answers: where it is, and three commands to paste."""

import threading
import time
import urllib.error
import urllib.request

from app.platform.settings import Settings

USERNAME = "demo"
PASSWORD = "slipway-demo"  # noqa: S105 - printed for everyone to see, and refused in production

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound


def greet_when_ready(settings: Settings, started: float) -> None:
    """Print the greeting when the service is ready, from a thread that ends with the process."""
    threading.Thread(target=_greet, args=(settings, started), daemon=True).start()


def greeting(settings: Settings, seconds: float) -> str:
    """The text; each of its commands works when it is pasted into a shell."""
    url = _url(settings.http.host, settings.http.port)
    metrics = f"{url}/metrics"
    if settings.metrics.enabled:
        metrics = f"{_url(settings.metrics.host, settings.metrics.port)}/metrics, and {metrics}"
    bearer, json = '-H "Authorization: Bearer $TOKEN"', '-H "Content-Type: application/json"'
    extract = 's/.*"access_token": *"\\([^"]*\\)".*/\\1/'
    return f"""
Slipway runs at {url}, ready after {seconds:.1f} s.

  Documentation  {url}/docs
  Log in         {USERNAME} / {PASSWORD}
  Metrics        {metrics}

Try, in another terminal:

TOKEN=$(curl -s {url}/api/v1/auth/token -d username={USERNAME} -d password={PASSWORD} | sed '{extract}')
curl -s "{url}/api/v2/items?limit=2" {bearer}
curl -s {url}/api/v2/items {bearer} {json} -d '{{"name": "Buoy", "price": {{"amount": "12.50", "currency": "EUR"}}}}'

Saving a file in app/ restarts the service. Ctrl-C stops everything. The data stays in .slipway/.
"""


def _greet(settings: Settings, started: float) -> None:
    readiness = f"{_url(settings.http.host, settings.http.port)}/readyz"
    while not _answers(readiness):
        time.sleep(0.05)
    print(greeting(settings, time.monotonic() - started), flush=True)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own http address
            return answer.status == 200
    except (OSError, urllib.error.HTTPError):
        return False


def _url(host: str, port: int) -> str:
    reachable = "127.0.0.1" if host in _EVERYWHERE else host
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
