"""What the fields of a head say about its body and its host (RFC 9112 §3.2, §6)."""

FRAMING_FIELDS = frozenset({b"content-length", b"expect", b"host", b"transfer-encoding"})
"""The fields that `Framing` reads, in lower case."""


class MalformedError(Exception):
    """Ends the parsing of a request."""


class Framing:
    """Collects those fields while a head is parsed; one for each connection."""

    __slots__ = ("codings", "expects_continue", "hosts", "length")

    def __init__(self) -> None:
        self.hosts = self.length = self.codings = 0
        self.expects_continue = False

    def restart(self) -> None:
        """Begins a head."""
        self.hosts = self.length = self.codings = 0
        self.expects_continue = False

    def read(self, name: bytes, value: bytes) -> None:
        """Takes a field. Raises `MalformedError` for a coding that is not implemented (RFC 9112 §6.1)."""
        if name == b"host":
            self.hosts += 1
        elif name == b"content-length":
            self.length = int(value)
        elif name == b"expect":
            self.expects_continue |= value.lower() == b"100-continue"
        else:
            self.codings += 1
            if value.strip(b" \t").lower() != b"chunked":
                raise MalformedError

    def check(self, version: str) -> None:
        """Raises `MalformedError` unless there is one host and at most one coding; HTTP/1.0 knows neither."""
        old = version == "1.0"
        if self.hosts > 1 or (not self.hosts and not old) or self.codings > 1 or (self.codings and old):
            raise MalformedError
