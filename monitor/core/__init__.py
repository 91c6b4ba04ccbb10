"""What is true: values and functions, without IO, clock, chance or log."""
