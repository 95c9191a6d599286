"""The REST API of a board, at `/api/v1`.

A resource is a file with functions from a Call to what is answered, and a table of routes. The routing and
the OpenAPI document are made from these tables. To add a route, add it to the `ROUTES` of its file.
"""
