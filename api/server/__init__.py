"""From the socket to the WSGI application: processes, the loop in each, connections, and HTTP as it stands on the wire.

`workers.py` forks the processes. In each, `epoll_server.py` gives connections to threads; `channel.py` is one of them,
`protocol.py` and `chunks.py` read its requests, `answers.py` writes what comes back. Nothing here knows of tasks.
"""
