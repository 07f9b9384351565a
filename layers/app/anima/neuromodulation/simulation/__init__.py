"""The simulation file: one JSON object describes a neuromodulated run; it is read whole, with the path of each error.

>>> read('{"environment": {"id": "CartPole-v1"}}').global_settings.mode
'STANDARD'
"""

from anima.neuromodulation.simulation.faults import Fault, SimulationInvalid
from anima.neuromodulation.simulation.file import Simulation, difference, differences
from anima.neuromodulation.simulation.reading import read, read_object
from anima.neuromodulation.simulation.ready_files import SHIPPED, UnknownSimulation, shipped
from anima.neuromodulation.simulation.schema import schema

__all__ = [
    "SHIPPED",
    "Fault",
    "Simulation",
    "SimulationInvalid",
    "UnknownSimulation",
    "difference",
    "differences",
    "read",
    "read_object",
    "schema",
    "shipped",
]
