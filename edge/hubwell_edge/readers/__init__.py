"""Badge readers and what turns their bytes or text into cards. The kinds are in `registry`."""
