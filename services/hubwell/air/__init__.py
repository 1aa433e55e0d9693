"""Indoor air against rules: episodes open and resolve in the transaction of the readings."""
