"""Run GPU code on machines you do not have, from a notebook."""
