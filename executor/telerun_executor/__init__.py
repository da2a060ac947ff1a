"""The daemon on a machine with compilers and GPUs: claims jobs, compiles and runs them, sends everything back."""
