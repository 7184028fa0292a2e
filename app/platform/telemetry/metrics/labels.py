"""The closed sets that label values come from, where code as well as the catalogue names them."""

from typing import Literal, TypeAlias

from ...problems import ShedReason

__all__ = ["ShedReason"]  # defined on the ground floor, since a problem has one

StatementError: TypeAlias = Literal["", "conflict", "integrity", "other", "pool_timeout", "timeout", "unavailable"]
"""What became of a statement; empty if it worked. `conflict` and `integrity` are the caller's, not the database's."""
CallError: TypeAlias = Literal["", "connection", "content", "status", "timeout"]
"""What became of a call to another process; empty if it worked. `content` is an answer that makes no sense."""
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error", "critical"]
Override: TypeAlias = Literal["log_level", "sample_ratio"]
"""What can be changed for a while at run time."""

OPERATIONS = ("SELECT", "INSERT", "UPDATE", "DELETE", "COMMIT")
OTHER_OPERATION = "OTHER"
TOKEN_CACHE = "tokens"  # noqa: S105 (a name)
