"""All media objects: what comes from the room, what goes to it, files, rings, levels."""
