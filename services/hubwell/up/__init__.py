"""`hubwell up`: one command that brings the whole system up, keeps it up, and takes it down."""
