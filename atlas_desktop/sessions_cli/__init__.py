"""What this computer started and has not seen end, on the command line: ``atlas-desktop sessions``."""
