"""What the hub says of itself, as administrators set it: name, zone, language, colour and so on."""
