"""A desk of its own for tests: X display, sound card, session bus and keyring, all private.

Each part is a context manager that takes an environment and gives one with more in it::

    with session_bus(env) as env, display(env) as env, sound(env) as card:
        subprocess.run([...], env=card.env)
"""
