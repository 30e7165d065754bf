"""The OpenAPI 3.1 document, built from the route table and the JSON Schemas that validate requests.

This package adds what these cannot express: summaries, errors and links, in one entry for each responder. The document
describes what a program may call, so it leaves out pages for people. `python -m api.openapi` prints it.
"""

from api.openapi.document import DOCUMENT_PATH, build_document, is_described

__all__ = ["DOCUMENT_PATH", "build_document", "is_described"]
