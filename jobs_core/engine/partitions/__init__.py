"""Boards that are spread over partitions: which one has what, and how calls are split among them.

A board of P partitions is P ordinary boards, `{jobs.0}` and so on, behind one name. In a cluster, each may be
on another node.
"""
