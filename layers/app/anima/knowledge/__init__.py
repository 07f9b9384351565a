"""Knowledge: documents, how they are read and cut into chunks, and how those are found again."""
