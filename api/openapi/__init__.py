"""The OpenAPI 3.1 document, built from the route table and the JSON Schemas that validate.

What the table and the schemas cannot say (summaries, which errors, links) stands here, one entry a responder. Pages
for people are not described: the document is what a program may call. `python -m api.openapi` prints it.
"""

from api.openapi.document import DOCUMENT_PATH, build_document, is_described

__all__ = ["DOCUMENT_PATH", "build_document", "is_described"]
