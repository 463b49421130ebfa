"""The local Atlas: a stand-in for the service that runs on this computer, for rehearsals and tests.

A process of its own. It proves a client's logic, not its compatibility with the real service.
"""
