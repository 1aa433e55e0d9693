"""Use cases: pages, API and command line call the same functions, in the caller's transaction.

Each takes a connection and the principal who acts, writes the audit entry, and returns facts, or a result
with `facts`, for the switchboard's `commit`. A refusal is the error of the capability concerned.
"""
