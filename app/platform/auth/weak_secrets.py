"""What stops a start: a secret that is missing, a well-known default, or short, or a way to lose it."""

from collections.abc import Callable

from ..settings import Settings, SettingsError, variable

MIN_PASSWORD_LENGTH = 12
DEFAULT_PASSWORDS = frozenset({"change-me-please", "changemeplease", "passwordpassword", "postgrespostgres"})


def refuse_weak_secrets(
    settings: Settings, *, database: bool, auth: bool, otherwise: Callable[[], str] | None = None
) -> None:
    """Raises `SettingsError` for each needed secret that is missing, default or short (RFC 8725 §3.5, ASVS 13.2.3).

    A signing key is needed in every environment, if there is `auth`: a process that verifies by another's keys has
    none. `otherwise` says what else can be done about a missing key. The strength of the password is judged in
    production only.
    """
    problems: list[str] = []
    if database and settings.production and settings.database.ssl == "prefer":
        problems.append(
            f"{variable('database', 'ssl')} must not be prefer in production, since it goes on without TLS: "
            "set verify-full, or disable where nobody else is on the network"
        )
    if database and settings.production:
        password = settings.database.password.get_secret_value()
        name = variable("database", "password")
        if not password:
            problems.append(f"{name} is not set: set it, or put it into a file named database__password")
        elif password.lower() in DEFAULT_PASSWORDS or password == settings.database.user:
            problems.append(f"{name} is a well-known default: set a random password")
        elif len(password) < MIN_PASSWORD_LENGTH:
            problems.append(f"{name} is shorter than {MIN_PASSWORD_LENGTH} characters: set a longer random password")
    if auth:
        from .keys import key_problem  # an import that a service without tokens does not pay for

        problem = key_problem(variable("auth", "signing_key"), settings.auth.signing_key, private=True)
        if problem and otherwise:
            problem = [f"{problem[0]}, or {otherwise()}"]
        problems += problem
        if settings.auth.previous_key is not None:
            problems += key_problem(variable("auth", "previous_key"), settings.auth.previous_key, private=False)
    if problems:
        raise SettingsError(problems)
