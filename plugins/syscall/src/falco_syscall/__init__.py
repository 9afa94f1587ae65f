"""Linux system calls: captures, state, fields."""
