"""The real program in many environments: see ``docs/environments.md``, which this writes."""
