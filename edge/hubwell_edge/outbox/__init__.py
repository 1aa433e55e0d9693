"""The outbox: messages on disk until the server confirms them, and gap events for messages that were dropped.

The states of one message, and the names that the code uses for them:

- *observation*: what a source yields; the agent collects observations in a `Batch`;
- *draft* (`DraftMessage`): a message without a number, in memory;
- *unwritten* (`UnwrittenDrafts`): drafts that the disk has refused so far, still in memory;
- *stored* (`StoredMessage`): a row of the file, with a number (`seq`) in its numbering (`boot`);
- *in flight* (`InFlight`): published to the broker, and not yet covered by a receipt;
- *confirmed*: covered by a receipt of the server, and deleted here.

*Pending* counts the stored messages without a receipt, in flight or not, as in the contract's `Status`.
"""
