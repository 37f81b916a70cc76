"""How fast the passes are, against this machine's limits and against what a user would otherwise run."""
