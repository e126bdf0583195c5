"""What the server says where it refuses a request before the page sees it."""

from __future__ import annotations

BODY_TOO_LARGE = (
    "This request is larger than {size}, so it was not read. Send files with the upload fields of the page."
)
BODY_TOO_SLOW = "This request took too long to arrive. Send it again."
UPLOAD_TOO_LARGE = "An upload may be at most {size} in all. Choose smaller files, or fewer at once."
DISK_FULL = "The disk of this server is full, so it takes no file now. Try again in a few minutes."
NO_ROOM = "The disk of this server is full. Try again in a few minutes."
WRONG_HOST = "This server does not answer under this name. Its owner lists its names in PLAYGROUND_HOSTS."
CLOSED = "This page does not offer this."
FAILED = "The server failed at this request. Reload the page and try again."
UNREADABLE = "This request cannot be read ({place}: {why}). Reload the page, or look at its API."
BAD_PROXIES = "PLAYGROUND_PROXIES must be a number from 0 to {most}."
BAD_PROXIES_HINT = "Give the number of proxies that stand between the visitors and this server; 0 for none."
NO_RAY = "PLAYGROUND_RAY is set, but Ray is not installed."
NO_RAY_HINT = "Install it with: pip install ray. Or start without PLAYGROUND_RAY."
NO_CLUSTER = "The Ray cluster at {address} cannot be reached."
NO_CLUSTER_HINT = "Start it with: ray start --head. Or start without PLAYGROUND_RAY."
BAD_CORES = "PLAYGROUND_RAY_CORES must be a number from 1 to {most}."
BAD_CORES_HINT = "Give the CPU cores that one run may use; 2 where you are not sure."
