"""The built-in problems, one file each: `generate`, and `ceilings` where they are known."""
