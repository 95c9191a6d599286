"""Forms that put and edit jobs: what is typed, a preview, and how it is saved without losing what others changed."""
