"""The text of a scrape."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder


def exposition(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The metrics and their media type: OpenMetrics, with exemplars, if the `Accept` header asks for it.

    Takes tens of milliseconds for a large registry, so call it in a thread.
    """
    try:
        encode, media_type = choose_encoder(accept)
    except (TypeError, ValueError):  # prometheus_client fails on a version such as x.y
        encode, media_type = choose_encoder("")
    return encode(registry), media_type
