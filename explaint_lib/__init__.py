"""Probes, mappers, controls and metrics for asking whether an interpretation of a transformer is evidence.

The modules are rooms with one job each (see the table "Rooms" in CONTRIBUTING.md). Import the room you need::

    from explaint_lib import controls, encoders, mappers, metrics, norms

Axis order everywhere: attention ``(layer, head, query, key)``, hidden states ``(layer, position, dim)``, embeddings
``(word, dim)``, norms ``(word, feature)``; layer 0 is the output of the embedding layer.
"""

from importlib import metadata

__version__ = metadata.version("explaint")
