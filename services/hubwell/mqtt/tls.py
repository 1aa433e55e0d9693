"""TLS to the broker, with the certificate authority that the settings name."""

import ssl
from pathlib import Path


class BrokerAuthorityError(OSError):
    """The file of the broker's certificate authority cannot be used; the text names it."""


def broker_tls(ca_file: Path | str | None) -> ssl.SSLContext:
    """Return a TLS context that trusts the authorities in `ca_file` (PEM), or by default the public ones.

    :raises BrokerAuthorityError: the file cannot be read, or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        problem = f"holds no certificate in PEM ({error.reason or error})"
        raise BrokerAuthorityError(f"HUBWELL_BROKER_CA_FILE={str(ca_file)!r} {problem}") from error
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise BrokerAuthorityError(f"HUBWELL_BROKER_CA_FILE={str(ca_file)!r} {problem}") from error
