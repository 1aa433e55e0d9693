"""Who is where, as far as badges tell: taps become visits."""
