"""Ends when a TCP connection to HOST PORT succeeds: PostgreSQL listens there only after it has made its data folder."""

import socket
import sys
import time

HOST, PORT = sys.argv[1:]

while True:
    try:
        socket.create_connection((HOST, int(PORT)), timeout=2).close()
    except OSError as error:
        print(f"waiting for {HOST}:{PORT}: {error}", flush=True)
        time.sleep(0.5)
    else:
        break
