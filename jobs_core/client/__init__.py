"""The clients that people use: Board, AsyncBoard, and what they send and read."""
