"""Settings groups of features, read from the same sources as the platform's."""

from collections.abc import Mapping
from typing import TypeVar, cast

from pydantic import create_model

from . import Settings, load
from .base import Group

AnyGroup = TypeVar("AnyGroup", bound=Group)


def with_groups(groups: Mapping[str, type[Group]]) -> type[Settings]:
    """One model with the settings of the platform and these groups, by section."""
    fields = {section: (kind, kind()) for section, kind in groups.items()}
    return cast("type[Settings]", create_model("Settings", __base__=Settings, **fields))  # type: ignore[call-overload]


def load_group(section: str, kind: type[AnyGroup]) -> AnyGroup:
    """Reads the variables `SLIPWAY_<SECTION>__…` into a group.

    Raises `SettingsError` with one sentence for each variable that has no usable value.
    """
    return cast(AnyGroup, getattr(load(with_groups({section: kind})), section))
