"""A simulated hub: rooms, people, air and badge taps, with a real agent for each device."""
