"""Accounts and tokens on the command line. Each command only reads its options and calls one function."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from hubwell.commands.people import run_or_exit, show
from hubwell.vocabulary import Role

account_app = typer.Typer(help="Accounts: who may sign in, and as what.", no_args_is_help=True)
token_app = typer.Typer(help="Tokens: what programs may do.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
Login = Annotated[str, typer.Argument(help="What somebody types to sign in.")]
Roles = Annotated[list[Role], typer.Option("--role", help="May stand several times.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(help="File with the password; without it, it is asked for or read from standard input."),
]


@account_app.command("add")
def account_add(
    login: Login,
    role: Roles = [],  # noqa: B006 - typer makes a new list for each call
    name: Annotated[str, typer.Option(help="Name that people read.")] = "",
    password_file: PasswordFile = None,
) -> None:
    """Add an account with a password."""
    from hubwell.commands import account_commands

    run_or_exit(account_commands.add_account, login, name, role, _password(password_file))
    print(f"Account {login} is added, with: {', '.join(role) or 'no role yet'}.")


@account_app.command("list")
def account_list(json_: Json = False) -> None:
    """List the accounts, the closed ones last."""
    from hubwell.commands import account_commands

    show(run_or_exit(account_commands.accounts_there), "accounts", as_json=json_)


@account_app.command("disable")
def account_disable(login: Login) -> None:
    """Close an account; where it is signed in, that ends at once."""
    from hubwell.commands import account_commands

    run_or_exit(account_commands.disable, login)
    print(f"Account {login} is closed. `hubwell account enable {login}` opens it again.")


@account_app.command("enable")
def account_enable(login: Login) -> None:
    """Open an account again."""
    from hubwell.commands import account_commands

    run_or_exit(account_commands.enable, login)
    print(f"Account {login} is open again.")


@account_app.command("password")
def account_password(login: Login, password_file: PasswordFile = None) -> None:
    """Set another password, and sign the account out everywhere."""
    from hubwell.commands import account_commands

    run_or_exit(account_commands.set_password, login, _password(password_file))
    print(f"The password of {login} is changed.")


@account_app.command("role")
def account_role(
    login: Login,
    role: Roles = [],  # noqa: B006 - typer makes a new list for each call
) -> None:
    """Give an account these roles instead of those it was given here; without --role, none."""
    from hubwell.commands import account_commands

    run_or_exit(account_commands.set_roles, login, role)
    print(f"Account {login} has now, given here: {', '.join(role) or 'no role'}.")


@account_app.command("erase")
def account_erase(
    login: Login,
    confirm: Annotated[str | None, typer.Option(help="The login again, instead of typing it.")] = None,
) -> None:
    """Erase an account for good. The person it belongs to stays: `hubwell person` knows them."""
    from hubwell.commands import account_commands

    if (confirm or typer.prompt("This cannot be undone. Type the login to erase the account")) != login:
        print("Nothing was erased: the logins differ.", file=sys.stderr)
        raise typer.Exit(2)
    person = run_or_exit(account_commands.erase, login)
    print(
        f"Account {login} is erased." + (f" It belonged to the person {person}, who stays." if person else "")
    )


@token_app.command("add")
def token_add(
    name: Annotated[str, typer.Argument(help="Which program uses it.")],
    role: Roles = [],  # noqa: B006 - typer makes a new list for each call
    days: Annotated[
        int, typer.Option(help="How long it counts; 0: until it is revoked.", min=0, max=3650)
    ] = 365,
) -> None:
    """Make a token and print it: it cannot be shown again."""
    from hubwell.commands import account_commands

    print(run_or_exit(account_commands.add_token, name, role, days))


@token_app.command("list")
def token_list(json_: Json = False) -> None:
    """List the tokens, without their secrets."""
    from hubwell.commands import account_commands

    show(run_or_exit(account_commands.list_tokens), "tokens", as_json=json_)


@token_app.command("revoke")
def token_revoke(name: Annotated[str, typer.Argument(help="Name of the token.")]) -> None:
    """Let a token count no longer."""
    from hubwell.commands import account_commands

    run_or_exit(account_commands.revoke_token, name)
    print(f"The token {name} counts no longer.")


def _password(file: Path | None) -> str:
    """Return the password from a file, the terminal or standard input, without the end of its line."""
    if file is not None:
        try:
            return file.read_text().rstrip("\r\n")
        except OSError as error:
            print(f"The password cannot be read from {file}: {error.strerror}.", file=sys.stderr)
            raise typer.Exit(2) from None
    if sys.stdin.isatty():
        typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")
