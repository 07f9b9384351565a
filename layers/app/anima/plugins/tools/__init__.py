"""The plugins that are built in; loaded when one of their tools is called."""
