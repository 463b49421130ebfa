"""The local Atlas: a stand-in for the service on this computer, for rehearsals and tests.

A process of its own. It proves the logic of a client, not its compatibility with the real service.
"""
