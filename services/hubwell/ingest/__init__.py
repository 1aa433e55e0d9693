"""Store what the broker delivers: parse, validate, store once, acknowledge after the commit."""
