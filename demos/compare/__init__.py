"""The tab Compare methods: recorded tables of methods, races, and where methods differ."""
