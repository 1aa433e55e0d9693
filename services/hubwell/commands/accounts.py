"""`hubwell account`, `hubwell access` and `hubwell token`: who may log in, and what programs may do."""

import asyncio
import hashlib
import secrets
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

import typer

from hubwell.commands.cli_output import print_rows, say
from hubwell.commands.cli_settings import settings
from hubwell.commands.cli_transactions import (
    COMMAND_LINE,
    CommandTransaction,
    hub_settings,
    in_transaction,
    refusals,
    refuse,
)
from hubwell.vocabulary import Role

if TYPE_CHECKING:
    from hubwell.access.accounts import Account
    from hubwell.access.oidc.client import Provider, SignedIn

account_app = typer.Typer(help="Accounts: who may log in, and in which roles.", no_args_is_help=True)
access_app = typer.Typer(help="Sign-in through a provider.", no_args_is_help=True)
token_app = typer.Typer(help="Tokens: what programs may do.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
Login = Annotated[str, typer.Argument(help="The name with which the account logs in.")]
Roles = Annotated[list[Role], typer.Option("--role", help="Can be given several times.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(help="File with the password; without it, it is asked for or read from standard input."),
]
Rows = list[dict[str, Any]]
_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - a browser cannot go to "all addresses"


@account_app.command("add")
def account_add(
    login: Login,
    role: Roles = [],  # noqa: B006 - typer makes a new list for each call
    name: Annotated[str, typer.Option(help="Name that people read.")] = "",
    password_file: PasswordFile = None,
) -> None:
    """Add an account with a password."""
    from hubwell.access import passwords
    from hubwell.access.accounts import check_new
    from hubwell.workflows import accounts

    password = _password(password_file)
    with refusals():
        check_new(login=login, name=name, password=password, hub_name=hub_settings().hub_name)
    hashed = passwords.hashed(password)

    async def work(transaction: CommandTransaction) -> None:
        conn = transaction.conn
        await accounts.add(conn, COMMAND_LINE, login=login, name=name, password_hash=hashed, roles=role)

    in_transaction(work)
    print(f"Account {login} is added, with: {', '.join(role) or 'no role yet'}.")


@account_app.command("list")
def account_list(json_: Json = False) -> None:
    """List the accounts, the closed ones last."""
    from hubwell.access import accounts

    rows = [
        {
            "login": account.login,
            "name": account.name,
            "roles": " ".join(account.roles),
            "signs_in": _ways_to_log_in(account),
            "last_sign_in": account.signed_in_at,
        }
        for account in in_transaction(lambda transaction: accounts.list_accounts(transaction.conn))
    ]
    print_rows(rows, title="accounts", as_json=json_)


@account_app.command("link")
def account_link() -> None:
    """Print the address at which a browser makes the first administrator; it replaces an earlier one."""
    from hubwell.access import accounts
    from hubwell.keys import Keys

    if in_transaction(lambda transaction: accounts.has_admin(transaction.conn)):
        raise refuse("This hub has an administrator: log in, or use `hubwell account add`")
    configured, code = settings(), secrets.token_urlsafe(18)
    with refusals():
        Keys(configured.keys_dir).put_setup_hash(hashlib.sha256(code.encode()).digest())
    host = _LOOPBACK.get(configured.http_host, configured.http_host)
    page = str(configured.public_url or f"http://{host}:{configured.http_port}").rstrip("/")
    print(f"{page}/setup?code={code}")


@account_app.command("disable")
def account_disable(login: Login) -> None:
    """Close an account, and end its sessions at once."""
    from hubwell.workflows import accounts

    _change(login, lambda t, account_id: accounts.disable(t.conn, COMMAND_LINE, account_id, t.now))
    say(f"Account {login} is closed. `hubwell account enable {login}` opens it again.")


@account_app.command("enable")
def account_enable(login: Login) -> None:
    """Open an account again."""
    from hubwell.workflows import accounts

    _change(login, lambda t, account_id: accounts.enable(t.conn, COMMAND_LINE, account_id))
    print(f"Account {login} is open again.")


@account_app.command("password")
def account_password(login: Login, password_file: PasswordFile = None) -> None:
    """Set another password, and end the account's sessions."""
    from hubwell.workflows import accounts

    hashed = _hashed_password(password_file, login)
    _change(login, lambda t, account_id: accounts.reset_password(t.conn, COMMAND_LINE, account_id, hashed))
    print(f"The password of {login} is changed.")


@account_app.command("role")
def account_role(
    login: Login,
    role: Roles = [],  # noqa: B006 - typer makes a new list for each call
) -> None:
    """Replace the roles that the account was given here; without --role, by none."""
    from hubwell.workflows import accounts

    _change(login, lambda t, account_id: accounts.set_roles(t.conn, COMMAND_LINE, account_id, role))
    print(f"Account {login} has now, given here: {', '.join(role) or 'no role'}.")


@account_app.command("erase")
def account_erase(
    login: Login,
    confirm: Annotated[str | None, typer.Option(help="The login again, instead of typing it.")] = None,
) -> None:
    """Erase an account for good. The person it belongs to stays: `hubwell person find` shows them."""
    from hubwell.workflows.erasure import erase_account

    if (confirm or typer.prompt("This cannot be undone. Type the login to erase the account")) != login:
        raise refuse("Nothing was erased: the logins differ")

    async def erase(transaction: CommandTransaction, account_id: UUID) -> UUID | None:
        erased = await erase_account(transaction.conn, COMMAND_LINE, account_id)
        await transaction.commit(erased.facts)
        return erased.person_id

    person_id = _change(login, erase)
    stays = f" It belonged to the person {person_id}, who stays." if person_id else ""
    print(f"Account {login} is erased.{stays}")


@token_app.command("add")
def token_add(
    name: Annotated[str, typer.Argument(help="Which program uses it.")],
    role: Roles = [],  # noqa: B006 - typer makes a new list for each call
    days: Annotated[
        int, typer.Option(help="How long it is valid; 0: until it is revoked.", min=0, max=3650)
    ] = 365,
) -> None:
    """Make a token and print it: it cannot be shown again."""
    from hubwell.workflows import accounts

    async def work(transaction: CommandTransaction) -> str:
        until = transaction.now + timedelta(days=days) if days else None
        conn = transaction.conn
        return (await accounts.add_token(conn, COMMAND_LINE, name=name, roles=role, expires_at=until))[1]

    print(in_transaction(work))


@token_app.command("list")
def token_list(json_: Json = False) -> None:
    """List the tokens, without their secrets."""
    from hubwell.access import tokens

    rows = [
        {
            "name": token.name,
            "roles": " ".join(token.roles),
            "made": token.created_at,
            "counts_until": token.revoked_at or token.expires_at,
            "revoked": token.revoked_at is not None,
        }
        for token in in_transaction(lambda transaction: tokens.list_tokens(transaction.conn))
    ]
    print_rows(rows, title="tokens", as_json=json_)


@token_app.command("revoke")
def token_revoke(name: Annotated[str, typer.Argument(help="Name of the token.")]) -> None:
    """End a token."""
    from hubwell.workflows import accounts

    in_transaction(lambda t: accounts.revoke_token(t.conn, COMMAND_LINE, name, t.now))
    print(f"The token {name} is revoked.")


def _change(login: str, work: Callable[[CommandTransaction, UUID], Awaitable[Any]]) -> Any:  # noqa: ANN401 - the work's result
    """Do the work of a command with the account of a login."""
    from hubwell.access import accounts
    from hubwell.access.errors import ACCOUNT_UNKNOWN
    from hubwell.errors import DomainError

    async def with_account(transaction: CommandTransaction) -> Any:  # noqa: ANN401 - see above
        account = await accounts.credentials(transaction.conn, login=login)
        if account is None:
            raise DomainError(ACCOUNT_UNKNOWN)
        return await work(transaction, account.id)

    return in_transaction(with_account)


def _ways_to_log_in(account: "Account") -> str:
    if account.disabled_at:
        return "closed"
    ways = {"password": account.has_password, "provider": account.has_identity}
    return " or ".join(way for way, has in ways.items() if has) or "not yet"


def _hashed_password(file: Path | None, login: str) -> str:
    """Return the hash of the password from a file, the terminal or standard input."""
    from hubwell.access import accounts, passwords

    password = _password(file)
    with refusals():
        accounts.check_password(password, login, (hub_settings().hub_name,))
    return passwords.hashed(password)


def _password(file: Path | None) -> str:
    """Return the password, without the end of its line."""
    if file is not None:
        try:
            return file.read_text().rstrip("\r\n")
        except OSError as error:
            raise refuse(f"The password cannot be read from {file}: {error.strerror}") from None
    if sys.stdin.isatty():
        typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")


@access_app.command("check")
def access_check(
    sign_in: Annotated[
        bool, typer.Option("--sign-in/--no-sign-in", help="Sign in once, with a person at a browser.")
    ] = True,
) -> None:
    """Ask the provider what it offers, sign in once, and print which claims came and which role follows."""
    from hubwell.access.oidc.check import describe_login, describe_provider
    from hubwell.access.oidc.client import Provider, ScopeGuessedError
    from hubwell.access.oidc.errors import OidcError
    from hubwell.commands.cli_settings import settings

    configured = settings()
    provider = Provider.of(configured)
    if provider is None:
        raise refuse("No provider is set: set HUBWELL_OIDC_ISSUER (docs/access.md)")

    async def work(provider: Provider) -> bool:
        print("\n".join(describe_provider(provider, await provider.metadata(), configured)))
        if not sign_in:
            return True
        try:
            signed_in = await _sign_in_by_hand(provider)
        except ScopeGuessedError:
            print(
                "\nThe provider refuses the scope groups to this client. Again without it, as the pages do:"
            )
            signed_in = await _sign_in_by_hand(provider)
        print("\n".join(describe_login(signed_in, configured)))
        return bool(signed_in.identity.roles)

    try:
        has_role = asyncio.run(work(provider))
    except OidcError as error:
        raise refuse(f"{error}" + (f" ({error.detail})" if error.detail else "")) from None
    raise typer.Exit(0 if has_role else 1)


async def _sign_in_by_hand(provider: "Provider") -> "SignedIn":
    """Let a person sign in at a browser and paste the address of the provider's answer. Raises OidcError."""
    from hubwell.access.oidc.login_state import CHECK_PREFIX

    begun = await provider.begin("/", prefix=CHECK_PREFIX)
    print(f"\nOpen this address in a browser, and sign in:\n\n{begun.address}\n")
    print("Where the provider shows an error instead, it does not know the client ID or the redirect URI.")
    print("Else copy the whole address of the page that follows, and paste it here:", flush=True)
    pasted = (await asyncio.to_thread(sys.stdin.readline)).strip()
    answer = dict(parse_qsl(pasted.partition("?")[2].partition("#")[0]))
    if answer.keys().isdisjoint(("code", "error")):
        raise refuse(
            f"This is not the address of the provider's answer: that begins with {provider.redirect_uri}?"
        )
    return await provider.finish({begun.cookie_name: begun.cookie}, answer)
