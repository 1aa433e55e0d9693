"""The tables of the database: who owns, writes and reads each."""
