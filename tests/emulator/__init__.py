"""The functions inside Lambda's own runtime interface emulator, from the working tree, without a container."""
