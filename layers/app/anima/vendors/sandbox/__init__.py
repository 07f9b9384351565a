"""Programs of others in processes of their own: within limits of time, memory and output, and for code that a model
wrote, without files, network and other processes.
"""

from anima.vendors.sandbox.code import Isolation, Limits, NoSandbox, Ran, run
from anima.vendors.sandbox.process import Ended, bounded

__all__ = ["Ended", "Isolation", "Limits", "NoSandbox", "Ran", "bounded", "run"]
