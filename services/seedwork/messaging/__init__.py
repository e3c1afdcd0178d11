"""How events travel: the broker's entities, the publisher, the consuming entrypoint and the loops of a worker.

Nothing here knows a word of the business. Only `entrypoint` and `loops` need an eventlet-patched process.
"""
