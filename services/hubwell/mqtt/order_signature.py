"""Sign orders to devices (receipts, answers, erasures, musters), so that a device obeys its hub only.

An account on the broker that may write below `down/` is then not enough to have a device delete messages that
are not stored. Lists of badges are signed by `allowlist/sign.py`, inside.
"""

from datetime import datetime

from nacl.signing import SigningKey

from hubwell_wire.commands import Answer, Forget, Muster
from hubwell_wire.messages import Receipt
from hubwell_wire.signature import with_signature
from hubwell_wire.topics import Topic

Order = Answer | Forget | Muster | Receipt


def sign_order(topic: Topic, order: Order, key: SigningKey | None, at: datetime) -> bytes:
    """Return the payload of an order with its time and signature.

    Without a key it is unsigned: the hub has given its public half to no device yet. A muster has a time of
    its own, which stays.
    """
    if key is None:
        return order.encode()
    dated = order if isinstance(order, Muster) else order.model_copy(update={"at": at})
    return with_signature(str(topic), dated.encode(), lambda covered: key.sign(covered).signature)
