"""The front end: PTX text as a tree, and the table of instructions that the emulation knows."""
