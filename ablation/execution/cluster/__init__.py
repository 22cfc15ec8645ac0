"""Trains trials on the workers of a Dask cluster; results travel back to the command."""
