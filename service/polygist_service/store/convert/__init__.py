"""From source files to a folder that the engine loads."""
