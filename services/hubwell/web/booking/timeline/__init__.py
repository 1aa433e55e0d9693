"""The timeline of bookings: spaces as lines, a day or a week from left to right."""
