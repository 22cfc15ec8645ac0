"""How Dask's processes are set up where trials are long and connections may break."""

from __future__ import annotations

# As environment variables, which schedulers, workers and job scripts all take. Dask gives up a
# silent connection after half a minute; a network may be gone for longer. The others are how often
# it looks at itself: as it is installed, that takes a twentieth of each core.
DASK = {
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "600s",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "5s",
    "DASK_DISTRIBUTED__WORKER__MEMORY__MONITOR_INTERVAL": "5s",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
}
EXPORTS = tuple(f"export {name}={value}" for name, value in DASK.items())
