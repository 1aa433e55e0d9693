"""From the broker to committed rows: parse, admit, store once, acknowledge after the commit."""
