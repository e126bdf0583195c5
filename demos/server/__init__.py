"""What stands between the page and the network: settings by environment, limits and headers of answers, sessions, uploads on disk."""
