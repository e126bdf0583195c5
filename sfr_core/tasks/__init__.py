"""What is forgotten: a model, its data and its per-sample loss, behind one small protocol."""
