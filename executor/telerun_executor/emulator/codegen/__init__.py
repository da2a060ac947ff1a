"""The back end: a tree of PTX as C."""
