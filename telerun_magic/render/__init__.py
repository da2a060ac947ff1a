"""What a job left, as something to look at: data becomes blocks, blocks become an escaped bundle."""
