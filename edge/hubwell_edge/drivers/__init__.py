"""Sensor drivers, the poller that reads them, and access to buses and pins. The kinds are in `registry`."""
