"""The methods: one torch-free file each, with its settings, presets, cost and what it needs. The loops are in methods/."""
