"""A station's life, drawn from one seed: drivers, an operator, weather; and what may be expected of it afterwards."""
