"""A worker on a large transcript, for the bench of its import: how long it takes, and what it holds at most.

Run as a program in the environment of a worker. Arguments: the owner, the document. Prints the seconds, and the peak of
the memory of the process with its children in bytes. The embedder costs nothing.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.big_worker import Peak, Quick


def main() -> None:
    """Imports the document, in as many deliveries as it takes."""
    from anima.kernel import db
    from anima.snapshots import transcripts_import_service as service
    from anima.vendors import embeddings

    owner_id, document_id = map(int, sys.argv[1:])
    service.SLICE_SECONDS = 3_600.0
    peak = Peak()
    peak.start()
    begun = time.perf_counter()
    with embeddings.use(Quick(embeddings.embedder().name)):
        service.import_transcript(db.Principal(owner_id, login="worker"), owner_id, document_id)
    print(time.perf_counter() - begun, peak.end())


if __name__ == "__main__":
    main()
