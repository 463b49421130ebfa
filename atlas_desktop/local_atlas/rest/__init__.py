"""The REST side of the local Atlas: the API of the service, its accounts, and injected faults."""
