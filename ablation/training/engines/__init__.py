"""The engines, one file each: ways to run a chunk of updates. The tests compare their results."""
