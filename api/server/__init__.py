"""A WSGI server: worker processes, an epoll loop of threads in each, connections, and HTTP/1.1 on the wire.

`workers.py` forks the processes. In each, `loop.py` accepts connections and gives their events to threads;
`connection.py` is one connection, `request.py` and `chunks.py` read its requests, `response.py` calls the application
and frames what it returns. `handlers.py` is what the server is given. Nothing here imports from the rest of `api/`.
"""
