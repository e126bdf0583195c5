"""One run from start to end: session, event stream, evaluation, files."""
