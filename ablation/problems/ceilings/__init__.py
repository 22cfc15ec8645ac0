"""The mathematics of the best possible model: exact where it can be, else simulated."""
