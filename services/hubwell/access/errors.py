"""Why a request is refused: raised by the guard and the limits, answered by the API and the pages."""

from datetime import timedelta


class RefusalError(Exception):
    """A request may not go on; the sentence says why."""


class SignInNeededError(RefusalError):
    """Nobody is signed in, and this is not for everybody."""

    def __init__(self) -> None:
        super().__init__("Sign in, or send a token: this is not for everybody.")


class BadTokenError(RefusalError):
    """A program showed a token that is not known, was revoked or is too old."""

    def __init__(self) -> None:
        super().__init__("This token is not known, was revoked, or is over. `hubwell token list` shows them.")


class NotAllowedError(RefusalError):
    """Somebody is signed in, and may not do this."""

    def __init__(self) -> None:
        super().__init__("Your roles do not include this. Those who keep the accounts can change them.")


class FormExpiredError(RefusalError):
    """A form came without its anti-forgery token, or from another site."""

    def __init__(self) -> None:
        super().__init__(
            "This form was not made for this sign-in. Load its page again and send it once more."
        )


class TooManyTriesError(RefusalError):
    """Something was tried too often."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("This was tried too often. Wait a little, then try again.")
        self.wait = wait
