"""Quality against speed over a grid of settings: what varies, how it is run, what it comes to. Knows no page."""
