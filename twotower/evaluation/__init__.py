"""How good the text is and what it costs, lane by lane, on tasks with a ground truth and on stories."""
