"""The command line: one command for each thing a person does, over HTTP to the server of this machine."""
