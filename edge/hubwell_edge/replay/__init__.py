"""``hubwell-edge replay``: recorded CSV files, read as a map describes, through the real agent."""
