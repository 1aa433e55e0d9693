"""What happens at the door of a space: walk-ins, and the release of bookings to which nobody came."""
