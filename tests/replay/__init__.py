"""The columnar decoder of the syscall source against the plain one."""
