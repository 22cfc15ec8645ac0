"""Ways of doing a chunk of updates, a file each; they check each other."""
