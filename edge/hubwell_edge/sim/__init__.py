"""The simulated hub: people, air, sound and light of a few spaces, and the devices that measure them."""
