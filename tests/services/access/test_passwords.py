"""Passwords are hashed with the library's parameters unless a test hands in others."""

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from hubwell.access import passwords
from hubwell.app import create_app
from hubwell.settings import Settings
from services.access.running_app import PASSWORD, QUICK_HASHER


async def test_application_hashes_with_argon2id_as_rfc_9106_recommends() -> None:
    keeper = create_app(Settings(database_url="postgresql:///x")).state.parts.passwords

    stored = await keeper.hashed(PASSWORD)

    parameters = extract_parameters(stored)
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (64 * 1024, 3, 4)
    assert parameters == RFC_9106_LOW_MEMORY
    assert await keeper.verify(stored, PASSWORD)
    assert not await keeper.verify(stored, PASSWORD + "!")
    assert not await keeper.verify(None, PASSWORD)


def test_command_line_hashes_with_the_same_parameters() -> None:
    assert extract_parameters(passwords.hashed(PASSWORD)) == RFC_9106_LOW_MEMORY


def test_weaker_parameters_are_outdated() -> None:
    weaker = passwords.hashed(PASSWORD, QUICK_HASHER)

    assert passwords.is_outdated(weaker)
    assert passwords.Passwords().is_outdated(weaker)
    assert not passwords.Passwords(QUICK_HASHER).is_outdated(weaker)
    assert not passwords.Passwords(PasswordHasher()).is_outdated(passwords.hashed(PASSWORD))
