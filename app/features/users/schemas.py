"""What clients send and get of users and tokens."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import MISSING

from app.features.users.passwords import LONGEST, SHORTEST
from app.platform.types import Email, Integer, Secret, StrictInput, Text

Username = Annotated[
    str, Field(min_length=3, max_length=50, pattern="^[A-Za-z0-9]*$", description="ASCII letters and digits.")
]
FullName = Annotated[str, Text(min_length=1, max_length=200)]
Age = Annotated[int, Integer(0, 150)]
NewPassword = Annotated[SecretStr, Secret(min_length=SHORTEST, max_length=LONGEST)]
Password = Annotated[SecretStr, Secret(max_length=LONGEST)]


class UserIn(StrictInput):
    """A new user."""

    username: Username
    email: Email
    password: NewPassword
    full_name: FullName | None = None
    age: Age | None = None


class UserPatch(StrictInput):
    """Changes: what is absent stays, and null clears what may be empty.

    A new e-mail address needs the current password, since whoever reads its mail can get into the account.
    """

    email: Email | MISSING = MISSING
    full_name: FullName | MISSING | None = MISSING
    age: Age | MISSING | None = MISSING
    current_password: Annotated[Password | MISSING, Field(description="Needed with `email`.")] = MISSING


class PasswordChange(StrictInput):
    """The password that is, and the one that shall be."""

    current_password: Password
    new_password: NewPassword


class UserOut(BaseModel):
    """A user."""

    id: UUID
    username: str
    email: str
    full_name: str | None
    age: int | None
    disabled: bool
    scopes: list[str]
    created_at: datetime


class LogIn(BaseModel):
    """The form of RFC 6749 §4.3.2; fields that are not known are ignored, as §3.2 demands."""

    model_config = ConfigDict(hide_input_in_errors=True)

    grant_type: Annotated[str, Text(max_length=100), Field(description="`password`, or nothing.")] = "password"
    username: Annotated[str, Text(max_length=100)]
    password: Password
    scope: Annotated[
        str,
        Text(max_length=2000),
        Field(description="Scopes, separated by spaces; all that the user has, if there are none."),
    ] = ""


class TokenOut(BaseModel):
    """An access token (RFC 6749 §5.1)."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 (a word of the protocol)
    expires_in: Annotated[int, Field(description="Seconds.")]
    scope: str


class KeyOut(BaseModel):
    """A public key (RFC 7517, RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: Annotated[str, Field(description="The key's thumbprint (RFC 7638).")]
    use: Literal["sig"]
    alg: Literal["EdDSA"]


class KeySetOut(BaseModel):
    """A JWK set; its first key is the one that is signed with."""

    keys: list[KeyOut]
