"""The public clients, Board and AsyncBoard, and their parts."""
