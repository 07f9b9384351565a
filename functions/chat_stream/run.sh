#!/bin/sh
# Lambda Web Adapter waits for this port and turns what the app writes into a streamed response.
exec python -m uvicorn handler:app --host 127.0.0.1 --port "${AWS_LWA_PORT:-8080}" --no-access-log
