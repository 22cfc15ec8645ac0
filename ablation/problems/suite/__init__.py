"""The problems that come along, a file each: `generate`, and `ceilings` where they are known."""
