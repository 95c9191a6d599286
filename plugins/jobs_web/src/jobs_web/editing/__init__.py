"""Forms that put and edit jobs: what is typed, a preview, and saving without losing what others changed."""
