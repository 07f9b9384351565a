"""The process of a reader: reads one file for its parent, within limits, and ends when its parent does."""

from __future__ import annotations

from anima.vendors.readers.child import main

if __name__ == "__main__":
    main()
