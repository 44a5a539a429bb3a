"""What an object-based checkpoint tells of the program that wrote it. Needs no TensorFlow.

A TrackableObjectGraph (tensorflow/core/protobuf/trackable_object_graph.proto), stored as one string.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shadowboard.bundle import Bundle
from shadowboard.errors import CheckpointDamaged
from shadowboard.roles import FLOATS, Described, alike
from shadowboard.wire import Broken, fields, repeated

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"

# Numbers of fields
_NODES, _ATTRIBUTES = 1, 2
_FULL_NAME, _NAME_HERE = 2, 3


@dataclass(frozen=True)
class Kept:
    """What an optimiser keeps for a variable; `kind`: what it calls it, as momentum.

    `of`: the variables of that full name, which are several where a model is there with its copy.
    """

    of: tuple[str, ...]
    kind: str


def full_names(bundle: Bundle) -> dict[str, str]:
    """Name in the checkpoint → what the program called the variable; empty of any other checkpoint.

    Raises CheckpointMissing, CheckpointDamaged.
    """
    if OBJECT_GRAPH not in bundle.entries:
        return {}
    try:
        attributes = [
            fields(attribute)
            for node in repeated(bundle.text(OBJECT_GRAPH), _NODES)
            for attribute in repeated(node, _ATTRIBUTES)
        ]
        return {
            attribute.get(_NAME_HERE, b"").decode(): attribute.get(_FULL_NAME, b"").decode()
            for attribute in attributes
        }
    except (Broken, AttributeError, TypeError, ValueError) as error:  # a field may be of another type
        raise CheckpointDamaged(
            f"The checkpoint {bundle.prefix.name} is damaged or cannot be read: "
            f"its {OBJECT_GRAPH} is no graph of objects."
        ) from error


def kept_by_keras(entries: Mapping[str, Described], names: Mapping[str, str]) -> dict[str, Kept]:
    """Name → what it is, of all that optimisers of Keras keep for variables; by the full names `names`.

    Of `dense/kernel` that is `sgd/dense_kernel_momentum`, say.
    """
    there = [name for name in names if name in entries and entries[name].dtype in FLOATS]
    variables: dict[str, tuple[str, ...]] = {}
    for name in there:
        full = names[name].replace("/", "_")
        variables[full] = (*variables.get(full, ()), name)
    found: dict[str, Kept] = {}
    for name in there:
        own = names[name].partition("/")[2]
        base = own.rpartition("_")[0]
        while base and base not in variables:  # a kind may be of two words
            base = base.rpartition("_")[0]
        of = tuple(v for v in variables.get(base, ()) if v != name and alike(entries[v], entries[name]))
        if of:
            found[name] = Kept(of, own.removeprefix(f"{base}_"))
    return found
